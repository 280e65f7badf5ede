package worker

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
)

// A worker's beats come between the parts of its report.
func TestABeatComesBetweenTheParts(t *testing.T) {
	heard := map[string]string{}
	d := newDesk(func(kind, from string, body []byte) (any, error) {
		heard[kind] = string(body)
		return nil, nil
	})
	part := func(kind, id, part, last, body string) {
		t.Helper()
		_, err := d.take(&nats.Msg{Data: []byte(body), Header: nats.Header{headerFrom: {"w"}, headerKind: {kind}, headerID: {id}, headerPart: {part}, headerLast: {last}}})
		require.NoError(t, err)
	}
	part(kindReport, "1", "0", "", "long ")
	part(kindBeat, "2", "0", "true", "{}")
	part(kindReport, "1", "1", "true", "report")
	require.Equal(t, map[string]string{kindReport: "long report", kindBeat: "{}"}, heard)
	require.Empty(t, d.open)
}
