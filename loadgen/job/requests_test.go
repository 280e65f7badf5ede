package job_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/job"
)

func open(file string) ([]byte, error) {
	if file != "order.json" {
		return nil, errors.New(file + ": no such file")
	}
	return []byte(`{"id":1}`), nil
}

func TestParseRequests(t *testing.T) {
	want := []job.Request{
		{Name: "summary", Weight: 8, Path: "/v1/summary?x=1", Header: http.Header{"X-Key": {"a b"}}},
		{Weight: 2, Method: "POST", Path: "/v1/orders", Body: []byte(`{"id":1}`)},
		{Path: "/v1/ä", Body: []byte("text")},
	}
	for name, text := range map[string]string{
		"r.yaml": "# a mix\n- name: summary\n  weight: 8\n  path: /v1/summary?x=1\n  headers: {x-key: a b}\n" +
			"- {weight: 2, method: post, path: /v1/orders, body-file: order.json}\n- path: /v1/ä\n  body: text\n",
		"r.json": `[{"name":"summary","weight":8,"path":"/v1/summary?x=1","headers":{"x-key":"a b"}},` +
			`{"weight":2,"method":"POST","path":"/v1/orders","body-file":"order.json"},{"path":"/v1/ä","body":"text"}]`,
		"r.jsonl": `{"name":"summary","weight":8,"path":"/v1/summary?x=1","headers":{"x-key":"a b"}}` + "\n\n" +
			`{"weight":2,"method":"POST","path":"/v1/orders","body":"{\"id\":1}"}` + "\n" + `{"path":"/v1/ä","body":"text"}`,
	} {
		got, err := job.ParseRequests(name, []byte(text), open)
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
}

func TestParseRequestsNamesThePlace(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a.yaml", "", `a.yaml:1:1: no requests`},
		{"a.yaml", "path: /", `a.yaml:1:5: found mapping, expected a list`},
		{"a.yaml", "- path: /\n- pth: /x\n", `a.yaml:2:3: unknown field "pth"`},
		{"a.yaml", "- path: x\n- path: /\n  weight: -1\n", "a.yaml:1:9: path \"x\": must begin with /\na.yaml:3:11: weight -1"},
		{"a.yaml", "- path: /\n  weight: many\n", `a.yaml:2:11: `},
		{"a.yaml", "- path: /\n  method: fetch\n", `a.yaml:2:11: method "fetch": must be one of GET`},
		{"a.yaml", "- path: /\n  body-file: none\n", `a.yaml:2:14: none: no such file`},
		{"a.yaml", "- path: /\n  body: x\n  body-file: order.json\n", `a.yaml:3:14: body and body-file`},
		{"a.yaml", "- path: /\n---\n- path: /\n", `a.yaml:3:1: a second document`},
		{"a.yaml", "- path: [\n", `a.yaml:1:9: `},
		{"a.jsonl", "{\"path\":\"/\"}\n{\"path\":\"x\"}\n", `a.jsonl:2:9: path "x"`},
		{"a.jsonl", "{\"path\":\"/\"}\n\n{\"path\":", `a.jsonl:3:`},
	} {
		_, err := job.ParseRequests(c.name, []byte(c.text), open)
		require.ErrorContains(t, err, c.want, c.text)
	}
}

func FuzzParseRequests(f *testing.F) {
	f.Add("a.yaml", "- path: /\n  weight: 3\n")
	f.Add("a.jsonl", `{"path":"/"}`)
	f.Fuzz(func(t *testing.T, name, text string) {
		requests, err := job.ParseRequests(name, []byte(text), open)
		if err != nil {
			return
		}
		require.NotEmpty(t, requests)
		j := job.Job{Phases: []string{"constant 1 for 1s"}, Requests: requests}
		j.EnsureDefaults()
		_, err = j.Plan()
		require.NoError(t, err)
	})
}

func TestProbe(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for _, c := range []struct {
		job  job.Job
		want string
	}{
		{job.Job{Target: plain.URL}, ""},
		{job.Job{Target: secure.URL, Insecure: true}, ""},
		{job.Job{Target: secure.URL}, "TLS: tls: failed to verify certificate"},
		{job.Job{Target: secure.URL, Insecure: true, Protocol: attack.HTTP2}, "no application protocol"},
		{job.Job{Target: "https" + plain.URL[len("http"):]}, "does not speak TLS"},
		{job.Job{Target: gone.URL}, "not reachable: dial tcp"},
		{job.Job{Target: "127.0.0.1:80"}, "must be a URL"},
	} {
		err := c.job.Probe(t.Context())
		if c.want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, c.want)
	}
}
