package dynamodb

import (
	"strings"
	"testing"

	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
)

func TestTheAccountIsDescribed(t *testing.T) {
	r := open(t, Options{})
	limits, err := r.DescribeLimits(ctx, &ddb.DescribeLimitsInput{})
	require.NoError(t, err)
	require.Equal(t, int64(80000), *limits.AccountMaxReadCapacityUnits)
	require.Equal(t, int64(40000), *limits.TableMaxWriteCapacityUnits)
	endpoints, err := r.DescribeEndpoints(ctx, &ddb.DescribeEndpointsInput{})
	require.NoError(t, err)
	require.Equal(t, strings.TrimPrefix(r.url, "http://"), *endpoints.Endpoints[0].Address, "a client that follows it stays here")
}

func TestRecoveryToAPointInTimeIsOff(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "", "pk:S")
	out, err := r.DescribeContinuousBackups(ctx, &ddb.DescribeContinuousBackupsInput{TableName: str("items")})
	require.NoError(t, err)
	require.Equal(t, types.PointInTimeRecoveryStatusDisabled, out.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus)
	_, err = r.DescribeContinuousBackups(ctx, &ddb.DescribeContinuousBackupsInput{TableName: str("absent")})
	fails(t, err, "TableNotFoundException", "Table not found: absent")
}
