package partiql

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/expr"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

func doc(t testing.TB, text string) item.Doc {
	t.Helper()
	d := item.NewDecoder([]byte(text))
	out := d.Doc(nil)
	require.NoError(t, d.Err())
	require.NoError(t, d.Invalid)
	return out
}

func values(t testing.TB, text string) (out []item.Value) {
	for v := range doc(t, `{"l":{"L":[`+text+`]}}`).Get("l").Elements() {
		out = append(out, v)
	}
	return out
}

func TestWhereIsTheConditionOfExpressions(t *testing.T) {
	d := doc(t, `{"pk":{"S":"it's"},"n":{"N":"5"},"m":{"M":{"a b":{"L":[{"S":"x"},{"BOOL":true}]}}},"z":{"NULL":true},"s":{"SS":["a","b"]}}`)
	for where, want := range map[string]bool{
		`pk = 'it''s' AND n = 5.0`:                                       true,
		`"pk" = ? and n between ? and 6`:                                 true,
		`n > -1 AND (n < 5 OR n <= 5) AND NOT n <> 5`:                    true,
		`n != 5 OR n >= 6`:                                               false,
		`n IN [1, 5] AND n IN (5) AND n NOT IN [4]`:                      true,
		`m."a b"[0] = 'x' AND m['a b'][1] = true`:                        true,
		`begins_with(pk, 'it') AND contains(s, 'a') AND SIZE(s)=2`:       true,
		`attribute_type(n, 'N') AND x IS MISSING AND n IS NOT MISSING`:   true,
		`z IS NULL AND n IS NUMERIC AND m IS STRUCT AND n IS NOT STRING`: true,
		`attribute_exists(x) OR attribute_not_exists(n)`:                 false,
		"NOT NOT n = 5 -- as it is\nAND s = <<'b', 'a'>>":                true,
		`n NOT BETWEEN 1 AND 9`:                                          false,
		`z = null AND s <> <<1>> AND m <> {'a': [1, {}]}`:                true,
	} {
		var parameters []item.Value
		if strings.Contains(where, "?") {
			parameters = values(t, `{"S":"it's"},{"N":"4"}`)
		}
		s, err := Parse("SELECT * FROM \"table\" WHERE "+where, parameters)
		require.NoError(t, err, where)
		require.Equal(t, want, expr.NewCondition(s.Where).Match(d, nil), where)
	}
}

func TestStatementsAreReadWhole(t *testing.T) {
	s, err := Parse(`SELECT pk, a.b[1] FROM "t-1"."by-x" WHERE pk IN ['a', 'b'] ORDER BY pk DESC, sk`, nil)
	require.NoError(t, err)
	require.Equal(t, "t-1 by-x [[pk] [a, b, [1]]] [{pk true} {sk false}]", fmt.Sprint(s.Table, " ", s.Index, " ", s.Paths, " ", s.Order))
	require.Len(t, s.Where.Equals("pk"), 2)
	require.Nil(t, s.Where.Equals("sk"))

	s, err = Parse(`insert into tab value {'pk': ?, 'l': [1, <<2, 1>>, {'x': false}]}`, values(t, `{"B":"YQ=="}`))
	require.NoError(t, err)
	require.Equal(t, Insert, s.Kind)
	require.Equal(t, `{"l":{"L":[{"N":"1"},{"NS":["1","2"]},{"M":{"x":{"BOOL":false}}}]},"pk":{"B":"YQ=="}}`, string(item.AppendJSON(nil, s.Item)))

	s, err = Parse(`UPDATE tab SET n = n - 1, l = list_append(l, [?]) SET s = set_add(s, <<'c'>>) REMOVE x.y, z WHERE pk = 'a' RETURNING MODIFIED OLD *`, values(t, `{"S":"p"}`))
	require.NoError(t, err)
	require.Equal(t, ModifiedOld, s.Returning)
	u, err := expr.NewUpdate(s.Actions)
	require.NoError(t, err)
	require.NoError(t, u.Check(nil))
	now, err := u.Apply(nil, doc(t, `{"n":{"N":"3"},"l":{"L":[]},"s":{"SS":["a"]},"x":{"M":{"y":{"S":""},"k":{"S":""}}},"z":{"S":"z"}}`), nil)
	require.NoError(t, err)
	require.Equal(t, `{"l":{"L":[{"S":"p"}]},"n":{"N":"2"},"s":{"SS":["a","c"]},"x":{"M":{"k":{"S":""}}}}`, string(item.AppendJSON(nil, now)))

	s, err = Parse(`EXISTS(SELECT * FROM tab WHERE pk = 'a' AND x IS MISSING)`, nil)
	require.NoError(t, err)
	require.Equal(t, Exists, s.Kind)
}

// The texts are AWS's, as its own validation and a public suite calibrated on it have them.
func TestFaultsAreInTheWordsOfAWS(t *testing.T) {
	const bad = "Statement wasn't well formed, can't be processed: "
	for statement, want := range map[string]string{
		`SLECT * FROM tab`:                                     bad + "Expected data manipulation",
		`SELECT * FROM tab WHERE`:                              bad + "Unexpected term",
		`SELECT * FROM tab WHERE a = 1 b`:                      bad + "Unexpected token after expression",
		`SELECT * FROM tab WHERE (a = 1`:                       bad + "Expected RIGHT_PAREN",
		`SELECT * FROM tab WHERE m.inner = 1`:                  bad + "Invalid path dot component",
		`SELECT * FROM tab WHERE a = 'x`:                       bad + "Unexpected end of statement",
		`SELECT * FROM tab LIMIT 5`:                            "Unsupported clause: LIMIT at 1:25:1",
		`SELECT size(a) FROM tab`:                              "Unexpected path component at 1:8:4",
		`SELECT *, a FROM tab`:                                 "Other attributes should not be present in the projection when '*' is used.",
		`SELECT a, b.a FROM tab`:                               "Duplicate identifiers in select clause: a",
		`SELECT * FROM tab, other`:                             "Only select from a single table or index is supported.",
		"SELECT * FROM tab\nWHERE upper(a) = 1":                "Unrecognized function: upper at 2:7:5",
		`SELECT * FROM tab WHERE a`:                            "WHERE clause must contain an expression that resolves to a boolean",
		`SELECT * FROM tab WHERE a AND b = 1`:                  "The arguments to AND/OR must be Expressions",
		`SELECT * FROM tab WHERE a = MISSING`:                  "MISSING must be compared using IS operator",
		`SELECT * FROM tab WHERE a = ?`:                        "Number of parameters in request and statement don't match.",
		`SELECT * FROM tab WHERE a IN []`:                      "IN operator must have a left hand argument of type Variable Reference and right hand argument of type Seq with at least one member",
		`SELECT * FROM tab WHERE attribute_exists('a')`:        "Operator or function requires a document path; operator or function: attribute_exists",
		`SELECT * FROM tab WHERE attribute_exists(a, b)`:       "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2",
		`INSERT INTO tab VALUE {'a': 1, 'a': 2}`:               "Duplicate keys in tuple. Key: a under root",
		`INSERT INTO tab VALUE {'a': <<>>}`:                    "Empty bags are not supported",
		`INSERT INTO tab VALUE {'a': <<'x', 'x'>>}`:            "One or more parameter values were invalid: Input collection [x, x] contains duplicates.",
		`INSERT INTO tab VALUE {'a': set_add(b, <<'x'>>)}`:     "Unsupported data type: set_add under key root at 1:29:7",
		`INSERT INTO tab VALUE [1]`:                            "Unsupported format in item expression. Please use struct format {...} to express item values for insert statement.",
		`INSERT INTO tab.x VALUE {}`:                           "This operation is not supported on an index",
		`INSERT INTO tab VALUE {'a': 1} RETURNING ALL OLD *`:   "RETURNING is not supported in INSERT",
		`DELETE FROM tab WHERE a = 1 RETURNING MODIFIED NEW *`: "Invalid returning clause: RETURNING MODIFIED NEW *. Only RETURNING ALL OLD * is allowed in DELETE statements.",
		`UPDATE tab SET t = set_add(s, <<'x'>>) WHERE a = 1`:   "The first argument to SET_ADD must equal the assignment value at 1:20:7",
		`UPDATE tab SET s = set_delete(s, 'x') WHERE a = 1`:    "The second argument to SET_DELETE must be a value with type SET at 1:31:1",
		`UPDATE tab SET s = set_add(s) WHERE a = 1`:            "SET_ADD must have exactly two arguments at 1:20:7",
	} {
		_, err := Parse(statement, nil)
		require.EqualError(t, err, want, statement)
	}
}

// Whatever a statement holds, it is read or refused, and what is read can be evaluated.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`SELECT a.b[0], "c" FROM "t"."x" WHERE pk IN ['a', ?] AND NOT begins_with(b, 'x') OR size(c) > 1 ORDER BY sk DESC`,
		`INSERT INTO t VALUE {'pk': ?, 'l': [1, -2e3, null, {'x': <<'a', 'b'>>}]}`,
		`UPDATE t SET n = n + 1, s = set_add(s, <<1>>) REMOVE q WHERE pk = 'a' AND x IS NOT MISSING RETURNING ALL NEW *`,
		`EXISTS(SELECT * FROM t WHERE pk BETWEEN 1 AND 2)`, `DELETE FROM t WHERE ((pk = 'a')) RETURNING ALL OLD *`, `'`, `((((`, `NOT NOT`,
	} {
		f.Add(s)
	}
	d := doc(f, `{"pk":{"S":"a"},"n":{"N":"1"},"l":{"L":[{"S":"x"}]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text, nil)
		if err != nil {
			require.NotEmpty(t, err.Error())
			s, err = Parse(text, values(t, `{"S":"p"}`))
		}
		if err != nil {
			return
		}
		if c := expr.NewCondition(s.Where); c != nil {
			c.Match(d, nil)
			for _, part := range s.Where.Conjuncts() {
				part.Equals("pk")
				part.KeyTerm()
			}
		}
		if u, err := expr.NewUpdate(s.Actions); err == nil && u.Check(nil) == nil {
			if now, err := u.Apply(nil, d, nil); err == nil {
				item.Doc(now).Size()
			}
		}
		s.Item.Size()
		if s.Paths != nil {
			expr.ProjectLeaves(s.Paths).Append(nil, d)
		}
	})
}
