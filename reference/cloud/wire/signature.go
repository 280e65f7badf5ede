package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Credentials maps access key ids to their secrets.
type Credentials map[string]string

// MaxClockSkew is how far the time of a signature may lie from the server's
// clock, on either side.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
const MaxClockSkew = 5 * time.Minute

// verifier checks signatures.
type verifier struct {
	secrets Credentials
	keys    signingKeys
}

var scratch = sync.Pool{New: func() any { b := make([]byte, 0, 2048); return &b }}

// verify reports whether the request was signed as a says, by somebody who knows
// the secret, recently, and with this body. It returns nil or AWS's error.
func (v *verifier) verify(r *http.Request, a *authorization, body []byte, now time.Time) *Error {
	secret, ok := v.secrets[a.accessKey]
	if !ok {
		return Errorf(http.StatusBadRequest, "UnrecognizedClientException", "The security token included in the request is invalid.")
	}
	if err := checkTime(a, now); err != nil {
		return err
	}
	if err := checkSignedHeaders(r, a); err != nil {
		return err
	}
	hash, wrong := payloadHash(r, body)
	if wrong {
		return mismatch()
	}

	space := scratch.Get().(*[]byte)
	defer func() { scratch.Put(space) }()
	text := appendCanonicalRequest((*space)[:0], r, a.signedHeaders, a.presigned, hash)
	sum := sha256.Sum256(text)
	text = append(text[:0], algorithm...)
	text = append(text, '\n')
	text = append(text, a.date...)
	text = append(text, '\n')
	text = append(text, a.credentialScope()...)
	text = append(text, '\n')
	text = hex.AppendEncode(text, sum[:])
	want := sign(v.keys.get(a.scope, secret), text)
	*space = text[:0]

	got, err := hex.DecodeString(a.signature)
	if err != nil || !hmac.Equal(want, got) {
		return mismatch()
	}
	return nil
}

func mismatch() *Error {
	return Errorf(http.StatusBadRequest, "InvalidSignatureException",
		"The request signature we calculated does not match the signature you provided. "+
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
}

// checkTime refuses a signature that is too old or from the future.
func checkTime(a *authorization, now time.Time) *Error {
	date, err := time.Parse(timeFormat, a.date)
	if err != nil {
		return incomplete("Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", a.date)
	}
	now = now.UTC().Truncate(time.Second)
	age := MaxClockSkew
	if a.presigned {
		age = a.expires
	}
	if earliest := now.Add(-age); date.Before(earliest) {
		return Errorf(http.StatusBadRequest, "InvalidSignatureException",
			"Signature expired: %s is now earlier than %s (%s - %s.)",
			a.date, earliest.Format(timeFormat), now.Format(timeFormat), minutes(age))
	}
	if latest := now.Add(MaxClockSkew); date.After(latest) {
		return Errorf(http.StatusBadRequest, "InvalidSignatureException",
			"Signature not yet current: %s is still later than %s (%s + %s.)",
			a.date, latest.Format(timeFormat), now.Format(timeFormat), minutes(MaxClockSkew))
	}
	return nil
}

// minutes writes a duration as AWS does, "5 min".
func minutes(d time.Duration) string {
	return strconv.FormatInt(int64(d/time.Minute), 10) + " min"
}

// mustBeSigned are headers that change what a request means. AWS refuses a
// request that carries one of them outside its signature.
var mustBeSigned = [...]struct{ canonical, lower string }{
	{"X-Amz-Target", "x-amz-target"},
	{"X-Amz-Content-Sha256", "x-amz-content-sha256"},
	{"X-Amz-Security-Token", "x-amz-security-token"},
}

func checkSignedHeaders(r *http.Request, a *authorization) *Error {
	if !signs(a.signedHeaders, "host") {
		return Errorf(http.StatusBadRequest, "InvalidSignatureException",
			"'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	for _, h := range mustBeSigned {
		if _, ok := r.Header[h.canonical]; ok && !signs(a.signedHeaders, h.lower) {
			return Errorf(http.StatusBadRequest, "InvalidSignatureException",
				"'%s' must be a 'SignedHeader' in the AWS Authorization.", h.canonical)
		}
	}
	return nil
}

// signs reports whether name is one of the names joined by semicolons.
func signs(list, name string) bool {
	for list != "" {
		var one string
		one, list, _ = strings.Cut(list, ";")
		if one == name {
			return true
		}
	}
	return false
}
