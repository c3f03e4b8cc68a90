package domains

import "github.com/sportello-ticino/sportello/pkg/problem"

// What is wrong with a request.
var (
	ErrName     = problem.Invalid("domains.name", "domains.error.name")
	ErrAddress  = problem.Invalid("domains.ip", "domains.error.ip")
	ErrOurs     = problem.Invalid("domains.ours", "domains.error.ours")
	ErrSuffix   = problem.Invalid("domains.suffix", "domains.error.suffix")
	ErrKnown    = problem.Invalid("domains.known", "domains.error.known")
	ErrHave     = problem.Invalid("domains.have", "domains.error.have")
	ErrMany     = problem.Invalid("domains.many", "domains.error.many")
	ErrNotWell  = problem.Conflict("domains.not-well", "domains.error.not-well")
	ErrFolder   = problem.Conflict("domains.folder", "domains.error.folder")
	ErrNotFound = problem.NotFound("domains.unknown", "errors.404.text")
)
