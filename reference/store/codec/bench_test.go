package codec

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/retailflow/stampede/reference/api"
)

// benchObject is an object of 7,000 events of about 120 bytes, of 300 tenants: two seconds of
// 20x of normal levels.
func benchObject(b *testing.B) (body []byte, events int) {
	rng := newRng(8)
	for events < 7000 {
		rec := &api.Record{Tenant: "t" + string(rune('a'+rng.IntN(26))) + string(rune('a'+rng.IntN(12))), ReceivedMs: minute0 * 60000, Correlation: "0197c2f0-aaaa-7bbb-8ccc-000000000000", Version: "1"}
		for range 20 {
			rec.Events = append(rec.Events, newEvent(rng, minute0))
			events++
		}
		body = protowire.AppendBytes(body, marshal(b, rec))
	}
	return body, events
}

func BenchmarkObjectToBlocks(b *testing.B) {
	body, events := benchObject(b)
	b.ReportAllocs()
	for b.Loop() {
		object, err := SplitObject(body)
		require.NoError(b, err)
		for _, part := range object.Parts {
			if _, err := Pack(part); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*events), "ns/event")
}

func BenchmarkCompute(b *testing.B) {
	body, events := benchObject(b)
	object, err := SplitObject(body)
	require.NoError(b, err)
	var minutes [][]Block
	for _, part := range object.Parts {
		chunks, err := Pack(part)
		require.NoError(b, err)
		block, err := Unpack(chunks[0])
		require.NoError(b, err)
		minutes = append(minutes, []Block{block})
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, blocks := range minutes {
			if _, err := Compute(blocks, nil); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*events), "ns/event")
}
