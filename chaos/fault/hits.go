package fault

// Hits is what a fault has done so far, as far as it was confirmed: a fault that struck nothing
// proves nothing.
type Hits struct {
	Count  int64  `json:"count"`  // confirmed; compare with Fault.Wanted
	Effect string `json:"effect"` // a sentence for the report
}
