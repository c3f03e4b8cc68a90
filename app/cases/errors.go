package cases

import "github.com/sportello-ticino/sportello/pkg/problem"

// The problems of this package. Somebody else's case is not found.
var (
	ErrNotFound = problem.NotFound("cases.not-found", "cases.error.not-found")
	ErrState    = problem.Conflict("cases.state", "cases.error.state")
	ErrText     = problem.Invalid("cases.text", "cases.error.text")
	ErrTaken    = problem.Conflict("cases.taken", "cases.error.taken")
	// ErrNoConfirmation means a link that asks nothing of whoever follows it: unknown,
	// used up, run out, or meant for another person.
	ErrNoConfirmation = problem.NotFound("cases.no-confirmation", "cases.error.no-confirmation")
	// ErrSamePerson means that a person whom a request names has the applicant's own
	// address: she could not confirm by herself.
	ErrSamePerson = problem.Invalid("cases.same-person", "cases.error.same-person")
	// ErrConfirmLevel means that the account's trust level is below the service's.
	ErrConfirmLevel = problem.Forbidden("cases.confirm-level", "cases.error.confirm-level")
	ErrNotMine      = problem.Forbidden("cases.not-mine", "cases.error.not-mine")
)
