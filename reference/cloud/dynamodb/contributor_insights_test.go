package dynamodb

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
)

func TestContributorInsightsAreSwitched(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "", "pk:S g:S", gsi("byG", "g", "", types.ProjectionTypeAll))
	r.create("other", "pk", "", "pk:S")
	update := func(table, index string, action types.ContributorInsightsAction, mode types.ContributorInsightsMode) types.ContributorInsightsStatus {
		in := &ddb.UpdateContributorInsightsInput{TableName: &table, ContributorInsightsAction: action, ContributorInsightsMode: mode}
		if index != "" {
			in.IndexName = &index
		}
		out, err := r.UpdateContributorInsights(ctx, in)
		require.NoError(t, err)
		return out.ContributorInsightsStatus
	}
	describe := func(index *string) *ddb.DescribeContributorInsightsOutput {
		out, err := r.DescribeContributorInsights(ctx, &ddb.DescribeContributorInsightsInput{TableName: str("items"), IndexName: index})
		require.NoError(t, err)
		return out
	}
	require.Equal(t, types.ContributorInsightsStatusDisabled, describe(nil).ContributorInsightsStatus)
	require.Nil(t, describe(nil).LastUpdateDateTime)
	require.Equal(t, types.ContributorInsightsStatusDisabled, update("items", "", "DISABLE", ""))
	require.Equal(t, types.ContributorInsightsStatusEnabling, update("items", "", "ENABLE", ""))
	require.Equal(t, types.ContributorInsightsStatusEnabled, update("items", "", "ENABLE", ""), "what is on already stays on")
	require.Equal(t, types.ContributorInsightsStatusEnabling, update("items", "byG", "ENABLE", types.ContributorInsightsModeThrottledKeys))
	require.Equal(t, types.ContributorInsightsStatusEnabling, update("other", "", "ENABLE", ""))
	require.Equal(t, types.ContributorInsightsModeAccessedAndThrottledKeys, describe(nil).ContributorInsightsMode)
	require.Equal(t, types.ContributorInsightsModeThrottledKeys, describe(str("byG")).ContributorInsightsMode)
	require.NotNil(t, describe(nil).LastUpdateDateTime)

	list := func(table *string) (names []string) {
		p := ddb.NewListContributorInsightsPaginator(r.Client, &ddb.ListContributorInsightsInput{TableName: table, MaxResults: 2})
		for p.HasMorePages() {
			out, err := p.NextPage(ctx)
			require.NoError(t, err)
			for _, s := range out.ContributorInsightsSummaries {
				names = append(names, aws.ToString(s.TableName)+"/"+aws.ToString(s.IndexName))
			}
		}
		return names
	}
	require.Equal(t, []string{"items/", "items/byG", "other/"}, list(nil))
	require.Equal(t, types.ContributorInsightsStatusDisabling, update("items", "", "DISABLE", ""))
	require.Equal(t, []string{"items/byG"}, list(str("items")), "what is off is not listed")

	_, err := r.DescribeContributorInsights(ctx, &ddb.DescribeContributorInsightsInput{TableName: str("items"), IndexName: str("absent")})
	fails(t, err, "ResourceNotFoundException", "Index: absent")
	_, err = r.UpdateContributorInsights(ctx, &ddb.UpdateContributorInsightsInput{TableName: str("absent"), ContributorInsightsAction: "ENABLE"})
	fails(t, err, "ResourceNotFoundException", "")
	_, err = r.UpdateContributorInsights(ctx, &ddb.UpdateContributorInsightsInput{TableName: str("items"), ContributorInsightsAction: "ON"})
	fails(t, err, "ValidationException", "Member must satisfy enum value set: [ENABLE, DISABLE]")
	_, err = r.ListContributorInsights(ctx, &ddb.ListContributorInsightsInput{NextToken: str("x"), MaxResults: 101})
	fails(t, err, "ValidationException", "2 validation errors detected")
}
