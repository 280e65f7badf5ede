package expr

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

func doc(t testing.TB, text string) item.Doc {
	t.Helper()
	d := item.NewDecoder([]byte(text))
	out := d.Doc(nil)
	d.End()
	require.NoError(t, d.Err(), text)
	require.NoError(t, d.Invalid, text)
	return out
}

const subject = `{"s":{"S":"hello"},"n":{"N":"5"},"b":{"B":"AQID"},"t":{"BOOL":true},"z":{"NULL":true},"l":{"L":[{"N":"1"},{"S":"x"},{"M":{"k":{"S":"v"}}}]},` +
	`"m":{"M":{"a":{"N":"1"},"s":{"S":"h"}}},"ss":{"SS":["a","b"]},"ns":{"NS":["1","2"]},"status":{"S":"on"}}`

const params = `{":s":{"S":"hello"},":h":{"S":"he"},":n":{"N":"5.0"},":one":{"N":"1"},":nine":{"N":"9"},":b":{"B":"AQ=="},":t":{"BOOL":true},":S":{"S":"S"},` +
	`":a":{"S":"a"},":ss":{"SS":["b","a"]},":k":{"M":{"k":{"S":"v"}}},":l":{"L":[]},":null":{"NULL":true},":Q":{"S":"Q"},":ns":{"NS":["2","3"]}}`

var names = []Name{{"#status", "status"}, {"#m", "m"}, {"#a", "a"}}

func TestConditions(t *testing.T) {
	d, values := doc(t, subject), doc(t, params)
	for text, want := range map[string]bool{
		`s = :s`: true, `s <> :s`: false, `s <> :h`: true, `s < :h`: false, `s > :h`: true, `n = :n`: true, `n >= :n AND n <= :n`: true, `n < :nine`: true,
		`absent = :s`: false, `absent <> :s`: true, `absent < :n`: false, `n = :s`: false, `n <> :s`: true, `n < :h`: false,
		`attribute_exists(s)`: true, `attribute_exists(absent)`: false, `attribute_not_exists(absent)`: true, `attribute_not_exists(m.a)`: false,
		`attribute_exists(m.zz)`: false, `attribute_exists(l[2].k)`: true, `attribute_exists(l[3])`: false,
		`attribute_type(s, :S)`: true, `attribute_type(n, :S)`: false, `attribute_type(absent, :S)`: false,
		`begins_with(s, :h)`: true, `begins_with(b, :b)`: true, `begins_with(n, :h)`: false, `begins_with(absent, :h)`: false,
		`contains(s, :h)`: true, `contains(ss, :a)`: true, `contains(ss, :h)`: false, `contains(ns, :n)`: false, `contains(ns, :one)`: true,
		`contains(l, :one)`: true, `contains(l, :k)`: true, `contains(absent, :a)`: false, `contains(b, :b)`: true,
		`size(s) = :n`: true, `size(l) > :one`: true, `size(m) = :one`: false, `size(b) < :n`: true, `size(n) = :one`: false, `size(absent) < :n`: false,
		`n BETWEEN :one AND :nine`: true, `n BETWEEN :nine AND :nine`: false, `:n between :one and n`: true,
		`n IN (:one, :n)`: true, `n IN (:one)`: false, `s in (:h, :s)`: true, `absent IN (:one)`: false,
		`NOT n = :one`: true, `NOT (n = :n OR s = :h)`: false, `NOT NOT n = :n`: true,
		`n = :one OR n = :n AND s = :s`: true, `(n = :one OR n = :n) AND s = :h`: false, `n=:n and(s=:s)`: true, `(n) = (:n)`: true,
		`#status = :s`: false, `#m.#a = :one`: true, `#m.a = l[0]`: true, `l[2] = :k`: true, `(m).a = :one`: true,
		`ss = :ss`: true, `t = :t`: true, `z = :null`: true, `l[0] = m.a`: true,
	} {
		c, err := ParseCondition(text, names)
		require.NoError(t, err, text)
		require.NoError(t, c.Check(values), text)
		require.Equal(t, want, c.Match(d, values), text)
	}
}

func TestConditionFaultsAreWordedAsDynamoDBDoes(t *testing.T) {
	values := doc(t, params)
	for text, want := range map[string]string{
		``:                                       "The expression can not be empty;",
		"  \t":                                   "The expression can not be empty;",
		`s = `:                                   `Syntax error; token: "<EOF>", near: "s ="`,
		`s = = :s`:                               `Syntax error; token: "=", near: "= = :s"`,
		`s`:                                      `Syntax error; token: "<EOF>", near: "s"`,
		`s = :s s`:                               `Syntax error; token: "s", near: ":s s"`,
		`AND s = :s`:                             `Syntax error; token: "AND", near: "AND s"`,
		`s = :s AND`:                             `Syntax error; token: "<EOF>", near: ":s AND"`,
		`(s = :s`:                                `Syntax error; token: "<EOF>", near: "= :s"`,
		`s ! :s`:                                 `Syntax error; token: "!", near: "s ! :s"`,
		`((s = :s))`:                             "The expression has redundant parentheses;",
		`((s)) = :s`:                             "The expression has redundant parentheses;",
		`foo(s)`:                                 "Invalid function name; function: foo",
		`if_not_exists(s, s) = :s`:               "The function is not allowed in a condition expression; function: if_not_exists",
		`attribute_exists(size(s))`:              "Operator or function requires a document path; operator or function: attribute_exists",
		`size(s)`:                                "The function is not allowed to be used this way in an expression; function: size",
		`attribute_exists(s) = :t`:               "The function is not allowed to be used this way in an expression; function: attribute_exists",
		`begins_with(attribute_exists(s), :h)`:   "The function is not allowed to be used this way in an expression; function: attribute_exists",
		`status = :s`:                            "Attribute name is a reserved keyword; reserved keyword: status",
		`m.Name = :s`:                            "Attribute name is a reserved keyword; reserved keyword: Name",
		`#x = :s`:                                "An expression attribute name used in the document path is not defined; attribute name: #x",
		`s = :x`:                                 "An expression attribute value used in expression is not defined; attribute value: :x",
		`begins_with(s)`:                         "Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: 1",
		`attribute_exists(:s)`:                   "Operator or function requires a document path; operator or function: attribute_exists",
		`begins_with(s, :n)`:                     "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
		`attribute_type(s, :n)`:                  "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N",
		`attribute_type(s, :Q)`:                  "Invalid attribute type name found; type: Q, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
		`attribute_type(s, n)`:                   "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}",
		`size(:n) = :n`:                          "Incorrect operand type for operator or function; operator or function: size, operand type: N",
		`s < :t`:                                 "Incorrect operand type for operator or function; operator: <, operand type: BOOL",
		`s BETWEEN :t AND :t`:                    "Incorrect operand type for operator or function; operator: BETWEEN, operand type: BOOL",
		`s = s`:                                  "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [s]",
		`n BETWEEN :s AND :n`:                    "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {S:hello}, upper bound operand: AttributeValue: {N:5}",
		`n BETWEEN :nine AND :one`:               "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:9}, upper bound operand: AttributeValue: {N:1}",
		strings.Repeat(" s = :s OR", 500):        "Expression size has exceeded the maximum allowed size; expression size: 5000",
		"s=:s" + strings.Repeat(" OR s=:s", 160): "The expression contains too many operators; operator count: 301",
	} {
		c, err := ParseCondition(text, names)
		if err == nil {
			err = c.Check(values)
		}
		require.EqualError(t, err, want, text)
	}
}

func TestUpdates(t *testing.T) {
	values := doc(t, params)
	for _, c := range []struct{ in, text, want string }{
		{`{}`, `SET a1 = :s`, `{"a1":{"S":"hello"}}`},
		{`{"n":{"N":"5"}}`, `SET n = n + :one, p = n - :nine`, `{"n":{"N":"6"},"p":{"N":"-4"}}`},
		{`{"n":{"N":"5"}}`, `set p = (n + :one)`, `{"n":{"N":"5"},"p":{"N":"6"}}`},
		{`{"n":{"N":"5"}}`, `SET n = if_not_exists(n, :one) + :one, q = if_not_exists(q, :nine)`, `{"n":{"N":"6"},"q":{"N":"9"}}`},
		{`{"l":{"L":[{"N":"1"}]}}`, `SET l = list_append(l, :l), k = list_append(if_not_exists(k, :l), l)`, `{"k":{"L":[{"N":"1"}]},"l":{"L":[{"N":"1"}]}}`},
		{`{"l":{"L":[{"N":"1"}]}}`, `SET l[0] = :s, l[5] = :h`, `{"l":{"L":[{"S":"hello"},{"S":"he"}]}}`},
		{`{"m":{"M":{"a":{"N":"1"}}}}`, `SET #m.#a = #m.a + :one, #m.b = :h REMOVE zz`, `{"m":{"M":{"a":{"N":"2"},"b":{"S":"he"}}}}`},
		{`{"a1":{"N":"1"},"b1":{"N":"2"}}`, `SET a1 = b1, b1 = a1`, `{"a1":{"N":"2"},"b1":{"N":"1"}}`},
		{`{"a1":{"N":"1"},"l":{"L":[{"N":"0"},{"N":"1"}]}}`, `REMOVE a1, l[0]`, `{"l":{"L":[{"N":"1"}]}}`},
		{`{"n":{"N":"5"},"ss":{"SS":["c"]}}`, `ADD n :one, ss :ss, fresh :nine, fs :ns`, `{"fresh":{"N":"9"},"fs":{"NS":["2","3"]},"n":{"N":"6"},"ss":{"SS":["a","b","c"]}}`},
		{`{"ss":{"SS":["a","b"]},"ns":{"NS":["1","2"]}}`, `DELETE ss :ss, ns :ns, gone :ns`, `{"ns":{"NS":["1"]}}`},
		{`{"n":{"N":"1"}}`, `REMOVE n SET x1 = :s ADD c1 :one`, `{"c1":{"N":"1"},"x1":{"S":"hello"}}`},
	} {
		u, err := ParseUpdate(c.text, names)
		require.NoError(t, err, c.text)
		require.NoError(t, u.Check(values), c.text)
		out, err := u.Apply(nil, doc(t, c.in), values)
		require.NoError(t, err, c.text)
		require.Equal(t, c.want, string(item.AppendJSON(nil, out)), c.text)
	}
}

func TestUpdateFaultsAreWordedAsDynamoDBDoes(t *testing.T) {
	values, d := doc(t, params), doc(t, subject)
	for text, want := range map[string]string{
		``:                            "The expression can not be empty;",
		`SET`:                         `Syntax error; token: "<EOF>", near: "SET"`,
		`SET a1 :s`:                   `Syntax error; token: ":s", near: "a1 :s"`,
		`a1 = :s`:                     `Syntax error; token: "a1", near: "a1 ="`,
		`ADD n n`:                     `Syntax error; token: "n", near: "n n"`,
		`SET a1 = :one + :one + :one`: `Syntax error; token: "+", near: ":one + :one"`,
		`SET a1 = :s SET b1 = :s`:     `The "SET" section can only be used once in an update expression;`,
		`SET status = :s`:             "Attribute name is a reserved keyword; reserved keyword: status",
		`SET a1 = foo(s)`:             "Invalid function name; function: foo",
		`SET a1 = size(s)`:            "The function is not allowed in an update expression; function: size",
		`SET a1 = list_append(list_append(a, b), c)`: "The function is not allowed to be used this way in an expression; function: list_append",
		`SET _abc = :p`:                  `Syntax error; token: "_", near: "SET _abc"`,
		`SET #x = :s`:                    "An expression attribute name used in the document path is not defined; attribute name: #x",
		`SET a1 = :x`:                    "An expression attribute value used in expression is not defined; attribute value: :x",
		`SET m.a = :s REMOVE m`:          "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [m, a], path two: [m]",
		`SET m.a = :s, m[0] = :s`:        "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [m, a], path two: [m, [0]]",
		`ADD s :s`:                       "Incorrect operand type for operator or function; operator: ADD, operand type: STRING",
		`DELETE ss :n`:                   "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER",
		`SET a1 = n + :s`:                "Incorrect operand type for operator or function; operator or function: +, operand type: S",
		`SET a1 = list_append(l, :s)`:    "Incorrect operand type for operator or function; operator or function: list_append, operand type: S",
		`SET a1 = if_not_exists(:s, :s)`: "Operator or function requires a document path; operator or function: if_not_exists",
		`SET a1 = if_not_exists(s)`:      "Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1",
		`SET a1 = absent`:                string(ErrNoAttribute),
		`SET a1 = absent + :one`:         string(ErrNoAttribute),
		`SET a1 = s + :one`:              string(ErrOperandType),
		`SET a1 = list_append(s, :l)`:    string(ErrOperandType),
		`ADD s :one`:                     string(ErrOperandType),
		`ADD ns :ss`:                     string(ErrOperandType),
		`SET s.x = :s`:                   item.ErrPath.Error(),
		`SET zz.x = :s`:                  item.ErrPath.Error(),
		`REMOVE zz.x`:                    item.ErrPath.Error(),
		`SET l.x = :s`:                   item.ErrPath.Error(),
		`DELETE zz.x :ss`:                item.ErrPath.Error(),
	} {
		u, err := ParseUpdate(text, names)
		if err == nil {
			err = u.Check(values)
		}
		if err == nil {
			_, err = u.Apply(nil, d, values)
		}
		require.EqualError(t, err, want, text)
	}
}

func TestUpdateKnowsWhatItTouched(t *testing.T) {
	u, err := ParseUpdate(`SET m.a = :one, l[1] = :one REMOVE s`, nil)
	require.NoError(t, err)
	require.Equal(t, `{"l":{"L":[{"S":"x"}]},"m":{"M":{"a":{"N":"1"}}},"s":{"S":"hello"}}`, string(item.AppendJSON(nil, u.Touched(nil, doc(t, subject)))))
}

func TestProjections(t *testing.T) {
	p, err := ParseProjection(`s, #m.a, l[2].k`, names)
	require.NoError(t, err)
	require.Equal(t, `{"l":{"L":[{"M":{"k":{"S":"v"}}}]},"m":{"M":{"a":{"N":"1"}}},"s":{"S":"hello"}}`, string(item.AppendJSON(nil, p.Append(nil, doc(t, subject)))))
	require.Equal(t, []string{"#m"}, p.Uses().Names)
	for text, want := range map[string]string{
		``:          "The expression can not be empty;",
		`a1, `:      `Syntax error; token: "<EOF>", near: "a1,"`,
		`a1 b1`:     `Syntax error; token: "b1", near: "a1 b1"`,
		`:s`:        `Syntax error; token: ":s", near: ":s"`,
		`l[x1]`:     `Syntax error; token: "x1", near: "[x1]"`,
		`name`:      "Attribute name is a reserved keyword; reserved keyword: name",
		`#x`:        "An expression attribute name used in the document path is not defined; attribute name: #x",
		`m, m.a`:    "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [m], path two: [m, a]",
		`m.a, m[0]`: "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [m, a], path two: [m, [0]]",
	} {
		_, err := ParseProjection(text, names)
		require.EqualError(t, err, want, text)
	}
}

func TestKeyConditions(t *testing.T) {
	values := doc(t, params)
	for text, want := range map[string]string{
		`s = :s`:                           "s = hello",
		`s = :s AND n > :one`:              "s = hello; n > 1",
		`:one <= n AND s = :s`:             "n >= 1; s = hello",
		`s = :s AND n BETWEEN :one AND :n`: "s = hello; n BETWEEN 1 5",
		`s = :s AND begins_with(k, :h)`:    "s = hello; k begins_with he",
		`(s = :s) AND (#a < :h)`:           "s = hello; a < he",
		`s = :s OR n = :n`:                 "Invalid operator used in KeyConditionExpression: OR",
		`NOT s = :s`:                       "Invalid operator used in KeyConditionExpression: NOT",
		`s <> :s`:                          "Invalid operator used in KeyConditionExpression: <>",
		`s IN (:s)`:                        "Invalid operator used in KeyConditionExpression: IN",
		`s = :s AND contains(n, :s)`:       "Invalid operator used in KeyConditionExpression: contains",
		`size(s) = :n`:                     "KeyConditionExpressions cannot contain nested operations",
		`m.a = :s`:                         "KeyConditionExpressions cannot have conditions on nested attributes",
		`s = n`:                            "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition",
		`:s = :s`:                          "Invalid condition in KeyConditionExpression: No key attribute specified",
		`s = :s AND s = :h`:                "KeyConditionExpressions must only contain one condition per key",
		`:n BETWEEN n AND :nine`:           "Invalid condition in KeyConditionExpression: BETWEEN operator must have the key attribute as its first operand",
	} {
		c, err := ParseCondition(text, names)
		require.NoError(t, err, text)
		require.NoError(t, c.Check(values), text)
		terms, err := c.KeyTerms(values)
		got := ""
		for i, term := range terms {
			if i > 0 {
				got += "; "
			}
			got += fmt.Sprintf("%s %s %s", term.Name, term.Operator, plain(term.Value))
			if term.High != nil {
				got += " " + plain(term.High)
			}
		}
		if err != nil {
			got = err.Error()
		}
		require.Equal(t, want, got, text)
	}
}

func plain(v item.Value) string {
	if v.Type() == item.Number {
		return string(item.AppendNumberText(nil, v.Payload()))
	}
	return string(v.Payload())
}

func TestReservedWordsInAnyCase(t *testing.T) {
	require.Len(t, reservedWords, 573)
	for _, w := range []string{"name", "NAME", "Status", "zone", "abort"} {
		require.True(t, reserved(w), w)
	}
	for _, w := range []string{"pk", "sk", "gen", "nam"} {
		require.False(t, reserved(w), w)
	}
}

func FuzzExpressions(f *testing.F) {
	for _, s := range []string{
		`s = :s AND (n BETWEEN :one AND :nine OR NOT contains(ss, :a))`, `SET m.a = if_not_exists(n, :one) + :one REMOVE l[0] ADD ns :ns DELETE ss :ss`,
		`s, #m.a, l[2].k`, `((((`, `a[99999999999999999999]`, `size(size(s)) = :n`, `s IN (:s, :h)`,
		`attribute_type(s)`, `begins_with(s) OR contains(s)`,
	} {
		f.Add(s)
	}
	values, d := doc(f, params), doc(f, subject)
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := ParseCondition(text, names); err == nil && c.Check(values) == nil {
			c.Match(d, values)
			c.Match(nil, values)
			_, _ = c.KeyTerms(values)
		}
		if u, err := ParseUpdate(text, names); err == nil && u.Check(values) == nil {
			if out, err := u.Apply(nil, d, values); err == nil {
				require.Equal(t, string(out), string(item.EditDoc(out).AppendDoc(nil)), text)
				u.Touched(nil, out)
			}
			_, _ = u.Apply(nil, nil, values)
		}
		if p, err := ParseProjection(text, names); err == nil {
			p.Append(nil, d)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	c, err := ParseCondition(`attribute_not_exists(gone) AND n = :n`, nil)
	require.NoError(b, err)
	values, d := doc(b, `{":n":{"N":"5"}}`), doc(b, subject)
	b.ReportAllocs()
	for b.Loop() {
		if c.Check(values) != nil || !c.Match(d, values) {
			b.Fatal("no match")
		}
	}
}
