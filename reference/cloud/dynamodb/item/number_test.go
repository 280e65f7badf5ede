package item

import (
	"bytes"
	"strings"
	"testing"

	dec "github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestNumbersAreNormalised(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "0.000": "0", "+5": "5", "007": "7", "1.50": "1.5", ".5": "0.5", "5.": "5",
		"1E3": "1000", "1e-3": "0.001", "123.456": "123.456", "-10": "-10", "1200": "1200", "0.00012": "0.00012",
		"12345678901234567890123456789012345678":      "12345678901234567890123456789012345678",
		"0.1e-129":                                    "0." + strings.Repeat("0", 129) + "1",
		"9.9999999999999999999999999999999999999E125": "99999999999999999999999999999999999999" + strings.Repeat("0", 88),
		"1" + strings.Repeat("0", 60):                 "1" + strings.Repeat("0", 60),
		"0E99999999999999999999":                      "0",
	} {
		n, err := AppendNumber(nil, []byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, string(AppendNumberText(nil, n)), text)
	}
}

func TestNumbersOutOfRangeAreRefused(t *testing.T) {
	for text, want := range map[string]error{
		"1E126": ErrNumberOverflow, "-1E126": ErrNumberOverflow, "10E125": ErrNumberOverflow, "1E99999999999999999999": ErrNumberOverflow,
		"1E-131": ErrNumberUnderflow, "0.1E-130": ErrNumberUnderflow, "1E-99999999999999999999": ErrNumberUnderflow,
		"123456789012345678901234567890123456789": ErrNumberDigits, "1.00000000000000000000000000000000000001": ErrNumberDigits,
	} {
		_, err := AppendNumber(nil, []byte(text))
		require.Equal(t, want, err, text)
	}
	for _, text := range []string{"", " 1", "1 ", "a", "1e", "1e+-3", "--1", "1.2.3", "NaN", "Infinity", "0x10", "1_000", ".", "e5", "-"} {
		_, err := AppendNumber(nil, []byte(text))
		require.ErrorContains(t, err, "cannot be converted to a numeric value", text)
	}
}

// number draws a decimal text that DynamoDB takes, near others often enough to matter.
var number = rapid.Custom(func(t *rapid.T) string {
	digits := rapid.StringMatching(`[1-9][0-9]{0,37}`).Draw(t, "digits")
	if rapid.Bool().Draw(t, "small") {
		digits = rapid.StringMatching(`[0-9]{1,3}`).Draw(t, "few digits")
	}
	exp := rapid.IntRange(-128, 125-len(digits)).Draw(t, "exp")
	if rapid.Bool().Draw(t, "near") {
		exp = rapid.IntRange(-3, 3).Draw(t, "near exp")
	}
	sign := rapid.SampledFrom([]string{"", "-"}).Draw(t, "sign")
	return dec.RequireFromString(sign + digits).Shift(int32(exp)).String()
})

func TestNumbersOrderAndRoundTripAsDecimalsDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		x, y := dec.RequireFromString(a), dec.RequireFromString(b)
		ea, err := AppendNumber(nil, []byte(a))
		require.NoError(t, err, a)
		eb, err := AppendNumber(nil, []byte(b))
		require.NoError(t, err, b)
		require.Equal(t, x.Cmp(y), bytes.Compare(ea, eb), "%s against %s", a, b)
		require.True(t, x.Equal(dec.RequireFromString(string(AppendNumberText(nil, ea)))), a)
	})
}

func TestNumbersAddAndSubtractAsDecimalsDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		x, y := dec.RequireFromString(a), dec.RequireFromString(b)
		ea, _ := AppendNumber(nil, []byte(a))
		eb, _ := AppendNumber(nil, []byte(b))
		check := func(op string, got []byte, err error, want dec.Decimal) {
			if err != nil { // refused exactly if storing the sum is
				_, wantErr := AppendNumber(nil, []byte(want.String()))
				if wantErr == ErrNumberDigits {
					wantErr = ErrNumberOverflow
				}
				require.Equal(t, wantErr, err, "%s %s %s", a, op, b)
				return
			}
			require.Equal(t, want.String(), string(AppendNumberText(nil, got)), "%s %s %s", a, op, b)
		}
		got, err := AddNumbers(nil, ea, eb)
		check("+", got, err, x.Add(y))
		got, err = SubtractNumbers(nil, ea, eb)
		check("-", got, err, x.Sub(y))
	})
}

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"1", "-1.5e10", "1e126", "0.0", "+.5E-3", "999999999999999999999999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := AppendNumber(nil, []byte(text))
		if err != nil {
			return
		}
		again, err := AppendNumber(nil, AppendNumberText(nil, n))
		require.NoError(t, err, text)
		require.Equal(t, n, again, text)
		require.Less(t, len(n), 24)
	})
}
