package partiql

import (
	"github.com/retailflow/stampede/reference/cloud/dynamodb/expr"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// Kind is what a statement does.
type Kind byte

// The kinds of statements.
const (
	Select Kind = iota
	Insert
	Update
	Delete
	Exists // the check of a condition in a transaction
)

// Statement is a parsed statement, its parameters filled in.
type Statement struct {
	Kind         Kind
	Table, Index string
	Where        expr.Term           // none without the clause
	Paths        []item.Path         // what a Select is of; nil for everything
	Order        []Order             // of a Select
	Item         item.Doc            // what an Insert puts
	Actions      []expr.UpdateAction // of an Update
	Returning    Returning           // of an Update or Delete
}

// Order is an attribute that a Select sorts by.
type Order struct {
	Name       string
	Descending bool
}

// Returning is which attributes an Update or Delete returns, in the words of the parameter
// ReturnValues; "" is none.
type Returning string

// What RETURNING can ask for.
const (
	AllOld      Returning = "ALL_OLD"
	AllNew      Returning = "ALL_NEW"
	ModifiedOld Returning = "UPDATED_OLD"
	ModifiedNew Returning = "UPDATED_NEW"
)

// Reads says whether the statement changes nothing and returns items.
func (s *Statement) Reads() bool { return s.Kind == Select }
