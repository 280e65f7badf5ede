package apigateway

import (
	"net/http"
	"slices"
	"strings"
)

type restAPIBody struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Version     string   `json:"version,omitempty"`
	CreatedDate float64  `json:"createdDate"`
	Source      string   `json:"apiKeySource"`
	Warnings    []string `json:"warnings,omitempty"`
}

func (a *restAPI) shape() restAPIBody {
	return restAPIBody{ID: a.ID, Name: a.Name, Description: a.Description, Version: a.Version, CreatedDate: epoch(a.Created), Source: "HEADER"}
}

// read fills the API from a document. A document that cannot be served is refused at import,
// before anybody deploys it.
func (a *restAPI) read(document []byte) error {
	_, doc, err := compile(document)
	if err != nil {
		return badRequest("Errors found during import: %v", err)
	}
	a.Document, a.Name, a.Description, a.Version = slices.Clone(document), doc.Info.Title, doc.Info.Description, doc.Info.Version
	return nil
}

func (c call) importAPI() (answer, error) {
	if c.query("mode") != "import" {
		return answer{}, badRequest("only ImportRestApi makes APIs here: send an OpenAPI document with mode=import")
	}
	api := &restAPI{ID: newID(), Created: c.r.Now}
	if err := api.read(c.r.Body); err != nil {
		return answer{}, err
	}
	return answer{http.StatusCreated, api.shape()}, c.keepAPI(api)
}

func (c call) keepAPI(api *restAPI) error {
	return c.store(func(ch *change) error { return ch.set(apiPrefix+api.ID, api) },
		func(s *state) { s.apis[api.ID] = api })
}

func (c call) api() (*restAPI, error) {
	api := c.s.admin.state.apis[c.ids[0]]
	if api == nil {
		return nil, notFound("Invalid API identifier specified 000000000000:%s", c.ids[0])
	}
	return api, nil
}

func (c call) putAPI() (answer, error) {
	api, err := c.api()
	if err != nil {
		return answer{}, err
	}
	if mode := c.query("mode"); mode != "overwrite" {
		return answer{}, badRequest("mode %q, only overwrite is served here", mode)
	}
	next := *api
	if err := next.read(c.r.Body); err != nil {
		return answer{}, err
	}
	return answer{http.StatusOK, next.shape()}, c.keepAPI(&next)
}

func (c call) getAPI() (answer, error) {
	api, err := c.api()
	if err != nil {
		return answer{}, err
	}
	return answer{http.StatusOK, api.shape()}, nil
}

func (c call) listAPIs() (answer, error) {
	var all []restAPIBody
	for _, api := range c.s.admin.state.apis {
		all = append(all, api.shape())
	}
	slices.SortFunc(all, func(a, b restAPIBody) int { return strings.Compare(a.ID, b.ID) })
	part, position, err := page(c, all, func(a restAPIBody) string { return a.ID })
	return answer{http.StatusOK, list[restAPIBody]{part, position}}, err
}

func (c call) deleteAPI() (answer, error) {
	api, err := c.api()
	if err != nil {
		return answer{}, err
	}
	return answer{http.StatusAccepted, struct{}{}}, c.store(
		func(ch *change) error { return ch.batch.Delete([]byte(apiPrefix+api.ID), nil) },
		func(s *state) { delete(s.apis, api.ID) })
}

type deploymentBody struct {
	ID          string  `json:"id"`
	Description string  `json:"description,omitempty"`
	CreatedDate float64 `json:"createdDate"`
}

func (d deployment) shape() deploymentBody {
	return deploymentBody{d.ID, d.Description, epoch(d.Created)}
}

// createDeployment serves the document as it is now. Without a stage it only takes a note, as
// AWS does.
func (c call) createDeployment() (answer, error) {
	api, err := c.api()
	if err != nil {
		return answer{}, err
	}
	var in struct {
		StageName   string `json:"stageName"`
		Description string `json:"description"`
	}
	if err := c.decode(&in); err != nil {
		return answer{}, err
	}
	next := *api
	d := deployment{ID: newID(), Stage: in.StageName, Description: in.Description, Created: c.r.Now}
	next.Deployments = append(slices.Clone(api.Deployments), d)
	if in.StageName != "" {
		if api.Stage != "" && api.Stage != in.StageName {
			return answer{}, badRequest("the API has the stage %q; a second one is not served here", api.Stage)
		}
		next.Stage, next.Deployed = in.StageName, api.Document
	}
	return answer{http.StatusCreated, d.shape()}, c.keepAPI(&next)
}

func (c call) listDeployments() (answer, error) {
	api, err := c.api()
	if err != nil {
		return answer{}, err
	}
	all := make([]deploymentBody, len(api.Deployments))
	for i, d := range api.Deployments {
		all[i] = d.shape()
	}
	return answer{http.StatusOK, list[deploymentBody]{Item: all}}, nil
}

func (c call) listStages() (answer, error) {
	type stage struct {
		Name        string  `json:"stageName"`
		Deployment  string  `json:"deploymentId"`
		CreatedDate float64 `json:"createdDate"`
		UpdatedDate float64 `json:"lastUpdatedDate"`
	}
	api, err := c.api()
	if err != nil {
		return answer{}, err
	}
	var all []stage
	for _, d := range api.Deployments {
		if d.Stage == "" {
			continue
		}
		if len(all) == 0 {
			all = append(all, stage{Name: d.Stage, CreatedDate: epoch(d.Created)})
		}
		all[0].Deployment, all[0].UpdatedDate = d.ID, epoch(d.Created)
	}
	return answer{http.StatusOK, struct {
		Item []stage `json:"item"`
	}{all}}, nil
}
