package dynamodb

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/stretchr/testify/require"
)

// rows are the cells of a table under a heading of the README.
func rows(t *testing.T, heading string) [][]string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, section, ok := strings.Cut(string(text), "\n## "+heading+"\n")
	require.True(t, ok, "no section %s", heading)
	section, _, _ = strings.Cut(section, "\n## ")
	var out [][]string
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		var cells []string
		for _, c := range strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|") {
			cells = append(cells, strings.TrimSpace(c))
		}
		out = append(out, cells)
	}
	require.Greater(t, len(out), 2)
	return out[2:]
}

func TestREADMEListsEveryOperationOfTheSDK(t *testing.T) {
	listed := map[string]string{}
	for _, r := range rows(t, "Operations") {
		listed[r[0]] = r[1]
		if r[1] == "yes" {
			require.NotEmpty(t, r[2], r[0])
		}
	}
	for client, served := range map[reflect.Type]map[string]operation{
		reflect.TypeFor[*ddb.Client](): operations, reflect.TypeFor[*dynamodbstreams.Client](): streamOperations,
	} {
		for i := range client.NumMethod() {
			m := client.Method(i)
			if m.Type.NumIn() != 4 || !strings.HasSuffix(m.Type.In(2).String(), "Input") {
				continue
			}
			want := "no"
			if served[m.Name] != nil {
				want = "yes"
			}
			require.Equal(t, want, listed[m.Name], m.Name)
			delete(listed, m.Name)
		}
	}
	require.Empty(t, listed, "operations that the SDK does not have")
}

func TestREADMEStatesTheLimits(t *testing.T) {
	limits := reflect.ValueOf(AWSLimits())
	want := map[string]string{}
	for i := range limits.NumField() {
		want[limits.Type().Field(i).Tag.Get("yaml")] = fmt.Sprint(limits.Field(i).Interface())
	}
	got := map[string]string{}
	for _, r := range rows(t, "Limits") {
		got[strings.Trim(r[0], "`")] = r[1]
	}
	require.Equal(t, want, got)
}
