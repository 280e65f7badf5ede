package apigateway

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Lengths of an API key's value
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-setup-api-keys.html).
const (
	minKeyLength = 20
	maxKeyLength = 128
)

type apiKeyBody struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Value       string   `json:"value,omitempty"`
	Description string   `json:"description,omitempty"`
	Enabled     bool     `json:"enabled"`
	CreatedDate float64  `json:"createdDate"`
	UpdatedDate float64  `json:"lastUpdatedDate"`
	StageKeys   []string `json:"stageKeys"`
}

func (k *apiKey) shape(withValue bool) apiKeyBody {
	out := apiKeyBody{ID: k.ID, Name: k.Name, Description: k.Description, Enabled: k.Enabled,
		CreatedDate: epoch(k.Created), UpdatedDate: epoch(k.Created), StageKeys: []string{}}
	if withValue {
		out.Value = k.Value
	}
	return out
}

func (c call) createOrImportKeys() (answer, error) {
	if c.query("mode") == "import" {
		return c.importKeys()
	}
	var in struct {
		Name        string `json:"name"`
		Value       string `json:"value"`
		Description string `json:"description"`
		Enabled     bool   `json:"enabled"`
	}
	if err := c.decode(&in); err != nil {
		return answer{}, err
	}
	if in.Value == "" {
		in.Value = newID() + newID() + newID() + newID()
	}
	if err := checkKey(in.Name, in.Value); err != nil {
		return answer{}, err
	}
	if c.keyByValue(in.Value) != nil {
		return answer{}, conflict("API Key already exists")
	}
	key := &apiKey{ID: newID(), Name: in.Name, Value: in.Value, Description: in.Description, Enabled: in.Enabled, Created: c.r.Now}
	return answer{http.StatusCreated, key.shape(true)}, c.keepKeys(key)
}

func checkKey(name, value string) error {
	switch {
	case name == "":
		return badRequest("API Key name must not be empty: it is the tenant's, or *")
	case len(value) < minKeyLength || len(value) > maxKeyLength:
		return badRequest("API Key value should be %d to %d characters", minKeyLength, maxKeyLength)
	}
	return nil
}

func (c call) keyByValue(value string) *apiKey { return c.s.serving.Load().keys[value] }

func (c call) keepKeys(keys ...*apiKey) error { return c.keep(keys, nil) }

// keep writes keys and plans together: they are there after a crash, or none is.
func (c call) keep(keys []*apiKey, plans []*usagePlan) error {
	return c.store(func(ch *change) error {
		var faults []error
		for _, key := range keys {
			faults = append(faults, ch.set(keyPrefix+key.ID, key))
		}
		for _, plan := range plans {
			faults = append(faults, ch.set(planPrefix+plan.ID, plan))
		}
		return errors.Join(faults...)
	}, func(s *state) {
		for _, key := range keys {
			s.keys[key.ID] = key
		}
		for _, plan := range plans {
			s.plans[plan.ID] = plan
		}
	})
}

// importKeys reads CSV with a head that names name and key, and perhaps description, enabled and
// usageplanIds (https://docs.aws.amazon.com/apigateway/latest/developerguide/api-key-file-format.html).
// Rows that are there already are warnings.
func (c call) importKeys() (answer, error) {
	if format := c.query("format"); format != "csv" {
		return answer{}, badRequest("format %q, want csv", format)
	}
	rows, err := csv.NewReader(bytes.NewReader(c.r.Body)).ReadAll()
	if err != nil || len(rows) == 0 {
		return answer{}, badRequest("Invalid CSV: %v", err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[strings.ToLower(strings.TrimSpace(name))] = i
	}
	nameAt, hasName := column["name"]
	keyAt, hasKey := column["key"]
	if !hasName || !hasKey {
		return answer{}, badRequest("the first row must name the columns name and key")
	}
	var keys []*apiKey
	planned := map[string]*usagePlan{} // changed plans, by id
	out := struct {
		IDs      []string `json:"ids"`
		Warnings []string `json:"warnings,omitempty"`
	}{IDs: []string{}}
	seen := map[string]bool{}
	for i, row := range rows[1:] {
		key := &apiKey{ID: newID(), Name: row[nameAt], Value: row[keyAt], Enabled: true, Created: c.r.Now}
		if at, ok := column["description"]; ok {
			key.Description = row[at]
		}
		if at, ok := column["enabled"]; ok {
			key.Enabled = !strings.EqualFold(row[at], "false")
		}
		if err := checkKey(key.Name, key.Value); err != nil {
			return answer{}, err
		}
		if c.keyByValue(key.Value) != nil || seen[key.Value] {
			out.Warnings = append(out.Warnings, fmt.Sprintf("row %d: API Key already exists", i+2))
			continue
		}
		if at, ok := column["usageplanids"]; ok && row[at] != "" {
			plan := planned[row[at]]
			if plan == nil {
				known := c.s.admin.state.plans[row[at]]
				if known == nil {
					return answer{}, notFound("Invalid Usage Plan ID specified: %s; a key has one plan here", row[at])
				}
				next := *known
				next.Keys = slices.Clone(known.Keys)
				plan = &next
				planned[row[at]] = plan
			}
			plan.Keys = append(plan.Keys, key.ID)
		}
		seen[key.Value] = true
		keys = append(keys, key)
		out.IDs = append(out.IDs, key.ID)
	}
	if len(out.Warnings) > 0 && c.query("failonwarnings") == "true" {
		return answer{}, conflict("%s", out.Warnings[0])
	}
	return answer{http.StatusCreated, out}, c.keep(keys, slices.Collect(maps.Values(planned)))
}

func (c call) listKeys() (answer, error) {
	var all []apiKeyBody
	for _, key := range c.s.admin.state.keys {
		if strings.HasPrefix(key.Name, c.query("name")) {
			all = append(all, key.shape(c.query("includeValues") == "true"))
		}
	}
	slices.SortFunc(all, func(a, b apiKeyBody) int { return strings.Compare(a.ID, b.ID) })
	part, position, err := page(c, all, func(k apiKeyBody) string { return k.ID })
	return answer{http.StatusOK, list[apiKeyBody]{part, position}}, err
}

func (c call) key() (*apiKey, error) {
	key := c.s.admin.state.keys[c.ids[0]]
	if key == nil {
		return nil, notFound("Invalid API Key identifier specified")
	}
	return key, nil
}

func (c call) getKey() (answer, error) {
	key, err := c.key()
	if err != nil {
		return answer{}, err
	}
	return answer{http.StatusOK, key.shape(c.query("includeValue") == "true")}, nil
}

// updateKey replaces /enabled, /name or /description.
func (c call) updateKey() (answer, error) {
	key, err := c.key()
	if err != nil {
		return answer{}, err
	}
	var in struct {
		PatchOperations []struct{ Op, Path, Value string } `json:"patchOperations"`
	}
	if err := c.decode(&in); err != nil {
		return answer{}, err
	}
	next := *key
	for _, p := range in.PatchOperations {
		switch {
		case p.Op != "replace":
			return answer{}, badRequest("Invalid patch operation %q, want replace", p.Op)
		case p.Path == "/enabled":
			next.Enabled = p.Value == "true"
		case p.Path == "/name" && p.Value != "":
			next.Name = p.Value
		case p.Path == "/description":
			next.Description = p.Value
		default:
			return answer{}, badRequest("Invalid patch path %q", p.Path)
		}
	}
	return answer{http.StatusOK, next.shape(false)}, c.keepKeys(&next)
}

func (c call) deleteKey() (answer, error) {
	key, err := c.key()
	if err != nil {
		return answer{}, err
	}
	plan := c.planOf(key.ID)
	return answer{http.StatusAccepted, struct{}{}}, c.store(
		func(ch *change) error {
			if plan != nil {
				plan = plan.without(key.ID)
				if err := ch.set(planPrefix+plan.ID, plan); err != nil {
					return err
				}
			}
			return ch.batch.Delete([]byte(keyPrefix+key.ID), nil)
		},
		func(s *state) {
			delete(s.keys, key.ID)
			if plan != nil {
				s.plans[plan.ID] = plan
			}
		})
}
