package ingestion_test

import (
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/functions/ingestion"
)

func TestDocumentListsTheCodesOfRefusedEvents(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(api.Document())
	require.NoError(t, err)
	var listed []string
	for _, code := range doc.Components.Schemas["EventResult"].Value.Properties["code"].Value.Enum {
		listed = append(listed, code.(string))
	}
	require.ElementsMatch(t, ingestion.Codes[:], listed)
}
