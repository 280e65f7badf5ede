package asl

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// intrinsic is a function of the language; most below 0 means any number of arguments.
type intrinsic struct {
	least, most int
	apply       func(args []any, random *rand.Rand) (any, error)
}

// intrinsics are all functions of
// https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
var intrinsics = map[string]intrinsic{
	"States.Array":          {0, -1, func(args []any, _ *rand.Rand) (any, error) { return append([]any{}, args...), nil }},
	"States.ArrayContains":  {2, 2, arrayContains},
	"States.ArrayGetItem":   {2, 2, arrayGetItem},
	"States.ArrayLength":    {1, 1, arrayLength},
	"States.ArrayPartition": {2, 2, arrayPartition},
	"States.ArrayRange":     {3, 3, arrayRange},
	"States.ArrayUnique":    {1, 1, arrayUnique},
	"States.Base64Decode":   {1, 1, base64Decode},
	"States.Base64Encode":   {1, 1, base64Encode},
	"States.Format":         {1, -1, format},
	"States.Hash":           {2, 2, hashOf},
	"States.JsonMerge":      {3, 3, jsonMerge},
	"States.JsonToString":   {1, 1, func(args []any, _ *rand.Rand) (any, error) { return string(encode(args[0])), nil }},
	"States.MathAdd":        {2, 2, mathAdd},
	"States.MathRandom":     {2, 3, mathRandom},
	"States.StringSplit":    {2, 2, stringSplit},
	"States.StringToJson":   {1, 1, stringToJSON},
	"States.UUID":           {0, 0, uuid},
}

// maxBase64 and maxHashed are in characters:
// https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
const (
	maxArray  = 1000
	maxBase64 = 10_000
	maxHashed = 10_000
)

func listOf(v any) ([]any, error) {
	l, ok := v.([]any)
	if !ok {
		return nil, errors.New("the first argument must be an array")
	}
	return l, nil
}

func stringOf(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", errors.New("the argument must be a string")
	}
	return s, nil
}

// wholeOf rounds a number to an integer as the service does: a half goes up.
func wholeOf(v any) (int64, error) {
	f, ok := number(v)
	if !ok || math.Abs(f) > math.MaxInt32 {
		return 0, errors.New("the argument must be an integer")
	}
	return int64(math.Floor(f + 0.5)), nil
}

func whole(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

func arrayContains(args []any, _ *rand.Rand) (any, error) {
	l, err := listOf(args[0])
	if err != nil {
		return nil, err
	}
	for _, v := range l {
		if order, ok := compare(v, args[1]); ok && order == 0 {
			return true, nil
		}
	}
	return false, nil
}

func arrayGetItem(args []any, _ *rand.Rand) (any, error) {
	l, err := listOf(args[0])
	if err != nil {
		return nil, err
	}
	i, err := wholeOf(args[1])
	if err != nil {
		return nil, err
	}
	if i < 0 || i >= int64(len(l)) {
		return nil, fmt.Errorf("index %d is outside an array of %d", i, len(l))
	}
	return l[i], nil
}

func arrayLength(args []any, _ *rand.Rand) (any, error) {
	l, err := listOf(args[0])
	return whole(int64(len(l))), err
}

func arrayPartition(args []any, _ *rand.Rand) (any, error) {
	l, err := listOf(args[0])
	if err != nil {
		return nil, err
	}
	size, err := wholeOf(args[1])
	if err != nil || size < 1 {
		return nil, errors.New("the chunk size must be a positive integer")
	}
	chunks := []any{}
	for from := 0; from < len(l); from += int(size) {
		chunks = append(chunks, append([]any{}, l[from:min(from+int(size), len(l))]...))
	}
	return chunks, nil
}

func arrayRange(args []any, _ *rand.Rand) (any, error) {
	var n [3]int64
	for i := range n {
		var err error
		if n[i], err = wholeOf(args[i]); err != nil {
			return nil, err
		}
	}
	first, last, step := n[0], n[1], n[2]
	if step == 0 {
		return nil, errors.New("the step must not be zero")
	}
	out := []any{}
	for i := first; step > 0 && i <= last || step < 0 && i >= last; i += step {
		if len(out) == maxArray {
			return nil, fmt.Errorf("more than %d elements", maxArray)
		}
		out = append(out, whole(i))
	}
	return out, nil
}

func arrayUnique(args []any, _ *rand.Rand) (any, error) {
	l, err := listOf(args[0])
	if err != nil {
		return nil, err
	}
	seen, out := map[string]bool{}, []any{}
	for _, v := range l {
		key := string(encode(v))
		if !seen[key] {
			seen[key] = true
			out = append(out, v)
		}
	}
	return out, nil
}

func base64Encode(args []any, _ *rand.Rand) (any, error) {
	s, err := stringOf(args[0])
	if err != nil {
		return nil, err
	}
	if len(s) > maxBase64 {
		return nil, fmt.Errorf("more than %d characters", maxBase64)
	}
	return base64.StdEncoding.EncodeToString([]byte(s)), nil
}

func base64Decode(args []any, _ *rand.Rand) (any, error) {
	s, err := stringOf(args[0])
	if err != nil {
		return nil, err
	}
	if len(s) > maxBase64 {
		return nil, fmt.Errorf("more than %d characters", maxBase64)
	}
	raw, err := base64.StdEncoding.DecodeString(s)
	return string(raw), err
}

// format replaces each {} by the next argument.
func format(args []any, _ *rand.Rand) (any, error) {
	template, err := stringOf(args[0])
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	next := 1
	for i := 0; i < len(template); i++ {
		switch {
		case template[i] == '\\' && i+1 < len(template) && (template[i+1] == '{' || template[i+1] == '}'):
			i++
			b.WriteByte(template[i])
		case strings.HasPrefix(template[i:], "{}"):
			if next == len(args) {
				return nil, errors.New("fewer arguments than places")
			}
			b.WriteString(formatted(args[next]))
			next++
			i++
		default:
			b.WriteByte(template[i])
		}
	}
	if next != len(args) {
		return nil, errors.New("more arguments than places")
	}
	return b.String(), nil
}

// formatted writes a value as the service's States.Format does: strings bare, objects as
// {name=value, …}.
func formatted(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		parts := make([]string, 0, len(v))
		for _, name := range sortedKeys(v) {
			parts = append(parts, name+"="+formatted(v[name]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		parts := make([]string, len(v))
		for i, w := range v {
			parts[i] = formatted(w)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return string(encode(v))
}

func hashOf(args []any, _ *rand.Rand) (any, error) {
	data, ok := args[0].(string)
	if !ok {
		data = string(encode(args[0]))
	}
	if len(data) > maxHashed {
		return nil, fmt.Errorf("more than %d characters", maxHashed)
	}
	b := []byte(data)
	switch args[1] {
	case "MD5":
		sum := md5.Sum(b)
		return hex.EncodeToString(sum[:]), nil
	case "SHA-1":
		sum := sha1.Sum(b)
		return hex.EncodeToString(sum[:]), nil
	case "SHA-256":
		sum := sha256.Sum256(b)
		return hex.EncodeToString(sum[:]), nil
	case "SHA-384":
		sum := sha512.Sum384(b)
		return hex.EncodeToString(sum[:]), nil
	case "SHA-512":
		sum := sha512.Sum512(b)
		return hex.EncodeToString(sum[:]), nil
	}
	return nil, fmt.Errorf("unknown algorithm %s", encode(args[1]))
}

func jsonMerge(args []any, _ *rand.Rand) (any, error) {
	first, ok1 := args[0].(map[string]any)
	second, ok2 := args[1].(map[string]any)
	if !ok1 || !ok2 {
		return nil, errors.New("the first two arguments must be objects")
	}
	if args[2] != false {
		return nil, errors.New("only shallow merging is supported; the third argument must be false")
	}
	out := make(map[string]any, len(first)+len(second))
	for k, v := range first {
		out[k] = v
	}
	for k, v := range second {
		out[k] = v
	}
	return out, nil
}

func mathAdd(args []any, _ *rand.Rand) (any, error) {
	a, err := wholeOf(args[0])
	if err != nil {
		return nil, err
	}
	b, err := wholeOf(args[1])
	return whole(a + b), err
}

// mathRandom draws from [first, last); a third argument seeds the draw.
func mathRandom(args []any, random *rand.Rand) (any, error) {
	first, err := wholeOf(args[0])
	if err != nil {
		return nil, err
	}
	last, err := wholeOf(args[1])
	if err != nil {
		return nil, err
	}
	if last <= first {
		return nil, errors.New("the end must be above the start")
	}
	if len(args) == 3 {
		seed, err := wholeOf(args[2])
		if err != nil {
			return nil, err
		}
		random = rand.New(rand.NewPCG(uint64(seed), 0))
	}
	return whole(first + random.Int64N(last-first)), nil
}

// stringSplit splits at any of the characters of the second argument and drops empty parts.
func stringSplit(args []any, _ *rand.Rand) (any, error) {
	s, err := stringOf(args[0])
	if err != nil {
		return nil, err
	}
	separators, err := stringOf(args[1])
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
		out = append(out, part)
	}
	return out, nil
}

func stringToJSON(args []any, _ *rand.Rand) (any, error) {
	s, err := stringOf(args[0])
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	return decode([]byte(s))
}

func uuid(_ []any, random *rand.Rand) (any, error) {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], random.Uint64())
	binary.BigEndian.PutUint64(b[8:], random.Uint64())
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}
