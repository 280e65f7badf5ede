package tenant

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// secret derives a credential of n bytes in hexadecimal. It protects nothing real: whoever
// knows the seed knows it, and so a run can be repeated.
func secret(seed uint64, purpose, id string, n int) string {
	b := binary.LittleEndian.AppendUint64(nil, seed)
	b = append(append(append(b, purpose...), 0), id...)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:n])
}
