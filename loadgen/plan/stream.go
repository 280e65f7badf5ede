package plan

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/zeebo/xxh3"
)

// Rand is the random stream of one purpose: a PCG seeded by a stable hash of (seed, key, n),
// so that drawing more for one purpose never shifts another. Not safe for concurrent use.
func Rand(seed uint64, key string, n uint64) *rand.Rand { return rand.New(source(seed, key, n)) }

func source(seed uint64, key string, n uint64) *rand.PCG {
	var room [64]byte
	b := binary.LittleEndian.AppendUint64(room[:0], seed)
	b = binary.LittleEndian.AppendUint64(b, n)
	h := xxh3.Hash128(append(b, key...))
	return rand.NewPCG(h.Hi, h.Lo)
}
