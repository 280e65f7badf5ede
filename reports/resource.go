package reports

import "time"

// Stage is the CPU that one stage of the system spent on the run's events.
type Stage struct {
	Name        string  `json:"stage"` // such as "gateway", "ingest-events", "generator"
	CPUSeconds  float64 `json:"cpu_seconds"`
	Events      int64   `json:"events"`
	MicrosEvent float64 `json:"us_per_event"`
}

// LimitHit is a limit that was met. It has the fields of reference/quota's Hit, so that one
// converts into the other.
type LimitHit struct {
	Service  string    `json:"service"`
	Limit    string    `json:"limit"`
	Resource string    `json:"resource"`
	Count    int64     `json:"count"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Allowed  string    `json:"allowed"`
	Source   string    `json:"source"`
}

// AWSDefault is a setting where the run did not use AWS's default.
type AWSDefault struct {
	Service string `json:"service"`
	Setting string `json:"setting"`
	AWS     string `json:"aws_default"`
	Run     string `json:"this_run"`
	Source  string `json:"source"` // URL
}
