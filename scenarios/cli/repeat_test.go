package cli

import (
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

// The command that repeats a load goes into reports, which are passed around.
func TestTheCommandThatRepeatsALoadTellsNoSecrets(t *testing.T) {
	flags := pflag.NewFlagSet("load", pflag.ContinueOnError)
	flags.StringArray("header", nil, "")
	flags.String("nats", "", "")
	flags.Float64("rate", 0, "")
	require.NoError(t, flags.Parse([]string{"--rate", "5", "--nats", "nats://hunter2@h:1", "--header", "Authorization: Bearer hunter2", "--header", "x-api-key: hunter2",
		"--header", "Cookie:hunter2", "--header", "Accept: text/plain"}))
	command := repeatLoad(flags, 7)
	require.NotContains(t, command, "hunter2")
	require.Equal(t, "stampede load --header 'Authorization: …' --header 'x-api-key: …' --header 'Cookie: …' --header 'Accept: text/plain' --nats NATS_URL --rate 5 --seed 7", command)
}
