// Package apigateway is the embedded API Gateway: REST APIs made from OpenAPI documents, API
// keys and usage plans, and the front door that routes requests to Lambda functions.
//
// Start with [Open]. A [Service] has two faces. ServeAWS is the control plane, in the REST-JSON
// protocol of the SDK's apigateway client: what it answers is on disk. ServeHTTP is the data
// plane: it routes by the document that was deployed last, checks credentials, tenant, throttles
// and the envelope (size and content type), and hands the request to the function that the
// operation's x-amazon-apigateway-integration names, in the Lambda proxy format 1.0. Bodies are
// not validated here: the function reads them once, and that is enough.
//
// Credentials are an API key, whose name is its tenant ("*": any), or a bearer token verified
// against a JWKS; both are this project's own reading of what an authorizer does. So is the
// header X-Stampede-Version: function and version that answered. Where AWS's documents fix a
// body or status, it is AWS's, but for Retry-After, which AWS does not send.
//
// A Service owns no goroutine; Close waits for requests under way. It has no caching, CORS,
// models, mapping templates or WebSockets. A key has one usage plan, and a plan without stages is
// about all APIs; usage is counted, but neither GetUsage nor UpdateUsage is served.
package apigateway
