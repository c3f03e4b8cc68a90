package catalogue

import "github.com/sportello-ticino/sportello/pkg/problem"

// The problems of the catalogue.
var (
	// ErrNotOffered means that the commune does not offer such a service, or
	// not now.
	ErrNotOffered = problem.NotFound("catalogue.not-offered", "services.error.not_offered")
	// ErrFeeNotConfirmed means that a service may not be published before the
	// commune has confirmed its fee.
	ErrFeeNotConfirmed = problem.Conflict("catalogue.fee-not-confirmed", "services.error.fee_not_confirmed")
	// ErrAmount means that an amount of a fee is none, or the service has no
	// such amount.
	ErrAmount = problem.Invalid("catalogue.amount", "services.error.amount")
	// ErrQuery means that a parameter of a machine's request is none we know.
	ErrQuery = problem.Invalid("catalogue.query", "services.error.query")
)
