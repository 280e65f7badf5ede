// Package issuer mints the bearer tokens of a local run. It stands in for Cognito: tokens are
// JWTs signed with ES256 under a key that it keeps, and the public half is served as a JWKS,
// so whoever verifies them does what it would do with Cognito's. There are no users, passwords
// or sessions here: whoever can call [Issuer.Mint] gets any tenant's token.
//
// Start with [Open] and [Issuer.Mint]. An Issuer owns no goroutine and needs no Close.
package issuer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

// JWKSPath is where the keys are published.
const JWKSPath = "/_stampede/issuer/.well-known/jwks.json"

// Name is the iss claim of every token.
const Name = "stampede-issuer"

// dbKey holds the private key as a JWK.
const dbKey = "issuer/key"

// Options say how to open an Issuer. DB is required; its keys begin with "issuer/".
type Options struct {
	DB *pebble.DB
}

// Issuer signs tokens. It is safe for concurrent use.
type Issuer struct {
	private jwk.Key
	public  jwk.Set
	jwks    []byte
}

// Open reads the signing key from the database, or makes it at the first time.
func Open(o Options) (*Issuer, error) {
	if o.DB == nil {
		return nil, errors.New("open issuer: no database")
	}
	private, err := loadKey(o.DB)
	if err != nil {
		return nil, fmt.Errorf("open issuer: %w", err)
	}
	public, err := jwk.PublicKeyOf(private)
	if err != nil {
		return nil, fmt.Errorf("open issuer: public key: %w", err)
	}
	i := &Issuer{private: private, public: jwk.NewSet()}
	if err := i.public.AddKey(public); err != nil {
		return nil, fmt.Errorf("open issuer: key set: %w", err)
	}
	if i.jwks, err = json.Marshal(i.public); err != nil {
		return nil, fmt.Errorf("open issuer: encode key set: %w", err)
	}
	return i, nil
}

func loadKey(db *pebble.DB) (jwk.Key, error) {
	stored, closer, err := db.Get([]byte(dbKey))
	switch {
	case err == nil:
		defer closer.Close()
		key, err := jwk.ParseKey(stored)
		if err != nil {
			return nil, fmt.Errorf("read signing key: %w", err)
		}
		return key, nil
	case !errors.Is(err, pebble.ErrNotFound):
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	raw, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make signing key: %w", err)
	}
	key, err := jwk.Import(raw)
	if err != nil {
		return nil, fmt.Errorf("make signing key: %w", err)
	}
	if err := errors.Join(key.Set(jwk.AlgorithmKey, jwa.ES256()), key.Set(jwk.KeyUsageKey, "sig"), jwk.AssignKeyID(key)); err != nil {
		return nil, fmt.Errorf("name signing key: %w", err)
	}
	encoded, err := json.Marshal(key)
	if err != nil {
		return nil, fmt.Errorf("encode signing key: %w", err)
	}
	if err := db.Set([]byte(dbKey), encoded, pebble.Sync); err != nil {
		return nil, fmt.Errorf("keep signing key: %w", err)
	}
	return key, nil
}

// Mint signs a token for a tenant ("*" may act for any), valid from now for ttl, at least a
// second of it. The subject is the sub claim.
func (i *Issuer) Mint(tenant, subject string, ttl time.Duration, now time.Time) (string, error) {
	if tenant == "" || ttl < time.Second {
		return "", fmt.Errorf("mint token for tenant %q and %s: want a tenant and at least a second", tenant, ttl)
	}
	token, err := jwt.NewBuilder().Issuer(Name).Subject(subject).IssuedAt(now).Expiration(now.Add(ttl)).
		Claim("tenant", tenant).Claim("token_use", "access").Build()
	if err != nil {
		return "", fmt.Errorf("mint token for %s: %w", tenant, err)
	}
	signed, err := jwt.Sign(token, jwt.WithKey(jwa.ES256(), i.private))
	if err != nil {
		return "", fmt.Errorf("sign token for %s: %w", tenant, err)
	}
	return string(signed), nil
}

// KeySet is the public half, for whoever verifies in the same process. It must not be changed.
func (i *Issuer) KeySet() jwk.Set { return i.public }

// ServeHTTP publishes the JWKS.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "max-age="+strconv.Itoa(int(time.Hour/time.Second)))
	_, _ = w.Write(i.jwks)
}
