package ingestion

import "github.com/retailflow/stampede/reference/api"

var powersOfTen = [...]int64{1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000}

// lineTotal is [api.LineTotal] in integers for the prices and quantities that shops really
// have; everything unusual, every error included, is left to it.
func lineTotal(unitPrice string, quantity int64, currency string) (int64, error) {
	mantissa, decimals, plain := readPrice(unitPrice)
	if !plain || quantity > 1e6 || quantity < -1e6 {
		return api.LineTotal(unitPrice, quantity, currency)
	}
	total := mantissa * quantity // below 1e12 × 1e6
	shift := int(api.MinorDigits(currency)) - decimals
	if total > 1e14 || total < -1e14 || shift > 3 || -shift >= len(powersOfTen) {
		return api.LineTotal(unitPrice, quantity, currency)
	}
	if shift >= 0 {
		return checkedTotal(total*powersOfTen[shift], unitPrice, quantity, currency)
	}
	return checkedTotal(divideHalfEven(total, powersOfTen[-shift]), unitPrice, quantity, currency)
}

func checkedTotal(total int64, unitPrice string, quantity int64, currency string) (int64, error) {
	if total > maxAmount || total < -maxAmount {
		return api.LineTotal(unitPrice, quantity, currency)
	}
	return total, nil
}

// readPrice reads -?digits[.digits] of at most 12 digits as mantissa × 10^-decimals.
func readPrice(text string) (mantissa int64, decimals int, plain bool) {
	rest, negative := text, false
	if rest != "" && rest[0] == '-' {
		rest, negative = rest[1:], true
	}
	point := -1
	for i := range len(rest) {
		switch c := rest[i]; {
		case c >= '0' && c <= '9':
			mantissa = mantissa*10 + int64(c-'0')
		case c == '.' && point < 0 && i > 0:
			point = i
		default:
			return 0, 0, false
		}
		if i > 12 {
			return 0, 0, false
		}
	}
	if point >= 0 {
		decimals = len(rest) - point - 1
	}
	if rest == "" || point == len(rest)-1 || mantissa > 1e12 {
		return 0, 0, false
	}
	if negative {
		mantissa = -mantissa
	}
	return mantissa, decimals, true
}

// divideHalfEven divides by a positive power of ten and rounds halves to the even neighbour.
func divideHalfEven(value, by int64) int64 {
	quotient, remainder := value/by, value%by
	if remainder < 0 {
		remainder = -remainder
	}
	if 2*remainder > by || 2*remainder == by && quotient&1 != 0 {
		if value < 0 {
			return quotient - 1
		}
		return quotient + 1
	}
	return quotient
}
