package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Position is a place in a scenario's text. Line and column count from 1; line 0 is a whole file
// or a --set override.
type Position struct {
	File      string
	Line, Col int
}

// String is file:line:col, or only the file where there is no line.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Diagnostic is one mistake in a scenario.
type Diagnostic struct {
	Position
	Message string
}

// String is file:line:col: message.
func (d Diagnostic) String() string { return d.Position.String() + ": " + d.Message }

// Diagnostics are all mistakes of a scenario, in the order of the text.
type Diagnostics []Diagnostic

// Error prints one mistake a line.
func (d Diagnostics) Error() string {
	lines := make([]string, len(d))
	for i, one := range d {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// Report adds a mistake.
func (d *Diagnostics) Report(at Position, format string, args ...any) {
	*d = append(*d, Diagnostic{at, fmt.Sprintf(format, args...)})
}

// sorted orders by position and drops repetitions.
func (d Diagnostics) sorted() Diagnostics {
	slices.SortStableFunc(d, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return slices.Compact(d)
}

// Suggest is ` (did you mean "x"?)` for the allowed word nearest to a mistyped one, or "".
func Suggest(word string, allowed []string) string {
	best, distance := "", max(1, len(word)/3)+1
	for _, a := range allowed {
		if d := edits(word, a); d < distance {
			best, distance = a, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// edits counts the insertions, deletions, replacements and swaps of neighbours between two words
// (the optimal string alignment distance).
func edits(a, b string) int {
	var before, last []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := last[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(last[j]+1, row[j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
