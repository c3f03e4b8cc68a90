package cases

import "github.com/sportello-ticino/sportello/pkg/problem"

// The problems of this package. Somebody else's case is not found.
var (
	ErrNotFound = problem.NotFound("cases.not-found", "cases.error.not-found")
	ErrState    = problem.Conflict("cases.state", "cases.error.state")
	ErrText     = problem.Invalid("cases.text", "cases.error.text")
	ErrTaken    = problem.Conflict("cases.taken", "cases.error.taken")
	ErrNotMine  = problem.Forbidden("cases.not-mine", "cases.error.not-mine")
)
