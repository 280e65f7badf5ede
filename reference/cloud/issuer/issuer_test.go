package issuer_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/cloud/issuer"
)

var now = time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)

func open(t *testing.T, fs vfs.FS) (*issuer.Issuer, *pebble.DB) {
	db, err := pebble.Open("db", &pebble.Options{FS: fs})
	require.NoError(t, err)
	i, err := issuer.Open(issuer.Options{DB: db})
	require.NoError(t, err)
	return i, db
}

func TestTokenIsVerifiedByTheJWKS(t *testing.T) {
	i, db := open(t, vfs.NewMem())
	defer db.Close()
	token, err := i.Mint("t0001", "dashboard", time.Hour, now)
	require.NoError(t, err)

	w := httptest.NewRecorder()
	i.ServeHTTP(w, httptest.NewRequest("GET", issuer.JWKSPath, nil))
	require.NotContains(t, w.Body.String(), `"d"`, "the private half stays")
	keys, err := jwk.Parse(w.Body.Bytes())
	require.NoError(t, err)
	parsed, err := jwt.Parse([]byte(token), jwt.WithKeySet(keys), jwt.WithClock(jwt.ClockFunc(func() time.Time { return now })))
	require.NoError(t, err)
	var tenant string
	require.NoError(t, parsed.Get("tenant", &tenant))
	require.Equal(t, "t0001", tenant)
	expires, ok := parsed.Expiration()
	require.True(t, ok)
	require.Equal(t, now.Add(time.Hour), expires)
}

func TestKeySurvivesACrash(t *testing.T) {
	fs := vfs.NewCrashableMem()
	i, db := open(t, fs)
	token, err := i.Mint("*", "", time.Hour, now)
	require.NoError(t, err)
	after := fs.CrashClone(vfs.CrashCloneCfg{})
	require.NoError(t, db.Close())

	again, db := open(t, after)
	defer db.Close()
	_, err = jwt.Parse([]byte(token), jwt.WithKeySet(again.KeySet()), jwt.WithValidate(false))
	require.NoError(t, err, "a token that was given out stays good")
}

func TestImpossibleTokensAreRefused(t *testing.T) {
	i, db := open(t, vfs.NewMem())
	defer db.Close()
	_, err := i.Mint("", "", time.Hour, now)
	require.ErrorContains(t, err, "want a tenant")
	_, err = i.Mint("t", "", 0, now)
	require.ErrorContains(t, err, "at least a second")
	_, err = issuer.Open(issuer.Options{})
	require.ErrorContains(t, err, "no database")
}
