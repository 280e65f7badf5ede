package lambda

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// operation answers one operation of the API. args are the variable parts of its path.
type operation func(s *Service, r *wire.Request, args []string) (answer, error)

// answer is what an operation sends back: status 200 and {} for the zero value.
type answer struct {
	status int
	body   any
}

// route is an operation and where it is found. A * in path is a variable part.
type route struct {
	method, path string
	do           operation
}

// routes are the operations of the API that are served.
// https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html
var routes = []route{
	{"POST", "/2015-03-31/functions/*/invocations", nil}, // Invoke, which writes its own answer
	{"POST", "/2015-03-31/functions", (*Service).createFunction},
	{"GET", "/2015-03-31/functions", (*Service).listFunctions},
	{"GET", "/2015-03-31/functions/*", (*Service).getFunction},
	{"DELETE", "/2015-03-31/functions/*", (*Service).deleteFunction},
	{"GET", "/2015-03-31/functions/*/configuration", (*Service).getConfiguration},
	{"PUT", "/2015-03-31/functions/*/configuration", (*Service).updateConfiguration},
	{"PUT", "/2015-03-31/functions/*/code", (*Service).updateCode},
	{"POST", "/2015-03-31/functions/*/versions", (*Service).publishVersion},
	{"GET", "/2015-03-31/functions/*/versions", (*Service).listVersions},
	{"POST", "/2015-03-31/functions/*/aliases", (*Service).createAlias},
	{"GET", "/2015-03-31/functions/*/aliases", (*Service).listAliases},
	{"GET", "/2015-03-31/functions/*/aliases/*", (*Service).getAlias},
	{"PUT", "/2015-03-31/functions/*/aliases/*", (*Service).updateAlias},
	{"DELETE", "/2015-03-31/functions/*/aliases/*", (*Service).deleteAlias},
	{"PUT", "/2017-10-31/functions/*/concurrency", (*Service).putConcurrency},
	{"DELETE", "/2017-10-31/functions/*/concurrency", (*Service).deleteConcurrency},
	{"GET", "/2019-09-30/functions/*/concurrency", (*Service).getConcurrency},
	{"PUT", "/2019-09-25/functions/*/event-invoke-config", (*Service).putEventsConfig},
	{"GET", "/2019-09-25/functions/*/event-invoke-config", (*Service).getEventsConfig},
	{"DELETE", "/2019-09-25/functions/*/event-invoke-config", (*Service).deleteEventsConfig},
	{"POST", "/2015-03-31/event-source-mappings", (*Service).createMapping},
	{"GET", "/2015-03-31/event-source-mappings", (*Service).listMappings},
	{"GET", "/2015-03-31/event-source-mappings/*", (*Service).getMapping},
	{"PUT", "/2015-03-31/event-source-mappings/*", (*Service).updateMapping},
	{"DELETE", "/2015-03-31/event-source-mappings/*", (*Service).deleteMapping},
	{"GET", "/2016-08-19/account-settings", (*Service).accountSettings},
	{"GET", "/2017-03-31/tags/*", (*Service).listTags},
	{"POST", "/2017-03-31/tags/*", (*Service).tag},
}

// ServeAWS answers a verified request of Lambda's REST API.
func (s *Service) ServeAWS(w http.ResponseWriter, r *wire.Request) {
	path := strings.TrimSuffix(r.HTTP.URL.EscapedPath(), "/")
	for i := range routes {
		rt := &routes[i]
		args, ok := match(rt.path, path)
		if !ok || rt.method != r.HTTP.Method {
			continue
		}
		if rt.do == nil {
			s.serveInvoke(w, r, args[0])
			return
		}
		a, err := rt.do(s, r, args)
		if err != nil {
			wire.ReplyError(w, r, err)
			return
		}
		reply(w, r, a)
		return
	}
	wire.ReplyError(w, r, wire.Errorf(http.StatusNotFound, "UnknownOperationException",
		"no operation of Lambda that is served here has %s %s", r.HTTP.Method, path))
}

// match compares an escaped path with a pattern and returns the unescaped variable parts.
func match(pattern, path string) (args []string, ok bool) {
	for {
		p, moreP, okP := strings.Cut(pattern, "/")
		v, moreV, okV := strings.Cut(path, "/")
		if p == "*" {
			arg, err := url.PathUnescape(v)
			if err != nil || arg == "" {
				return nil, false
			}
			args = append(args, arg)
		} else if p != v {
			return nil, false
		}
		if okP != okV {
			return nil, false
		}
		if !okP {
			return args, true
		}
		pattern, path = moreP, moreV
	}
}

// statusWriter makes wire's answer carry a success other than 200.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader writes the operation's status in place of 200.
func (w statusWriter) WriteHeader(status int) {
	if status == http.StatusOK {
		status = w.status
	}
	w.ResponseWriter.WriteHeader(status)
}

func reply(w http.ResponseWriter, r *wire.Request, a answer) {
	switch a.status {
	case 0, http.StatusOK:
		wire.ReplyJSON(w, r, a.body)
	case http.StatusNoContent:
		w.Header()["X-Amzn-Requestid"] = []string{r.RequestID}
		w.WriteHeader(a.status)
	default:
		wire.ReplyJSON(statusWriter{w, a.status}, r, a.body)
	}
}
