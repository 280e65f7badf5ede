package reports

import "fmt"

// Processors says who used the machine's processors, as shares of all cores from 0 to 1.
type Processors struct {
	Busy   float64 `json:"busy"`   // Run, Others and Steal together
	Run    float64 `json:"run"`    // the harness and all processes below it
	Others float64 `json:"others"` // other processes of this machine
	Steal  float64 `json:"steal"`  // taken by the hypervisor for other machines
}

// Plus adds share by share.
func (p Processors) Plus(q Processors) Processors {
	return Processors{p.Busy + q.Busy, p.Run + q.Run, p.Others + q.Others, p.Steal + q.Steal}
}

// Times multiplies each share.
func (p Processors) Times(x float64) Processors {
	return Processors{p.Busy * x, p.Run * x, p.Others * x, p.Steal * x}
}

// String is "host busy 97 %, of which this run 70 %, others 25 %, steal 2 %".
func (p Processors) String() string {
	return fmt.Sprintf("host busy %.0f %%, of which this run %.0f %%, others %.0f %%, steal %.0f %%", 100*p.Busy, 100*p.Run, 100*p.Others, 100*p.Steal)
}

// OtherLoad is what else the machine did while the load was sent: seconds in which others and
// steal together took more than Above of its processors. It excuses nothing; it says that figures
// were measured beside something that the run did not ask for.
type OtherLoad struct {
	Above     float64    `json:"above"`
	Took      Seconds    `json:"took_s"`
	Of        Seconds    `json:"of_s"`
	Mean      float64    `json:"mean"` // share of the processors, over those seconds
	Most      float64    `json:"most"`
	Intervals []Interval `json:"intervals"`
}

// String is a sentence.
func (o OtherLoad) String() string {
	return fmt.Sprintf("Measured beside other load: during %s of %s others took more than %s of this machine's processors, %.0f %% on average and %.0f %% at most. The figures hold for such a machine; the verdict stands.",
		o.Took, o.Of, Percent(o.Above), 100*o.Mean, 100*o.Most)
}
