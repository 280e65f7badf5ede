package item

import (
	"errors"
	"strconv"
)

// Errors of numbers, worded as DynamoDB words them.
var (
	ErrNumberOverflow  = errors.New("Number overflow. Attempting to store a number with magnitude larger than supported range")
	ErrNumberUnderflow = errors.New("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	ErrNumberDigits    = errors.New("Attempting to store more than 38 significant digits in a Number")
)

// The range of numbers: 38 digits, magnitudes from 1E-130 to 9.9…E+125.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
const (
	maxDigits   = 38
	maxExponent = 125
	minExponent = -130
)

// decimal is a number taken apart: 0.d1d2d3… × 10^(exp+1), that is d1.d2d3… × 10^exp, without
// leading or trailing zeros. No digits is zero.
type decimal struct {
	neg    bool
	n      int // digits
	exp    int // exponent of the first digit
	digits [maxDigits]byte
}

// parse reads a decimal number's text.
func (d *decimal) parse(text []byte) error {
	*d = decimal{}
	i := 0
	if i < len(text) && (text[i] == '-' || text[i] == '+') {
		d.neg = text[i] == '-'
		i++
	}
	var (
		any, tooMany bool
		point        = -1
		seen         int // digits from the first that is not zero on
		lead         int // exponent of the first such digit, counted from the point
		integer      int // digits before the point
	)
	for ; i < len(text); i++ {
		c := text[i]
		if c == '.' && point < 0 {
			point = i
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		any = true
		if point < 0 {
			integer++
		}
		if seen == 0 {
			if c == '0' {
				if point >= 0 {
					lead--
				}
				continue
			}
			if point >= 0 {
				lead--
			} else {
				lead = integer
			}
		}
		seen++
		if seen <= maxDigits {
			d.digits[seen-1] = c - '0'
		} else if c != '0' {
			tooMany = true
		}
	}
	if !any {
		return notNumeric(text)
	}
	exp := 0
	if i < len(text) {
		if text[i] != 'e' && text[i] != 'E' {
			return notNumeric(text)
		}
		e := text[i+1:]
		if len(e) > 0 && e[0] == '+' {
			if e = e[1:]; len(e) > 0 && e[0] == '-' {
				return notNumeric(text)
			}
		}
		n, err := strconv.Atoi(string(e))
		if err != nil {
			if !errors.Is(err, strconv.ErrRange) {
				return notNumeric(text)
			}
			n = 1 << 30
			if e[0] == '-' {
				n = -n
			}
		}
		exp = n
	}
	if seen == 0 {
		d.neg = false
		return nil
	}
	if lead > 0 { // the first digit lies before the point
		d.exp = integer - lead + exp
	} else {
		d.exp = lead + exp
	}
	d.n = min(seen, maxDigits)
	d.trim()
	switch {
	case d.exp > maxExponent:
		return ErrNumberOverflow
	case d.exp < minExponent:
		return ErrNumberUnderflow
	case tooMany:
		return ErrNumberDigits
	}
	return nil
}

func (d *decimal) trim() {
	for d.n > 0 && d.digits[d.n-1] == 0 {
		d.n--
	}
}

func notNumeric(text []byte) error {
	if len(text) == 0 {
		return errors.New("The parameter cannot be converted to a numeric value")
	}
	return errors.New("The parameter cannot be converted to a numeric value: " + string(text))
}

// Signs lead the ordered form of a number.
const (
	signNegative = 1
	signZero     = 2
	signPositive = 3
)

// appendOrdered appends the ordered form: a sign, the exponent, two digits a byte; all but the
// sign inverted for negative numbers, with an end mark, so that bytes compare as numbers do.
func (d *decimal) appendOrdered(dst []byte) []byte {
	if d.n == 0 {
		return append(dst, signZero)
	}
	var flip byte
	if d.neg {
		flip = 0xff
		dst = append(dst, signNegative)
	} else {
		dst = append(dst, signPositive)
	}
	dst = append(dst, byte(d.exp-minExponent)^flip)
	for i := 0; i < d.n; i += 2 {
		pair := d.digits[i]*10 + 1
		if i+1 < d.n {
			pair += d.digits[i+1]
		}
		dst = append(dst, pair^flip)
	}
	if d.neg {
		dst = append(dst, 0xff)
	}
	return dst
}

// appendHashed appends the form in which numbers are hashed: the exponent of a hundred, then two
// digits a byte, both made to sort, with an end mark behind negative numbers that are not long.
func (d *decimal) appendHashed(dst []byte) []byte {
	if d.n == 0 {
		return append(dst, 0x80)
	}
	odd := (d.exp + 1) & 1 // the first byte holds one digit
	exponent := byte((d.exp+1+odd)/2 - 64)
	if d.neg {
		exponent = ^exponent
	}
	dst = append(dst, exponent)
	pairs := (d.n + odd + 1) / 2
	for i := range pairs {
		var pair byte
		for at := 2*i - odd; at < 2*i-odd+2; at++ {
			pair *= 10
			if at >= 0 && at < d.n {
				pair += d.digits[at]
			}
		}
		if d.neg {
			dst = append(dst, 101-pair)
		} else {
			dst = append(dst, pair+1)
		}
	}
	if d.neg && pairs < 20 {
		dst = append(dst, 102)
	}
	return dst
}

// parseOrdered takes an ordered form apart.
func (d *decimal) parseOrdered(b []byte) {
	*d = decimal{}
	if len(b) < 3 {
		return
	}
	var flip byte
	if b[0] == signNegative {
		d.neg, flip = true, 0xff
		b = b[:len(b)-1]
	}
	d.exp = int(b[1]^flip) + minExponent
	for _, p := range b[2:] {
		p = p ^ flip - 1
		if d.n+2 <= maxDigits {
			d.digits[d.n], d.digits[d.n+1] = p/10, p%10
			d.n += 2
		}
	}
	d.trim()
}

// appendText appends the number in plain notation, as DynamoDB answers: no exponent, no zeros
// that say nothing.
func (d *decimal) appendText(dst []byte) []byte {
	if d.n == 0 {
		return append(dst, '0')
	}
	if d.neg {
		dst = append(dst, '-')
	}
	if d.exp < 0 {
		dst = append(dst, '0', '.')
		for range -d.exp - 1 {
			dst = append(dst, '0')
		}
	}
	for i := range max(d.n, d.exp+1) {
		if i > 0 && i == d.exp+1 {
			dst = append(dst, '.')
		}
		if i < d.n {
			dst = append(dst, '0'+d.digits[i])
		} else {
			dst = append(dst, '0')
		}
	}
	return dst
}

// AppendNumber appends the ordered form of a decimal number's text: forms compare as bytes as
// the numbers compare, and equal numbers have equal forms. The error is DynamoDB's own.
func AppendNumber(dst, text []byte) ([]byte, error) {
	var d decimal
	if err := d.parse(text); err != nil {
		return dst, err
	}
	return d.appendOrdered(dst), nil
}

// AppendNumberText appends the decimal text of an ordered form.
func AppendNumberText(dst, ordered []byte) []byte {
	var d decimal
	d.parseOrdered(ordered)
	return d.appendText(dst)
}

// numberSize is the weight of a number: a byte for two significant digits, one for the rest
// and one more for a minus, which is the end mark.
func numberSize(ordered []byte) int { return max(1, len(ordered)-1) }
