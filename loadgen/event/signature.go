package event

import (
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
)

// Signature is what Shopify, WooCommerce and our own storefronts sign a webhook with: base64 of
// the HMAC-SHA256 of the raw body under the shop's secret
// (https://shopify.dev/docs/apps/build/webhooks/subscribe/https and
// https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks).
func Signature(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// MagentoSignature is what Adobe Commerce signs a webhook with: base64 of the RSA signature
// (PKCS #1 v1.5, SHA-256) of the base64 of the raw body. It takes a millisecond of CPU. The
// error is of a key that is too short
// (https://developer.adobe.com/commerce/extensibility/webhooks/signature-verification).
func MagentoSignature(key *rsa.PrivateKey, body []byte) (string, error) {
	sum := sha256.Sum256([]byte(base64.StdEncoding.EncodeToString(body)))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	return base64.StdEncoding.EncodeToString(signature), err
}
