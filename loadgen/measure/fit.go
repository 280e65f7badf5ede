package measure

import "time"

// Fit says how well what was really sent follows the plan.
type Fit struct {
	Planned int64 `json:"planned"`
	Started int64 `json:"started"`
	// Distance is that of Kolmogorov and Smirnov between the planned and the started moments: the
	// largest share of the load that at one moment had been due and not been started. It is
	// looked at every twentieth of a second; what was never sent stays in it.
	Distance float64       `json:"ks_distance"`
	At       time.Duration `json:"ks_at_ns"` // where it is
	Clumping []Clumping    `json:"index_of_dispersion"`
}

// Clumping is the index of dispersion, variance over mean, of the requests in windows of one width:
// 1 is Poisson, 0 even, more is clumped. A rate that changes raises it, for plan and sending alike.
type Clumping struct {
	Width   time.Duration `json:"width_ns"`
	Windows int           `json:"windows"`
	Planned float64       `json:"planned"`
	Started float64       `json:"started"`
}

// fewestWindows is how many there must be to speak of a variance.
const fewestWindows = 10

// Fit compares the moments at which requests were due with those at which they left.
func (c *Course) Fit() Fit {
	var f Fit
	var planned, started []uint32
	last := 0
	for i := range c.seconds {
		planned = append(planned, c.seconds[i].planned[:]...)
		started = append(started, c.seconds[i].started[:]...)
	}
	var most, behind int64
	for i := range planned {
		f.Planned += int64(planned[i])
		f.Started += int64(started[i])
		if behind = f.Planned - f.Started; max(behind, -behind) > most {
			most, f.At = max(behind, -behind), time.Duration(i+1)*time.Second/Slots
		}
		if planned[i] > 0 {
			last = i + 1
		}
	}
	if f.Planned == 0 {
		return f
	}
	f.Distance = float64(most) / float64(f.Planned)
	for _, slots := range []int{1, Slots, 10 * Slots} {
		if windows := last / slots; windows >= fewestWindows {
			f.Clumping = append(f.Clumping, Clumping{
				Width: time.Second / Slots * time.Duration(slots), Windows: windows,
				Planned: dispersion(planned, slots, windows), Started: dispersion(started, slots, windows),
			})
		}
	}
	return f
}

// dispersion is the variance of windows' counts over their mean.
func dispersion(counts []uint32, slots, windows int) float64 {
	var sum, squares float64
	for w := range windows {
		n := 0.0
		for _, one := range counts[w*slots : (w+1)*slots] {
			n += float64(one)
		}
		sum += n
		squares += n * n
	}
	if sum == 0 {
		return 0
	}
	mean := sum / float64(windows)
	return max(squares-sum*mean, 0) / float64(windows-1) / mean
}
