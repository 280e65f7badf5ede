package ledger

import (
	"cmp"
	"slices"
	"sort"

	"github.com/retailflow/stampede/reference/api"
)

// whereabouts says where an event with a hash is: 16 bytes for each, in order of the hash.
type whereabouts struct {
	low uint64 // of the hash
	at  uint64 // the part above partBits, the place in its file below
}

const partBits = 48

// index finds present events by the hashes of their ids. It is made when the first minute has to be
// explained by an event that is not its own: a sound system needs none.
func (r *reconciliation) index() ([]whereabouts, error) {
	var all []whereabouts
	for part := range r.spills.present.parts {
		n := newNames()
		err := r.spills.present.each(part, n, func(at int64, d *decoder) {
			e := d.present(n)
			all = append(all, whereabouts{low: hash(&e.fact).Lo, at: uint64(part)<<partBits | uint64(at)})
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b whereabouts) int { return cmp.Or(cmp.Compare(a.low, b.low), cmp.Compare(a.at, b.at)) })
	return all, nil
}

// anywhere finds a present event by its hash, whichever tenant's and minute's it is.
func (r *reconciliation) anywhere(sum api.Sum128) *fact {
	if r.hashes == nil && r.failed == nil {
		r.hashes, r.failed = r.index()
	}
	for i := sort.Search(len(r.hashes), func(i int) bool { return r.hashes[i].low >= sum.Lo }); i < len(r.hashes) && r.hashes[i].low == sum.Lo; i++ {
		at := r.hashes[i].at
		var found fact
		err := r.spills.present.one(int(at>>partBits), int64(at&(1<<partBits-1)), r.names, func(d *decoder) {
			e := d.present(r.names)
			found = e.fact
		})
		if err != nil {
			r.failed = err
			return nil
		}
		if hash(&found) == sum {
			return &found
		}
	}
	return nil
}
