package dynamodb

import (
	"fmt"
	"strings"
	"testing"

	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

const itemsARN = "arn:aws:dynamodb:us-east-1:000000000000:table/items"

// tags are "key=value" pairs as the SDK has them.
func tags(pairs ...string) (out []types.Tag) {
	for _, p := range pairs {
		k, v, _ := strings.Cut(p, "=")
		out = append(out, types.Tag{Key: &k, Value: &v})
	}
	return out
}

func (r *rig) tags(arn string) (pairs []string) {
	r.t.Helper()
	out, err := r.ListTagsOfResource(ctx, &ddb.ListTagsOfResourceInput{ResourceArn: &arn})
	require.NoError(r.t, err)
	for _, t := range out.Tags {
		pairs = append(pairs, *t.Key+"="+*t.Value)
	}
	return pairs
}

func TestTagsComeAndGo(t *testing.T) {
	fs := vfs.NewMem()
	t.Run("before", func(t *testing.T) {
		r := open(t, Options{FS: fs})
		r.create("items", "pk", "", "pk:S")
		require.Empty(t, r.tags(itemsARN))
		_, err := r.TagResource(ctx, &ddb.TagResourceInput{ResourceArn: str(itemsARN), Tags: tags("env=test", "team=", "ключ=значение")})
		require.NoError(t, err)
		_, err = r.TagResource(ctx, &ddb.TagResourceInput{ResourceArn: str(itemsARN), Tags: tags("env=prod", "cost=a+b")})
		require.NoError(t, err)
		_, err = r.UntagResource(ctx, &ddb.UntagResourceInput{ResourceArn: str(itemsARN), TagKeys: []string{"team", "absent"}})
		require.NoError(t, err)
		require.Equal(t, []string{"env=prod", "ключ=значение", "cost=a+b"}, r.tags(itemsARN))
	})
	t.Run("after a restart", func(t *testing.T) {
		r := open(t, Options{FS: fs})
		require.Equal(t, []string{"env=prod", "ключ=значение", "cost=a+b"}, r.tags(itemsARN))
		_, err := r.UpdateTable(ctx, &ddb.UpdateTableInput{TableName: str("items"), TableClass: types.TableClassStandardInfrequentAccess})
		require.NoError(t, err)
		require.Len(t, r.tags(itemsARN), 3, "an update of the table keeps them")
		_, err = r.DeleteTable(ctx, &ddb.DeleteTableInput{TableName: str("items")})
		require.NoError(t, err)
		r.create("items", "pk", "", "pk:S")
		require.Empty(t, r.tags(itemsARN), "a table made again has none")
	})
}

func TestATableIsMadeWithTags(t *testing.T) {
	r := open(t, Options{})
	in := &ddb.CreateTableInput{
		TableName: str("items"), KeySchema: keySchema("pk", ""), BillingMode: types.BillingModePayPerRequest, Tags: tags("a=1", "a=2"),
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: str("pk"), AttributeType: "S"}},
	}
	_, err := r.CreateTable(ctx, in)
	fails(t, err, "ValidationException", "Duplicate Tag Keys provided as input: Duplicate Tag Key found a")
	in.Tags = tags("a=1", "b=2")
	_, err = r.CreateTable(ctx, in)
	require.NoError(t, err)
	require.Equal(t, []string{"a=1", "b=2"}, r.tags(itemsARN))
}

func TestNoSettingIsSmuggledIntoATable(t *testing.T) {
	r := open(t, Options{})
	resp, out := raw(t, r, "CreateTable", `{"TableName":"items","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],
		"BillingMode":"PAY_PER_REQUEST","TimeToLive":{"Attribute":"ttl"},"Insights":{"":{"Mode":"THROTTLED_KEYS"}}}`)
	require.Equal(t, 200, resp.StatusCode, "%s", out)
	got, err := r.DescribeTimeToLive(ctx, &ddb.DescribeTimeToLiveInput{TableName: str("items")})
	require.NoError(t, err)
	require.Equal(t, types.TimeToLiveStatusDisabled, got.TimeToLiveDescription.TimeToLiveStatus)
	seen, err := r.DescribeContributorInsights(ctx, &ddb.DescribeContributorInsightsInput{TableName: str("items")})
	require.NoError(t, err)
	require.Equal(t, types.ContributorInsightsStatusDisabled, seen.ContributorInsightsStatus)
}

func TestTagsAreLimited(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "", "pk:S")
	var fifty []types.Tag
	for i := range maxTags {
		fifty = append(fifty, tags(fmt.Sprintf("k%d=v", i))...)
	}
	_, err := r.TagResource(ctx, &ddb.TagResourceInput{ResourceArn: str(itemsARN), Tags: fifty})
	require.NoError(t, err)
	_, err = r.TagResource(ctx, &ddb.TagResourceInput{ResourceArn: str(itemsARN), Tags: tags("k0=other")})
	require.NoError(t, err, "a new value is not one more tag")
	_, err = r.TagResource(ctx, &ddb.TagResourceInput{ResourceArn: str(itemsARN), Tags: tags("more=v")})
	fails(t, err, "ValidationException", "Number of Tags exceed the current limit for the provided ResourceArn")
	require.Len(t, r.tags(itemsARN), maxTags)
}

func TestTagsAreChecked(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "", "pk:S")
	long := strings.Repeat("é", maxTagKey)
	_, err := r.TagResource(ctx, &ddb.TagResourceInput{ResourceArn: str(itemsARN), Tags: tags(long + "=v")})
	require.NoError(t, err, "lengths are in characters")
	for _, c := range []struct {
		arn, code, text string
		tags            []types.Tag
	}{
		{itemsARN, "ValidationException", "Atleast one Tag needs to be provided as Input.", []types.Tag{}},
		{itemsARN, "ValidationException", "Value '' at 'tags.1.member.key' failed to satisfy constraint: Member must have length greater than or equal to 1", tags("=v")},
		{itemsARN, "ValidationException", "Member must have length less than or equal to 128", tags(long + "é=v")},
		{itemsARN, "ValidationException", "Member must have length less than or equal to 256", tags("k=" + strings.Repeat("v", 257))},
		{itemsARN, "ValidationException", "Tag Key cannot be prefixed with aws:, Key: AWS:x", tags("AWS:x=v")},
		{itemsARN, "ValidationException", "The Tag Key provided is invalid, Key: a*", tags("a*=v")},
		{itemsARN, "ValidationException", "The Tag Value provided is invalid, Value: {", tags("a={")},
		{"not-an-arn", "ValidationException", "ARNs must start with 'arn:': not-an-arn", tags("a=b")},
		{"arn:aws:s3:::bucket", "AccessDeniedException", "is not authorized to perform: dynamodb:TagResource on resource: arn:aws:s3:::bucket", tags("a=b")},
		{"arn:aws:dynamodb:us-east-1:123456789012:table/items", "AccessDeniedException", "is not authorized", tags("a=b")},
		{"arn:aws:dynamodb:us-west-2:000000000000:table/items", "ValidationException", "Invalid TableArn: Invalid ResourceArn provided as input", tags("a=b")},
		{"arn:aws:dynamodb:us-east-1:000000000000:index/x", "ValidationException", "Provided Arn is not a DynamoDB resource arn", tags("a=b")},
		{itemsARN + "/index/x", "ValidationException", "only table or stream is accepted", tags("a=b")},
		{itemsARN + "x", "ResourceNotFoundException", "Requested resource not found: ResourcArn: " + itemsARN + "x not found", tags("a=b")},
		{itemsARN + "x", "ValidationException", "Atleast one Tag needs to be provided as Input.", []types.Tag{}},
		{strings.TrimSuffix(itemsARN, "ems"), "ValidationException", "Invalid TableArn: Invalid ResourceArn provided as input", tags("a=b")},
	} {
		_, err := r.TagResource(ctx, &ddb.TagResourceInput{ResourceArn: &c.arn, Tags: c.tags})
		fails(t, err, c.code, c.text)
	}
	_, err = r.UntagResource(ctx, &ddb.UntagResourceInput{ResourceArn: str(itemsARN), TagKeys: []string{}})
	fails(t, err, "ValidationException", "Atleast one Tag Key needs to be provided as Input.")
	_, err = r.ListTagsOfResource(ctx, &ddb.ListTagsOfResourceInput{ResourceArn: str(itemsARN + "x")})
	fails(t, err, "AccessDeniedException", "is not authorized to perform: dynamodb:ListTagsOfResource on resource: "+itemsARN+"x")
	fails(t, rawError(t, r, "TagResource", `{}`), "ValidationException", "Invalid TableArn")
	fails(t, rawError(t, r, "TagResource", `{"ResourceArn":"`+itemsARN+`"}`), "ValidationException", "Value null at 'tags' failed to satisfy constraint: Member must not be null")
	fails(t, rawError(t, r, "TagResource", `{"ResourceArn":"`+itemsARN+`","Tags":[{"Key":"a"}]}`), "ValidationException", "Value null at 'tags.1.member.value'")
	require.Len(t, r.tags(itemsARN), 1, "nothing of a refused request is kept")
}
