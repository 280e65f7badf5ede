package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/zeebo/xxh3"
)

// TokenLife is how long a transaction's client request token is remembered.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
const TokenLife = 10 * time.Minute

// TokenID is a client request token's hash.
type TokenID [16]byte

// NewTokenID hashes a token together with who sent it.
func NewTokenID(token string) TokenID { return xxh3.HashString128(token).Bytes() }

// Errors of tokens.
var (
	ErrTokenRunning  = errors.New("a transaction with this token is being written")
	ErrTokenMismatch = errors.New("the token was used with another transaction")
)

// Token joins the unit to a client request token at now: done is true if the transaction with
// that content was committed before, and then nothing is to be done. The token is stored with
// the unit's writes.
func (u *Unit) Token(now time.Time, id TokenID, content [16]byte) (done bool, err error) {
	s := u.store
	s.mu.Lock()
	_, running := s.mu.running[id]
	if !running {
		s.mu.running[id] = struct{}{}
		u.token = &id
	}
	s.mu.Unlock()
	if running {
		return false, ErrTokenRunning
	}
	v, closer, err := s.db.Get(tokenKey(id))
	switch {
	case err == nil:
		at := time.Unix(0, int64(binary.BigEndian.Uint64(v)))
		same := string(v[8:]) == string(content[:])
		if err := closer.Close(); err != nil {
			return false, fmt.Errorf("read token: %w", err)
		}
		if now.Before(at) { // durable: a token stops running after its commit's sync
			if !same {
				return false, ErrTokenMismatch
			}
			return true, nil
		}
		s.mu.Lock() // it is used anew: its old end must not delete it
		s.mu.expire = slices.DeleteFunc(s.mu.expire, func(e expiry) bool { return e.id == id })
		s.mu.Unlock()
	case !errors.Is(err, pebble.ErrNotFound):
		return false, fmt.Errorf("read token: %w", err)
	}
	u.content, u.tokenAt = content, now
	return false, nil
}

// sealToken adds the token to the unit's batch. Two expired ones go for a new one, so that
// they cannot pile up.
func (u *Unit) sealToken() error {
	s, at := u.store, u.tokenAt.Add(TokenLife)
	v := binary.BigEndian.AppendUint64(make([]byte, 0, 24), uint64(at.UnixNano()))
	s.mu.Lock()
	defer s.mu.Unlock()
	for range 2 {
		if len(s.mu.expire) == 0 || u.tokenAt.Before(s.mu.expire[0].at) {
			break
		}
		if err := u.batch.Delete(tokenKey(s.mu.expire[0].id), nil); err != nil {
			return fmt.Errorf("delete token: %w", err)
		}
		s.mu.expire = s.mu.expire[1:]
	}
	if err := u.batch.Set(tokenKey(*u.token), append(v, u.content[:]...), nil); err != nil {
		return fmt.Errorf("write token: %w", err)
	}
	s.mu.expire = append(s.mu.expire, expiry{at, *u.token})
	return nil
}

// loadTokens reads when which token expires.
func (s *Store) loadTokens() error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{spaceToken}, UpperBound: []byte{spaceToken + 1}})
	if err != nil {
		return fmt.Errorf("read tokens: %w", err)
	}
	for it.First(); it.Valid(); it.Next() {
		e := expiry{at: time.Unix(0, int64(binary.BigEndian.Uint64(it.Value())))}
		copy(e.id[:], it.Key()[1:])
		s.mu.expire = append(s.mu.expire, e)
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("read tokens: %w", err)
	}
	slices.SortFunc(s.mu.expire, func(a, b expiry) int { return a.at.Compare(b.at) })
	return nil
}

func (s *Store) endToken(id TokenID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.mu.running, id)
}

func tokenKey(id TokenID) []byte { return append([]byte{spaceToken}, id[:]...) }
