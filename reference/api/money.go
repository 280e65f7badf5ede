package api

import (
	"fmt"

	"github.com/shopspring/decimal"
)

// minorDigits lists the ISO 4217 currencies whose minor unit is not a hundredth.
var minorDigits = map[string]int32{
	"BHD": 3, "CLP": 0, "ISK": 0, "JOD": 3, "JPY": 0, "KRW": 0, "KWD": 3, "OMR": 3, "TND": 3, "VND": 0,
}

// MinorDigits is the number of decimal digits of a currency's minor unit: 2 unless ISO 4217 says otherwise.
func MinorDigits(currency string) int32 {
	if d, ok := minorDigits[currency]; ok {
		return d
	}
	return 2
}

// ValidCurrency says whether the code has the form of ISO 4217: three upper-case letters.
func ValidCurrency(code string) bool {
	if len(code) != 3 {
		return false
	}
	for i := range 3 {
		if code[i] < 'A' || code[i] > 'Z' {
			return false
		}
	}
	return true
}

// maxMinor bounds a line's total so that sums of billions of them stay inside an int64.
const maxMinor = int64(1e15)

// LineTotal is quantity times a decimal unit price, in minor units of the currency, rounded
// half to even. Real shops have prices of 0.001 and quantities of zero and less; both are fine.
func LineTotal(unitPrice string, quantity int64, currency string) (int64, error) {
	if len(unitPrice) == 0 || len(unitPrice) > 24 {
		return 0, fmt.Errorf("unit price %q: want a decimal of 1 to 24 characters", clip(unitPrice))
	}
	for i := range len(unitPrice) {
		// An exponent could ask for a number with millions of digits.
		if c := unitPrice[i]; c != '.' && c != '-' && (c < '0' || c > '9') {
			return 0, fmt.Errorf("unit price %q: want a plain decimal such as 7.95", unitPrice)
		}
	}
	price, err := decimal.NewFromString(unitPrice)
	if err != nil {
		return 0, fmt.Errorf("unit price %q: want a plain decimal such as 7.95", unitPrice)
	}
	total := price.Mul(decimal.NewFromInt(quantity)).Shift(MinorDigits(currency)).RoundBank(0)
	if total.Abs().GreaterThan(decimal.NewFromInt(maxMinor)) {
		return 0, fmt.Errorf("line total of %d × %s %s: more than %d minor units", quantity, unitPrice, currency, maxMinor)
	}
	return total.IntPart(), nil
}
