package plan

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Mix says how events become requests, and what is asked besides.
type Mix struct {
	Webhooks   float64 `json:"webhooks"`   // share of events that come as single-event webhooks, 0 to 1
	BatchMean  float64 `json:"batch_mean"` // mean events in a batch, geometric; at least 1
	BatchCap   int     `json:"batch_cap"`  // most events in a batch; larger draws are cut to it
	ReadRate   float64 `json:"read_rate"`  // dashboard reads, requests/s
	ReplayRate float64 `json:"replay"`     // share of batches and webhooks that are sent a second time, 0 to 1

	// A replay starts this long after its original, evenly spread. One that would start after
	// the end of the plan is not planned.
	ReplayAfter  time.Duration `json:"replay_after"`
	ReplayWithin time.Duration `json:"replay_within"`
}

// DefaultMix is the mix of a usual day.
func DefaultMix() Mix {
	return Mix{
		Webhooks: 0.05, BatchMean: 20, BatchCap: 500, ReadRate: 50,
		ReplayRate: 0.01, ReplayAfter: 2 * time.Second, ReplayWithin: 20 * time.Second,
	}
}

// maxReplayWithin bounds how many seconds have to be drawn before the one that reading starts at.
const maxReplayWithin = time.Hour

// Validate joins all faults.
func (m Mix) Validate() error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	check(m.Webhooks >= 0 && m.Webhooks <= 1, "webhooks %v: must be a share between 0 and 1", m.Webhooks)
	check(m.BatchCap >= 1 && m.BatchCap <= math.MaxInt32, "batch cap %d: must be at least 1", m.BatchCap)
	check(m.BatchMean >= 1 && m.BatchMean <= float64(m.BatchCap), "batch mean %v: must be between 1 and the cap %d", m.BatchMean, m.BatchCap)
	check(m.ReadRate >= 0 && m.ReadRate <= 1e6, "reads %v/s: must be between 0 and 1e6", m.ReadRate)
	check(m.ReplayRate >= 0 && m.ReplayRate <= 1, "replay %v: must be a share between 0 and 1", m.ReplayRate)
	check(m.ReplayAfter >= 0 && m.ReplayAfter <= m.ReplayWithin && m.ReplayWithin <= maxReplayWithin,
		"replay after %s, within %s: must rise and be at most %s", m.ReplayAfter, m.ReplayWithin, maxReplayWithin)
	return errors.Join(faults...)
}

// meanBatch is the mean of a geometric number from 1 on of mean BatchMean, cut at BatchCap:
// (1 - q^cap) / p with p = 1/BatchMean and q = 1-p.
func (m Mix) meanBatch() float64 {
	p := 1 / m.BatchMean
	return (1 - math.Pow(1-p, float64(m.BatchCap))) / p
}

// batchSize draws from it by inversion.
func (m Mix) batchSize(r *rand.Rand) int32 {
	if m.BatchMean == 1 {
		return 1
	}
	u := 1 - r.Float64() // (0, 1]
	return int32(min(1+math.Floor(math.Log(u)/math.Log1p(-1/m.BatchMean)), float64(m.BatchCap)))
}

func (m Mix) replayDelay(r *rand.Rand) time.Duration {
	return (m.ReplayAfter + time.Duration(r.Float64()*float64(m.ReplayWithin-m.ReplayAfter))).Truncate(resolution)
}
