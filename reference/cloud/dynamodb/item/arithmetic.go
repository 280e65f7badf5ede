package item

import (
	"math/big"
	"strconv"
)

// AddNumbers appends the ordered form of a+b, both in ordered form. It fails as storing the
// result would.
func AddNumbers(dst, a, b []byte) ([]byte, error) {
	var x, y decimal
	x.parseOrdered(a)
	y.parseOrdered(b)
	return addDecimals(dst, &x, &y)
}

// SubtractNumbers appends the ordered form of a-b, both in ordered form. It fails as storing
// the result would.
func SubtractNumbers(dst, a, b []byte) ([]byte, error) {
	var x, y decimal
	x.parseOrdered(a)
	y.parseOrdered(b)
	y.neg = !y.neg
	return addDecimals(dst, &x, &y)
}

func addDecimals(dst []byte, x, y *decimal) ([]byte, error) {
	switch {
	case x.n == 0 && y.n == 0:
		return append(dst, signZero), nil
	case y.n == 0:
		return x.appendOrdered(dst), nil
	case x.n == 0:
		return y.appendOrdered(dst), nil
	}
	a, aok := x.int64()
	b, bok := y.int64()
	var text [24]byte
	var sum []byte
	if aok && bok {
		sum = strconv.AppendInt(text[:0], a+b, 10)
	} else {
		scale := min(x.exp-x.n, y.exp-y.n) + 1 // of the last digit
		sum = new(big.Int).Add(x.scaled(scale), y.scaled(scale)).Append(nil, 10)
		sum = append(sum, 'E')
		sum = strconv.AppendInt(sum, int64(scale), 10)
	}
	var r decimal
	switch err := r.parse(sum); err {
	case nil:
	case ErrNumberDigits:
		return dst, ErrNumberOverflow // so AWS calls it, though no magnitude is too large
	default:
		return dst, err
	}
	return r.appendOrdered(dst), nil
}

// int64 is the number if it is whole and has at most 18 digits.
func (d *decimal) int64() (int64, bool) {
	if d.exp < d.n-1 || d.exp > 17 {
		return 0, false
	}
	var v int64
	for i := range d.exp + 1 {
		v *= 10
		if i < d.n {
			v += int64(d.digits[i])
		}
	}
	if d.neg {
		v = -v
	}
	return v, true
}

// scaled is the number divided by 10^scale, which must leave a whole number.
func (d *decimal) scaled(scale int) *big.Int {
	text := make([]byte, 0, d.exp-scale+2)
	if d.neg {
		text = append(text, '-')
	}
	for i := range d.exp - scale + 1 {
		if i < d.n {
			text = append(text, '0'+d.digits[i])
		} else {
			text = append(text, '0')
		}
	}
	v, _ := new(big.Int).SetString(string(text), 10)
	return v
}
