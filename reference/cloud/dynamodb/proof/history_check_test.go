package proof

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheHistoryTellsTruthFromLies(t *testing.T) {
	put := func(acked bool, keys ...int) step { return step{keys: keys, acked: acked} }
	whole := func(acked bool, keys ...int) step { return step{keys: keys, acked: acked, whole: true} }
	del := func(acked bool, key int) step { return step{keys: []int{key}, deletes: []int{key}, acked: acked} }
	for name, c := range map[string]struct {
		steps []step
		found map[int]int
		lie   string
	}{
		"nothing":                    {nil, nil, ""},
		"acknowledged and there":     {[]step{put(true, 1)}, map[int]int{1: 1}, ""},
		"acknowledged and lost":      {[]step{put(true, 1)}, nil, "no step explains"},
		"unknown and there":          {[]step{put(true, 1), put(false, 1)}, map[int]int{1: 2}, ""},
		"unknown and not there":      {[]step{put(true, 1), put(false, 1)}, map[int]int{1: 1}, ""},
		"went back":                  {[]step{put(true, 1), put(true, 1)}, map[int]int{1: 1}, "no step explains"},
		"refused and there":          {[]step{put(true, 1), {keys: []int{1}, refused: true}}, map[int]int{1: 2}, "no step explains"},
		"never written":              {[]step{put(true, 1)}, map[int]int{1: 1, 2: 9}, "nobody wrote"},
		"invented":                   {[]step{put(true, 1)}, map[int]int{1: 7}, "no step explains"},
		"deleted":                    {[]step{put(true, 1), del(true, 1)}, nil, ""},
		"deleted and back":           {[]step{put(true, 1), del(true, 1)}, map[int]int{1: 1}, "no step explains"},
		"deletion unknown":           {[]step{put(true, 1), del(false, 1)}, map[int]int{1: 1}, ""},
		"whole":                      {[]step{whole(false, 1, 2)}, map[int]int{1: 1, 2: 1}, ""},
		"not at all":                 {[]step{whole(false, 1, 2)}, nil, ""},
		"torn":                       {[]step{whole(false, 1, 2)}, map[int]int{1: 1}, "torn"},
		"overwritten on one side":    {[]step{put(true, 1, 2), whole(false, 1, 2), put(true, 2)}, map[int]int{1: 1, 2: 3}, ""},
		"overwritten, else lost":     {[]step{whole(false, 1, 2), put(false, 1)}, map[int]int{1: 2}, ""},
		"a batch may come in part":   {[]step{put(false, 1, 2)}, map[int]int{1: 1}, ""},
		"a deletion hides no tear":   {[]step{put(true, 1, 2), {keys: []int{1, 2}, deletes: []int{2}, whole: true}}, map[int]int{1: 2, 2: 1}, "torn"},
		"a deletion may be the tear": {[]step{put(true, 1, 2), {keys: []int{1, 2}, deletes: []int{2}, whole: true}}, map[int]int{1: 1}, "torn"},
	} {
		t.Run(name, func(t *testing.T) {
			err := check(c.steps, c.steps, c.found)
			if c.lie == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.lie)
		})
	}
}
