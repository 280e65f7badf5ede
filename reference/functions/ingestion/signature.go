package ingestion

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// signedByShopify says whether signature is the base64 HMAC-SHA256 of the raw body under the
// app's secret. The comparison takes the same time wherever they differ.
// Source: https://shopify.dev/docs/apps/build/webhooks/subscribe/https#step-2-validate-the-origin-of-your-webhook-to-ensure-its-coming-from-shopify
func signedByShopify(secret, body, signature string) bool {
	want, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || secret == "" {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hmac.Equal(mac.Sum(nil), want)
}
