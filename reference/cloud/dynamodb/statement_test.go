package dynamodb

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
)

// tries runs a statement; its items come back in short.
func (r *rig) tries(statement string, parameters ...types.AttributeValue) (string, error) {
	out, err := r.ExecuteStatement(ctx, &ddb.ExecuteStatementInput{Statement: &statement, Parameters: parameters})
	if err != nil {
		return "", err
	}
	return showAll(out.Items), nil
}

func (r *rig) does(statement string, parameters ...types.AttributeValue) string {
	r.t.Helper()
	out, err := r.tries(statement, parameters...)
	require.NoError(r.t, err, statement)
	return out
}

// statements opens a service with five items: a/1, a/2, a/3, b/1 and c/1.
func statements(t testing.TB) *rig {
	r := open(t, Options{})
	r.create("items", "pk", "sk", "pk:S sk:N g:S", gsi("byG", "g", "sk", types.ProjectionTypeAll))
	for i, pk := range []string{"a", "a", "a", "b", "c"} {
		r.does(`INSERT INTO items VALUE {'pk': ?, 'sk': ?, 'g': 'x', 'm': {'v': ?}}`, S(pk), N(i%3+1), N(i))
	}
	return r
}

func TestStatementsReadAndWriteItems(t *testing.T) {
	r := statements(t)
	for _, step := range []struct{ statement, want string }{
		{`SELECT m.v, sk FROM items WHERE pk = 'a' AND sk >= 2 ORDER BY sk DESC`, "sk=3 v=2; sk=2 v=1"},
		{`SELECT sk FROM items WHERE pk = 'a' AND m.v <> 1`, "sk=1; sk=3"},
		{`SELECT sk FROM items WHERE pk = 'a' AND sk BETWEEN 2 AND 3 AND sk < 3`, "sk=2"},
		{`SELECT pk, sk FROM items WHERE pk IN ['b', 'a', 'b'] AND sk = 1`, "pk=b sk=1; pk=a sk=1"},
		{`SELECT pk FROM items WHERE pk = 'c' OR pk = 'b' ORDER BY pk`, "pk=b; pk=c"},
		{`SELECT pk FROM items WHERE pk = 'b' OR m.v = 4 AND pk = 'c'`, "pk=b; pk=c"}, // a scan, in the order of hashes
		{`SELECT pk FROM "items"."byG" WHERE g = 'x' AND sk > 2`, "pk=a"},
		{`SELECT * FROM items WHERE pk = 'a' AND pk = 'b'`, ""},
		{`UPDATE items SET n = 5 WHERE pk = 'b' AND sk = 1 RETURNING ALL OLD *`, "g=x m={v=3} pk=b sk=1"},
		{`UPDATE items SET n = n + 1 REMOVE g WHERE pk = 'b' AND sk = 1 AND n = 5 RETURNING MODIFIED NEW *`, "n=6"},
		{`DELETE FROM items WHERE pk = 'b' AND sk = 1 AND n = 6 RETURNING ALL OLD *`, "m={v=3} n=6 pk=b sk=1"},
		{`DELETE FROM items WHERE pk = 'b' AND sk = 1 AND n = 6 RETURNING ALL OLD *`, ""},
		{`SELECT * FROM items WHERE pk = 'b'`, ""},
	} {
		require.Equal(t, step.want, r.does(step.statement), step.statement)
	}
	scanned := r.does(`SELECT sk FROM items WHERE m.v > 1 AND g = 'x'`)
	require.ElementsMatch(t, []string{"sk=3", "sk=2"}, []string{scanned[:4], scanned[6:]}, scanned)
}

func TestStatementsFailInTheWordsOfAWS(t *testing.T) {
	r := statements(t)
	const keys = "Where clause does not contain a mandatory equality on all key attributes"
	for statement, want := range map[string][2]string{
		`INSERT INTO items VALUE {'pk': 'a', 'sk': 1}`:                     {"DuplicateItemException", "Duplicate primary key exists in table"},
		`INSERT INTO items VALUE {'pk': 'a'}`:                              {"ValidationException", "Missing the key sk in the item"},
		`UPDATE items SET n = 1 WHERE pk = 'new' AND sk = 1`:               {"ConditionalCheckFailedException", "The conditional request failed"},
		`UPDATE items SET n = 1 WHERE pk = 'a'`:                            {"ValidationException", keys},
		`UPDATE items SET sk = 2 WHERE pk = 'a' AND sk = 1`:                {"ValidationException", "Cannot update attribute sk. This attribute is part of the key"},
		`UPDATE items SET m = 1, m.v = 2 WHERE pk = 'a' AND sk = 1`:        {"ValidationException", "Two document paths overlap with each other"},
		`UPDATE items SET m = list_append(m, m) WHERE pk = 'a' AND sk = 1`: {"ValidationException", "incorrect data type"},
		`DELETE FROM items WHERE pk IN ['a', 'b'] AND sk = 1`:              {"ValidationException", keys},
		`DELETE FROM items WHERE pk = 'a' AND sk = 1 AND m.v = 9`:          {"ConditionalCheckFailedException", "The conditional request failed"},
		`DELETE FROM items WHERE pk = 'a' AND sk = '1'`:                    {"ValidationException", "Key attribute's data type should match its data type in table's schema: Key sk"},
		`SELECT * FROM absent WHERE pk = 'a'`:                              {"ResourceNotFoundException", "Requested resource not found"},
		`SELECT * FROM items.absent WHERE pk = 'a'`:                        {"ValidationException", "The table does not have the specified index"},
		`SELECT * FROM items WHERE pk = 'a' ORDER BY g`:                    {"ValidationException", "Variable reference g in ORDER BY clause must be part of the primary key"},
		`SELECT * FROM items WHERE sk = 1 ORDER BY sk`:                     {"ValidationException", "Must have at least one non-optional hash key condition"},
		`SELECT * FROM items ORDER BY sk`:                                  {"ValidationException", "Must have WHERE clause"},
		`SELECT * FROM items WHERE pk.x = 'a'`:                             {"ValidationException", "Key attributes must be scalars"},
		`EXISTS(SELECT * FROM items WHERE pk = 'a' AND sk = 1 AND g = 1)`:  {"ValidationException", "EXISTS can only be used in ExecuteTransaction write requests."},
		`SELECTT`: {"ValidationException", "Statement wasn't well formed, can't be processed"},
		``:        {"ValidationException", "Value '' at 'statement' failed to satisfy constraint: Member must have length greater than or equal to 1"},
	} {
		_, err := r.tries(statement)
		fails(t, err, want[0], want[1])
	}
	require.Equal(t, "g=x m={v=0} pk=a sk=1", r.does(`SELECT * FROM items WHERE pk = 'a' AND sk = 1`))
	fails(t, rawError(t, r, "ExecuteStatement", `{"Statement":7}`), "SerializationException", "NUMBER_VALUE cannot be converted to String")
}

func TestSelectGoesOnWhereItStopped(t *testing.T) {
	r := statements(t)
	for _, statement := range []string{`SELECT pk, sk FROM items WHERE pk IN ['b', 'a', 'c']`, `SELECT pk, sk FROM items`} {
		whole := r.does(statement)
		for limit := range 6 {
			var items []av
			in := &ddb.ExecuteStatementInput{Statement: &statement, Limit: aws.Int32(int32(limit + 1)), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal}
			for pages := 0; ; pages++ {
				require.Less(t, pages, 8)
				out, err := r.ExecuteStatement(ctx, in)
				require.NoError(t, err)
				require.LessOrEqual(t, len(out.Items), limit+1)
				require.Positive(t, *out.ConsumedCapacity.CapacityUnits)
				items = append(items, out.Items...)
				if in.NextToken = out.NextToken; in.NextToken == nil {
					break
				}
			}
			require.Equal(t, whole, showAll(items), "limit %d", limit+1)
		}
	}
	first, err := r.ExecuteStatement(ctx, &ddb.ExecuteStatementInput{Statement: str(`SELECT * FROM items`), Limit: aws.Int32(1)})
	require.NoError(t, err)
	require.Len(t, first.LastEvaluatedKey, 2)
	_, err = r.ExecuteStatement(ctx, &ddb.ExecuteStatementInput{Statement: str(`SELECT pk FROM items`), NextToken: first.NextToken})
	fails(t, err, "ValidationException", "NextToken does not match request")
	_, err = r.ExecuteStatement(ctx, &ddb.ExecuteStatementInput{Statement: str(`SELECT pk FROM items`), NextToken: str("garbage")})
	fails(t, err, "ValidationException", "Invalid NextToken")
}

func TestStatementsOfABatchFailAlone(t *testing.T) {
	r := statements(t)
	var in ddb.BatchExecuteStatementInput
	for _, s := range []string{
		`SELECT m.v FROM items WHERE pk = 'a' AND sk = 1`,
		`SELECT * FROM items WHERE pk = 'a'`,
		`UPDATE items SET n = 1 WHERE pk = 'a' AND sk = 1 RETURNING ALL NEW *`,
		`INSERT INTO items VALUE {'pk': 'a', 'sk': 1}`,
		`DELETE FROM items WHERE pk = 'a' AND sk = 2 AND g = 'y'`,
		`SELECT * FROM absent WHERE pk = 'a'`,
		`SLECT`,
	} {
		in.Statements = append(in.Statements, types.BatchStatementRequest{Statement: &s, ConsistentRead: aws.Bool(true), ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld})
	}
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, err := r.BatchExecuteStatement(ctx, &in)
	require.NoError(t, err)
	var got []string
	for _, s := range out.Responses {
		if s.Error != nil {
			got = append(got, fmt.Sprintf("%s %s", s.Error.Code, show(s.Error.Item)))
			continue
		}
		got = append(got, *s.TableName+" "+show(s.Item))
	}
	require.Equal(t, []string{
		"items v=0", "ValidationError ", "items g=x m={v=0} n=1 pk=a sk=1", "DuplicateItem ",
		"ConditionalCheckFailed g=x m={v=1} pk=a sk=2", "ResourceNotFound ", "ValidationError ",
	}, got)
	require.Len(t, out.ConsumedCapacity, 1)
	require.Equal(t, 3.0, *out.ConsumedCapacity[0].CapacityUnits, "a consistent read, and a write of the table and of its index's entry")
}

func (r *rig) transaction(token *string, list ...string) (*ddb.ExecuteTransactionOutput, error) {
	in := &ddb.ExecuteTransactionInput{ClientRequestToken: token, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal}
	for _, s := range list {
		in.TransactStatements = append(in.TransactStatements, types.ParameterizedStatement{Statement: &s})
	}
	return r.ExecuteTransaction(ctx, in)
}

func TestStatementsOfATransactionAreDoneTogetherOrNot(t *testing.T) {
	r := statements(t)
	count := `UPDATE items SET n = if_not_exists(n, 0) + 1 WHERE pk = 'a' AND sk = 1`
	exists := `EXISTS(SELECT * FROM items WHERE pk = 'a' AND sk = 2 AND g = 'x')`
	for range 2 { // the second is a repetition
		out, err := r.transaction(str("token"), count, exists, `DELETE FROM items WHERE pk = 'c' AND sk = 2`)
		require.NoError(t, err)
		require.Len(t, out.ConsumedCapacity, 1)
	}
	require.Equal(t, "n=1", r.does(`SELECT n FROM items WHERE pk = 'a' AND sk = 1`))
	_, err := r.transaction(str("token"), count)
	fails(t, err, "IdempotentParameterMismatchException", "")

	_, err = r.transaction(nil, count, `INSERT INTO items VALUE {'pk': 'a', 'sk': 3}`, `EXISTS(SELECT * FROM items WHERE pk = 'a' AND sk = 2 AND g = 'y')`)
	var cancelled *types.TransactionCanceledException
	require.True(t, errors.As(err, &cancelled), err)
	var codes []string
	for _, reason := range cancelled.CancellationReasons {
		codes = append(codes, *reason.Code)
	}
	require.Equal(t, []string{"None", "DuplicateItem", "ConditionalCheckFailed"}, codes)

	out, err := r.transaction(nil, `SELECT n FROM items WHERE pk = 'a' AND sk = 1`, `SELECT * FROM items WHERE pk = 'nobody' AND sk = 1`)
	require.NoError(t, err)
	require.Equal(t, "n=1", show(out.Responses[0].Item))
	require.Empty(t, out.Responses[1].Item)

	for want, list := range map[string][]string{
		"Validation failed in TransactStatements[1]: RETURNING clause is not supported in ExecuteTransaction.":                                      {exists, count + ` RETURNING ALL NEW *`},
		"Validation failed in TransactStatements[0]: Select statements within ExecuteTransaction must specify the primary key in the where clause.": {`SELECT * FROM items WHERE pk = 'a' AND sk = 1 AND g = 'x'`},
		"Validation failed in TransactStatements[0]: Reads on indices are not supported within transactions.":                                       {`SELECT * FROM items.byG WHERE g = 'x'`},
		"Validation failed in TransactStatements[0]: EXISTS() must contain a single item read with additional condition":                            {`EXISTS(SELECT * FROM items WHERE pk = 'a' AND sk = 1)`, count},
		"Transaction request cannot include multiple operations on one item":                                                                        {count, count},
		"A transaction must consist of either read statements or write statements, not both":                                                        {count, `SELECT * FROM items WHERE pk = 'a' AND sk = 2`},
		"Value '[]' at 'transactStatements' failed to satisfy constraint: Member must have length greater than or equal to 1":                       nil,
	} {
		in := list
		if in == nil {
			_, err = r.ExecuteTransaction(ctx, &ddb.ExecuteTransactionInput{TransactStatements: []types.ParameterizedStatement{}})
		} else {
			_, err = r.transaction(nil, in...)
		}
		fails(t, err, "ValidationException", want)
	}
}

// What a statement costs is taken from its table as other operations take it.
func TestStatementsAreMetered(t *testing.T) {
	limits := AWSLimits()
	r := open(t, Options{Limits: &limits})
	r.create("items", "pk", "", "pk:S")
	r.does(`INSERT INTO items VALUE {'pk': 'a'}`)
	r.does(`SELECT * FROM items WHERE pk = 'a'`)
	_, err := r.transaction(nil, `SELECT * FROM items WHERE pk = 'a'`)
	require.NoError(t, err)
	stats := r.service.Stats()
	require.Equal(t, 2.5, stats.Tables["items"].ReadUnits)
	require.Equal(t, 1.0, stats.Tables["items"].WriteUnits)
}
