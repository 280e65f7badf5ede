package dynamodb

import (
	"strings"
	"testing"

	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"
)

const policyText = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"dynamodb:GetItem","Resource":"*"}]}`

func TestAPolicyIsKeptByRevision(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "", "pk:S")
	get := func() (*ddb.GetResourcePolicyOutput, error) {
		return r.GetResourcePolicy(ctx, &ddb.GetResourcePolicyInput{ResourceArn: str(itemsARN)})
	}
	put := func(text string, expected *string) (*ddb.PutResourcePolicyOutput, error) {
		return r.PutResourcePolicy(ctx, &ddb.PutResourcePolicyInput{ResourceArn: str(itemsARN), Policy: &text, ExpectedRevisionId: expected})
	}
	_, err := get()
	fails(t, err, "PolicyNotFoundException", "Resource-based policy not found for the provided ResourceArn: "+itemsARN)
	_, err = put(policyText, str("17"))
	fails(t, err, "PolicyNotFoundException", "policy with revision id 17")
	first, err := put(policyText, str("NO_POLICY"))
	require.NoError(t, err)
	again, err := put(policyText, nil)
	require.NoError(t, err)
	require.Equal(t, *first.RevisionId, *again.RevisionId, "the same document has the same revision")
	_, err = put(policyText, str("NO_POLICY"))
	fails(t, err, "PolicyNotFoundException", "expecting none to be present for table items, but a policy exists with revision id "+*first.RevisionId)

	other := strings.Replace(policyText, "GetItem", "Query", 1)
	second, err := put(other, first.RevisionId)
	require.NoError(t, err)
	require.NotEqual(t, *first.RevisionId, *second.RevisionId)
	_, err = put(policyText, first.RevisionId)
	fails(t, err, "PolicyNotFoundException", "Requested update for policy with revision id "+*first.RevisionId+", but the policy associated to target table items has revision id "+*second.RevisionId)
	got, err := get()
	require.NoError(t, err)
	require.Equal(t, other, *got.Policy)
	require.Equal(t, *second.RevisionId, *got.RevisionId)

	_, err = r.DeleteResourcePolicy(ctx, &ddb.DeleteResourcePolicyInput{ResourceArn: str(itemsARN), ExpectedRevisionId: first.RevisionId})
	fails(t, err, "PolicyNotFoundException", "")
	gone, err := r.DeleteResourcePolicy(ctx, &ddb.DeleteResourcePolicyInput{ResourceArn: str(itemsARN)})
	require.NoError(t, err)
	require.Equal(t, *second.RevisionId, *gone.RevisionId)
	_, err = get()
	fails(t, err, "PolicyNotFoundException", "")
	_, err = r.DeleteResourcePolicy(ctx, &ddb.DeleteResourcePolicyInput{ResourceArn: str(itemsARN)})
	require.NoError(t, err, "to delete what is not there is no fault")
}

func TestAPolicyIsChecked(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "", "pk:S")
	for text, want := range map[string]string{
		`{"Statement":`:    "Invalid policy document: This policy contains invalid Json",
		`{"Statement":[]}`: "Invalid policy document: Could not parse the policy: Statement is empty!",
		policyText + strings.Repeat(" ", maxPolicy-len(policyText)+1): "Maximum policy size of 20480 bytes exceeded",
	} {
		_, err := r.PutResourcePolicy(ctx, &ddb.PutResourcePolicyInput{ResourceArn: str(itemsARN), Policy: &text})
		fails(t, err, "ValidationException", want)
	}
	whole := policyText + strings.Repeat(" ", maxPolicy-len(policyText))
	_, err := r.PutResourcePolicy(ctx, &ddb.PutResourcePolicyInput{ResourceArn: str(itemsARN), Policy: &whole})
	require.NoError(t, err)
	_, err = r.PutResourcePolicy(ctx, &ddb.PutResourcePolicyInput{ResourceArn: str(itemsARN + "x"), Policy: str(policyText)})
	fails(t, err, "ResourceNotFoundException", "Requested resource not found: Table: itemsx not found")
	fails(t, rawError(t, r, "PutResourcePolicy", `{}`), "ValidationException", "2 validation errors detected: Value null at 'resourceArn'")
}
