package dynamodb

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
)

// expireBy switches time to live on or off.
func (r *rig) expireBy(table, attribute string, on bool) error {
	_, err := r.UpdateTimeToLive(ctx, &ddb.UpdateTimeToLiveInput{TableName: &table, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: &attribute, Enabled: aws.Bool(on)}})
	return err
}

func TestTimeToLiveIsSwitchedOnceAnHour(t *testing.T) {
	now := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	r := open(t, Options{Now: func() time.Time { return now }, Limits: ptr(AWSLimits())})
	r.create("items", "pk", "", "pk:S")
	status := func() string {
		out, err := r.DescribeTimeToLive(ctx, &ddb.DescribeTimeToLiveInput{TableName: str("items")})
		require.NoError(t, err)
		return string(out.TimeToLiveDescription.TimeToLiveStatus) + " " + aws.ToString(out.TimeToLiveDescription.AttributeName)
	}
	require.Equal(t, "DISABLED ", status())
	fails(t, r.expireBy("items", "ttl", false), "ValidationException", "TimeToLive is already disabled")
	require.NoError(t, r.expireBy("items", "ttl", true))
	require.Equal(t, "ENABLED ttl", status())

	now = now.Add(time.Hour - time.Nanosecond)
	fails(t, r.expireBy("items", "ttl", true), "ValidationException", "TimeToLive is already enabled")
	fails(t, r.expireBy("items", "other", true), "ValidationException", "TimeToLive is active on a different AttributeName: current AttributeName is ttl")
	fails(t, r.expireBy("items", "other", false), "ValidationException", "TimeToLive is active on a different AttributeName: current AttributeName is ttl")
	fails(t, r.expireBy("items", "ttl", false), "ValidationException", "Time to live has been modified multiple times within a fixed interval")
	require.Equal(t, "ENABLED ttl", status())
	now = now.Add(time.Nanosecond)
	require.NoError(t, r.expireBy("items", "ttl", false))
	require.Equal(t, "DISABLED ", status())
	fails(t, r.expireBy("items", "ttl", true), "ValidationException", "modified multiple times")

	fails(t, r.expireBy("absent", "ttl", true), "ResourceNotFoundException", "Requested resource not found: Table: absent not found")
	fails(t, r.expireBy("items", "", true), "ValidationException", "at 'timeToLiveSpecification.attributeName' failed to satisfy constraint: Member must have length greater than or equal to 1")
	fails(t, r.expireBy("items", strings.Repeat("x", 256), true), "ValidationException", "Member must have length less than or equal to 255")
	fails(t, rawError(t, r, "UpdateTimeToLive", `{"TableName":"items"}`), "ValidationException", "Value null at 'timeToLiveSpecification'")
	fails(t, rawError(t, r, "UpdateTimeToLive", `{"TableName":"items","TimeToLiveSpecification":{}}`), "ValidationException", "2 validation errors detected")
}

func TestWithoutLimitsTimeToLiveIsSwitchedAtWill(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "", "pk:S")
	require.NoError(t, r.expireBy("items", "a", true))
	require.NoError(t, r.expireBy("items", "a", false))
	require.NoError(t, r.expireBy("items", "b", true))
}
