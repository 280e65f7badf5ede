package wire

// Setting is a member of an operation's input that may be left out, with what AWS then takes.
type Setting struct {
	Operation string // as the API names it: CreateFunction
	Member    string // a path of members, keys and no indexes: BufferingHints.SizeInMBs
	Name      string // for people: "timeout of functions"
	AWS       string // AWS's default as a request would write it; "" is none
	Unit      string // of the value, if it is a number of something: s, MB
	Source    string // URL of AWS's documentation; "stampede-only" where AWS has no such setting
}
