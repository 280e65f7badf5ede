package processing

import (
	"context"
	"log/slog"
	"slices"

	"github.com/retailflow/stampede/reference/store/codec"
)

// lineIDs bounds the correlation ids of a log line.
const lineIDs = 64

// sample is what a line about many requests carries.
func sample(ids []string) []string { return ids[:min(len(ids), lineIDs)] }

// follow writes all ids of an occurrence at level debug, in as many lines as it takes: with the
// ingesting functions' own debug lines, every request can then be followed to its roll-up.
func follow(ctx context.Context, log *slog.Logger, message string, ids []string, attributes ...slog.Attr) {
	if !log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	for some := range slices.Chunk(ids, lineIDs) {
		log.LogAttrs(ctx, slog.LevelDebug, message, append(slices.Clone(attributes), slog.Any("correlation_ids", some))...)
	}
}

// requestsOf are the correlation ids in blocks, each once.
func requestsOf(blocks []codec.Block) []string {
	var ids []string
	seen := map[string]bool{}
	for _, b := range blocks {
		for _, r := range b.Requests {
			if !seen[r.Correlation] {
				seen[r.Correlation] = true
				ids = append(ids, r.Correlation)
			}
		}
	}
	return ids
}
