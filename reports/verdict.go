package reports

// Verdict is a run's answer: PASS, FAIL, INCONCLUSIVE or INVALID.
type Verdict Status

// The verdicts.
const (
	VerdictPass         = Verdict(Pass)
	VerdictFail         = Verdict(Fail)
	VerdictInconclusive = Verdict(Inconclusive)
	VerdictInvalid      = Verdict(Invalid)
)

// The exit codes of a run that a verdict does not give.
const (
	ExitHarness = 1 // the harness itself failed, there is no verdict
	ExitUsage   = 2 // bad command line or scenario, nothing was started
)

// ExitCode is 0 for PASS, 99 for FAIL, 3 for INCONCLUSIVE and 4 for INVALID.
func (v Verdict) ExitCode() int {
	switch v {
	case VerdictPass:
		return 0
	case VerdictFail:
		return 99
	case VerdictInconclusive:
		return 3
	}
	return 4
}

// Judge gives the verdict on a run: INVALID if any check is, else FAIL if any check failed,
// else INCONCLUSIVE if a required check is INCONCLUSIVE or UNKNOWN, else PASS. A run that checked
// nothing required proves nothing and is INVALID.
func Judge(checks []Check) Verdict {
	var required, failed, open bool
	for _, c := range checks {
		required = required || c.Required
		switch c.Status {
		case Pass:
		case Fail:
			failed = true
		case Inconclusive, Unknown:
			open = open || c.Required
		default:
			return VerdictInvalid
		}
	}
	switch {
	case failed:
		return VerdictFail
	case !required:
		return VerdictInvalid
	case open:
		return VerdictInconclusive
	}
	return VerdictPass
}
