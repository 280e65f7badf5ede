package tenant

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"

	"github.com/retailflow/stampede/loadgen/plan"
)

// publicExponent is what everybody takes (RFC 8017, and what Adobe Commerce's OpenSSL does).
const publicExponent = 65537

// signingKey derives the RSA key of 2048 bits that signs the webhooks of all Adobe Commerce
// shops of a seed. One for all, since it takes 0.1 s to find; and from the seed, so that a run
// can be repeated, which rsa.GenerateKey does not allow. Like secret it protects nothing real.
func signingKey(seed uint64) (*rsa.PrivateKey, error) {
	r := plan.Rand(seed, "tenant/signing key", 0)
	prime := func() *big.Int {
		var b [128]byte
		for {
			for i := range b {
				b[i] = byte(r.Uint32())
			}
			b[0] |= 0xc0 // so that the product has 2048 bits
			b[127] |= 1
			if p := new(big.Int).SetBytes(b[:]); p.ProbablyPrime(0) {
				return p
			}
		}
	}
	one, e := big.NewInt(1), big.NewInt(publicExponent)
	for {
		p, q := prime(), prime()
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(e, phi)
		if d == nil || p.Cmp(q) == 0 {
			continue
		}
		key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: publicExponent}, D: d, Primes: []*big.Int{p, q}}
		key.Precompute()
		if err := key.Validate(); err != nil {
			return nil, fmt.Errorf("make the signing key of seed %d: %w", seed, err)
		}
		return key, nil
	}
}

// setSigningKey gives the Magento shops, if there are some, what they sign with.
func setSigningKey(tenants []Tenant, seed uint64) error {
	var key *rsa.PrivateKey
	var public string
	for i := range tenants {
		t := &tenants[i]
		if t.Platform != Magento {
			continue
		}
		if key == nil {
			var err error
			if key, err = signingKey(seed); err != nil {
				return err
			}
			if public, err = publicPEM(key); err != nil {
				return err
			}
		}
		t.SigningKey, t.WebhookSecret = key, public
	}
	return nil
}

// publicPEM is the public half as Adobe Commerce shows it in its settings.
func publicPEM(key *rsa.PrivateKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return "", fmt.Errorf("encode public key: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}
