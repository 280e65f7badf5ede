package job

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/tidwall/gjson"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/plan"
)

// Check says what an answer must be. Statuses are looked at always, bodies of a share.
type Check struct {
	// Status are the good ones, such as 200 or 2xx; none means 2xx.
	Status []string `json:"status,omitempty"`
	// JSON are assertions on bodies, such as `items.0.id` (it is there), `ok == true` or
	// `total >= 3`: a path as gjson writes it (https://github.com/tidwall/gjson/blob/master/SYNTAX.md)
	// and a comparison with a JSON value.
	JSON []string `json:"json,omitempty"`
	// Schema is a JSON schema, in OpenAPI 3.0's dialect, that bodies must satisfy.
	Schema string `json:"schema,omitempty"`
	// Share of bodies that are looked at, 0 to 1; 0 means 0.01 if there is anything to look for.
	// Those of [attack.MaxKept] bytes and more are not.
	Share float64 `json:"share,omitempty"`
}

func (c *Check) ensureDefaults() {
	if len(c.Status) == 0 {
		c.Status = []string{"2xx"}
	}
	if c.Share == 0 && (len(c.JSON) > 0 || c.Schema != "") {
		c.Share = 0.01
	}
}

// checker is a Check that was read.
type checker struct {
	statuses   []status
	assertions []assertion
	schema     *openapi3.Schema
	seed       uint64
	limit      uint64 // of the hash below which a body is looked at
}

// status is one good status, or a class of them.
type status struct{ low, high int }

var statusForm = regexp.MustCompile(`^([1-5])(?:([0-9]{2})|xx)$`)

// compile joins all faults.
func (c Check) compile(seed uint64) (*checker, error) {
	out := &checker{seed: seed}
	var faults []error
	for _, text := range c.Status {
		m := statusForm.FindStringSubmatch(text)
		if m == nil {
			faults = append(faults, fmt.Errorf("status %q: must be one such as 200 or a class such as 2xx", text))
			continue
		}
		low, _ := strconv.Atoi(m[1] + "00")
		s := status{low, low + 99}
		if m[2] != "" {
			n, _ := strconv.Atoi(text)
			s = status{n, n}
		}
		out.statuses = append(out.statuses, s)
	}
	for _, text := range c.JSON {
		a, err := parseAssertion(text)
		if err != nil {
			faults = append(faults, err)
		}
		out.assertions = append(out.assertions, a)
	}
	if c.Schema != "" {
		out.schema = &openapi3.Schema{}
		if err := json.Unmarshal([]byte(c.Schema), out.schema); err != nil {
			faults = append(faults, fmt.Errorf("schema: %w", err))
		}
	}
	if !(c.Share >= 0 && c.Share <= 1) {
		faults = append(faults, fmt.Errorf("share %v of bodies: must be between 0 and 1", c.Share))
	}
	out.limit = uint64(c.Share * (1 << 53))
	return out, errors.Join(faults...)
}

func (c *checker) good(code int) bool {
	for _, s := range c.statuses {
		if code >= s.low && code <= s.high {
			return true
		}
	}
	return false
}

// looks says whether the body of an entry's answer is looked at; the same ones in every run.
func (c *checker) looks(e plan.Entry) bool {
	return c.limit > 0 && plan.Rand(c.seed, "job/check", e.Seq).Uint64()>>11 < c.limit
}

// judge says what is wrong with an answer.
func (c *checker) judge(r *attack.Result) error {
	if r.Err != nil || !c.good(r.Status) || !c.looks(r.Entry) {
		return nil
	}
	if len(c.assertions) == 0 && c.schema == nil || len(r.Body) >= attack.MaxKept { // of a body cut off nothing can be said
		return nil
	}
	r.Checked = true
	for _, a := range c.assertions {
		if err := a.holds(r.Body); err != nil {
			return err
		}
	}
	if c.schema == nil {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(r.Body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return fmt.Errorf("the body is no JSON: %w", err)
	}
	if err := c.schema.VisitJSON(v); err != nil {
		return fmt.Errorf("the body is not as the schema says: %w", err)
	}
	return nil
}

// assertion is a path, and perhaps a comparison.
type assertion struct {
	text, path, operator string
	want                 gjson.Result
}

var assertionForm = regexp.MustCompile(`^\s*(\S+?)(?:\s+(==|!=|<=|>=|<|>)\s+(.+?))?\s*$`)

func parseAssertion(text string) (assertion, error) {
	m := assertionForm.FindStringSubmatch(text)
	// A path has comparisons of its own only inside a query: items.#(id==3).
	if m == nil || m[2] != "" && !gjson.Valid(m[3]) || !strings.Contains(m[1], "(") && strings.ContainsAny(m[1], "=<>") {
		return assertion{}, fmt.Errorf("assertion %q: must be a path such as items.0.id, or one compared with a JSON value, with blanks between: ok == true", text)
	}
	a := assertion{text: text, path: m[1], operator: m[2], want: gjson.Parse(m[3])}
	if order := a.operator == "<" || a.operator == ">" || a.operator == "<=" || a.operator == ">="; order && a.want.Type != gjson.Number {
		return assertion{}, fmt.Errorf("assertion %q: %s needs a number, found %s", text, a.operator, strings.TrimSpace(m[3]))
	}
	return a, nil
}

func (a assertion) holds(body []byte) error {
	if !gjson.ValidBytes(body) {
		return fmt.Errorf("%s: the body is no JSON", a.text)
	}
	found := gjson.GetBytes(body, a.path)
	switch a.operator {
	case "":
		if !found.Exists() {
			return fmt.Errorf("%s: not there", a.text)
		}
		return nil
	case "==", "!=":
		if same := found.Exists() && found.Type == a.want.Type && canonical(found) == canonical(a.want); same != (a.operator == "==") {
			return fmt.Errorf("%s: found %s", a.text, orNothing(found))
		}
		return nil
	}
	if found.Type != gjson.Number || !ordered(found.Num, a.operator, a.want.Num) {
		return fmt.Errorf("%s: found %s", a.text, orNothing(found))
	}
	return nil
}

// canonical makes equal values equal texts, whatever blanks and order they were written in.
func canonical(r gjson.Result) string {
	var v any
	if err := json.Unmarshal([]byte(r.Raw), &v); err != nil {
		return r.Raw
	}
	text, _ := json.Marshal(v) // of what was just read
	return string(text)
}

func orNothing(r gjson.Result) string {
	if !r.Exists() {
		return "nothing"
	}
	return r.Raw[:min(len(r.Raw), 100)]
}

func ordered(v float64, operator string, bound float64) bool {
	switch operator {
	case "<":
		return v < bound
	case "<=":
		return v <= bound
	case ">":
		return v > bound
	}
	return v >= bound && !math.IsNaN(v)
}
