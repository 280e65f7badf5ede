package api

import (
	_ "embed"
	"slices"
)

//go:embed openapi.yaml
var document []byte

// Document is the OpenAPI 3.0 document of the HTTP API, in YAML: the operations that work,
// each with the function behind it. The gateway imports it and routes by it. The slice is the
// caller's.
func Document() []byte { return slices.Clone(document) }
