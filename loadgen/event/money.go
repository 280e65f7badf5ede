package event

import (
	"strconv"

	"github.com/retailflow/stampede/reference/api"
)

// milli is a price in thousandths of a currency's major unit. It is exact for every price that
// the generator makes, and its arithmetic shares nothing with api.LineTotal.
type milli int64

// append writes a plain decimal: at least as many digits as the currency's minor unit has, and
// three where they are needed.
func (m milli) append(b []byte, digits int32) []byte {
	if m < 0 {
		b, m = append(b, '-'), -m
	}
	b = strconv.AppendInt(b, int64(m/1000), 10)
	rest := int(m % 1000)
	switch {
	case rest == 0 && digits == 0:
		return b
	case rest%10 == 0 && digits < 3:
		return append(b, '.', byte('0'+rest/100), byte('0'+rest/10%10))
	}
	return append(b, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
}

// appendNumber writes a price as PHP encodes a float: no more decimals than it has.
func appendNumber(b []byte, m milli) []byte {
	b = m.append(b, 3)
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	if b[len(b)-1] == '.' {
		b = b[:len(b)-1]
	}
	return b
}

// times is quantity × price in minor units of a currency of so many digits (0 to 3), rounded
// half to even.
func (m milli) times(quantity int64, digits int32) int64 {
	return halfEven(int64(m)*quantity, [...]int64{1000, 100, 10, 1}[digits])
}

// halfEven divides by d > 0 and rounds half to even.
func halfEven(n, d int64) int64 {
	q, r := n/d, n%d
	sign := int64(1)
	if r < 0 {
		sign, r = -1, -r
	}
	if 2*r > d || 2*r == d && q%2 != 0 {
		q += sign
	}
	return q
}

// appendMinor writes an amount in minor units as the decimal that means it.
func appendMinor(b []byte, amount int64, digits int32) []byte {
	if amount < 0 {
		b, amount = append(b, '-'), -amount
	}
	unit := int64(1)
	for range digits {
		unit *= 10
	}
	b = strconv.AppendInt(b, amount/unit, 10)
	if digits > 0 {
		b = append(b, '.')
		for unit /= 10; unit > 0; unit /= 10 {
			b = append(b, byte('0'+amount/unit%10))
		}
	}
	return b
}

// scale says how many units of a currency a price in pounds or dollars is about.
func scale(currency string) float64 {
	switch currency {
	case "JPY":
		return 150
	case "INR", "NPR":
		return 90
	case "SEK", "BRL", "AED":
		return 8
	case "KWD":
		return 0.3
	}
	return 1
}

// grid rounds a price to the currency's minor unit.
func (m milli) grid(currency string) milli {
	unit := milli([...]int64{1000, 100, 10, 1}[api.MinorDigits(currency)])
	return max((m+unit/2)/unit, 1) * unit
}
