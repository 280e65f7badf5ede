package reports

import "github.com/retailflow/stampede/reports/stat"

// Freshness is how long an accepted event took to be visible in a summary read through all caches.
type Freshness struct {
	Samples  []FreshnessSample  `json:"samples"`
	Unseen   int64              `json:"unseen"`  // probes not visible by the deadline, counted at it
	Outside  stat.Histogram     `json:"outside"` // of probes accepted outside fault windows
	Inside   stat.Histogram     `json:"inside"`
	Settings []FreshnessSetting `json:"settings"`
}

// FreshnessSample is one probe.
type FreshnessSample struct {
	At     Seconds `json:"at_s"` // accepted (2xx)
	Age    Millis  `json:"age_ms"`
	Tenant string  `json:"tenant,omitempty"`
	Part   Part    `json:"part"`
}

// FreshnessSetting is a setting that decides freshness: this run's value beside AWS's default.
type FreshnessSetting struct {
	Name string `json:"name"` // such as "delivery buffer"
	Run  string `json:"run"`  // such as "2 s or 5 MB"
	AWS  string `json:"aws"`  // such as "60 s or 5 MB"
}
