package apigateway

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// call is one request of the control plane: verb and path, with the path's ids in order.
type call struct {
	s   *Service
	r   *wire.Request
	ids []string
}

// answer is what a call gives: a status of 2xx and a body.
type answer struct {
	status int
	body   any
}

// operations of the control plane; a * stands for an id.
var controlOperations = map[string]func(call) (answer, error){
	"POST restapis":               call.importAPI,
	"GET restapis":                call.listAPIs,
	"GET restapis/*":              call.getAPI,
	"PUT restapis/*":              call.putAPI,
	"DELETE restapis/*":           call.deleteAPI,
	"POST restapis/*/deployments": call.createDeployment,
	"GET restapis/*/deployments":  call.listDeployments,
	"GET restapis/*/stages":       call.listStages,
	"POST apikeys":                call.createOrImportKeys,
	"GET apikeys":                 call.listKeys,
	"GET apikeys/*":               call.getKey,
	"PATCH apikeys/*":             call.updateKey,
	"DELETE apikeys/*":            call.deleteKey,
	"POST usageplans":             call.createPlan,
	"GET usageplans":              call.listPlans,
	"POST usageplans/*/keys":      call.addPlanKey,
	"GET usageplans/*":            call.getPlan,
	"PATCH usageplans/*":          call.updatePlan,
	"DELETE usageplans/*":         call.deletePlan,
	"GET usageplans/*/keys":       call.listPlanKeys,
	"GET usageplans/*/keys/*":     call.getPlanKey,
	"DELETE usageplans/*/keys/*":  call.deletePlanKey,
}

// ServeAWS is the control plane
// (https://docs.aws.amazon.com/apigateway/latest/api/API_Operations.html).
func (s *Service) ServeAWS(w http.ResponseWriter, r *wire.Request) {
	if !s.begin() {
		wire.ReplyError(w, r, wire.Errorf(http.StatusServiceUnavailable, "ServiceUnavailableException", "The service is shutting down."))
		return
	}
	defer s.end()
	segments := strings.Split(strings.Trim(r.HTTP.URL.Path, "/"), "/")
	c := call{s: s, r: r}
	for i := 1; i < len(segments); i += 2 {
		c.ids = append(c.ids, segments[i])
		segments[i] = "*"
	}
	operation, ok := controlOperations[r.HTTP.Method+" "+strings.Join(segments, "/")]
	if !ok {
		wire.ReplyError(w, r, wire.Errorf(http.StatusNotFound, "NotFoundException", "%s %s is not served here", r.HTTP.Method, r.HTTP.URL.Path))
		return
	}
	s.admin.Lock()
	out, err := operation(c)
	s.admin.Unlock()
	if err != nil {
		wire.ReplyError(w, r, err)
		return
	}
	body, err := json.Marshal(out.body)
	if err != nil {
		wire.ReplyError(w, r, err)
		return
	}
	h := w.Header()
	h.Set("X-Amzn-Requestid", r.RequestID)
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(out.status)
	_, _ = w.Write(body)
}

func badRequest(format string, args ...any) error {
	return wire.Errorf(http.StatusBadRequest, "BadRequestException", format, args...)
}

func notFound(format string, args ...any) error {
	return wire.Errorf(http.StatusNotFound, "NotFoundException", format, args...)
}

func conflict(format string, args ...any) error {
	return wire.Errorf(http.StatusConflict, "ConflictException", format, args...)
}

func (c call) decode(into any) error {
	if len(c.r.Body) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.r.Body, into); err != nil {
		return badRequest("Invalid request body: %v", err)
	}
	return nil
}

func (c call) query(name string) string { return c.r.HTTP.URL.Query().Get(name) }

// store makes a change durable and then visible; apply changes the state in memory.
func (c call) store(write func(*change) error, apply func(*state)) error {
	change := c.s.change()
	if err := write(change); err != nil {
		return errors.Join(err, change.batch.Close())
	}
	if err := change.commit(); err != nil {
		return err
	}
	apply(&c.s.admin.state)
	return c.s.publish()
}

// epoch is how the protocol writes an instant.
func epoch(at time.Time) float64 { return float64(at.UnixMilli()) / 1000 }

// page cuts a sorted list by the query's position and limit (25 unless given, at most 500).
func page[T any](c call, all []T, id func(T) string) (part []T, position string, err error) {
	limit := 25
	if text := c.query("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > 500 {
			return nil, "", badRequest("Invalid limit %q, want 1 to 500", text)
		}
	}
	from := 0
	if after := c.query("position"); after != "" {
		for from < len(all) && id(all[from]) <= after {
			from++
		}
	}
	part = all[from:min(from+limit, len(all))]
	if from+limit < len(all) {
		position = id(part[len(part)-1])
	}
	return part, position, nil
}

type list[T any] struct {
	Item     []T    `json:"item"`
	Position string `json:"position,omitempty"`
}
