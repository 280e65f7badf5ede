package agent

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/retailflow/stampede/chaos/fault"
)

// handler is the agent's API on its socket: POST /leases applies, POST /leases/ID renews,
// DELETE /leases/ID and DELETE /leases heal, GET /leases lists.
func (a *agent) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /leases", func(w http.ResponseWriter, r *http.Request) {
		f, err := readFault(r)
		if err == nil {
			err = a.apply(r.Context(), f)
		}
		a.answer(w, r, f.Name, err)
	})
	mux.HandleFunc("POST /leases/{id}", func(w http.ResponseWriter, r *http.Request) {
		var in request
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&in)
		if err == nil {
			err = a.advance(func() error { return a.mu.leases.Renew(a.elapsed(), r.PathValue("id"), in.More) })
		}
		a.answer(w, r, r.PathValue("id"), err)
	})
	mux.HandleFunc("DELETE /leases/{id}", func(w http.ResponseWriter, r *http.Request) {
		err := a.heal(r.Context(), r.PathValue("id"), "healed")
		a.answer(w, r, r.PathValue("id"), err)
	})
	mux.HandleFunc("DELETE /leases", func(w http.ResponseWriter, r *http.Request) {
		err := a.heal(r.Context(), "", "healed")
		a.answer(w, r, "", err)
	})
	mux.HandleFunc("GET /leases", func(w http.ResponseWriter, r *http.Request) { a.answer(w, r, "", nil) })
	return mux
}

func readFault(r *http.Request) (fault.Fault, error) {
	var in request
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return fault.Fault{}, err
	}
	return fault.Parse(in.Fault)
}

// answer sends the lease id, or all if it is "", and the error.
func (a *agent) answer(w http.ResponseWriter, r *http.Request, id string, err error) {
	out := reply{Leases: a.list(r.Context(), id)}
	status := http.StatusOK
	if err != nil {
		status, out.Error = http.StatusConflict, err.Error()
		for _, c := range codes {
			if errors.Is(err, c.err) {
				out.Code = c.code
			}
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(out) // a harness that is gone needs no answer
}
