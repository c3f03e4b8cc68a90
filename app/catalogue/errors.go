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
	// ErrPaused means that the service cannot be asked for now; the card says why.
	ErrPaused = problem.Conflict("catalogue.paused", "services.error.paused")
	// ErrNoEdit means that nothing of the service is about to change.
	ErrNoEdit = problem.Conflict("catalogue.no-edit", "services.error.no_edit")
	// ErrEditMoved means that the edit, or what is in force, is no longer what
	// somebody looked at.
	ErrEditMoved = problem.Conflict("catalogue.edit-moved", "services.error.edit_moved")
	// ErrEditWrong means that the edit has mistakes.
	ErrEditWrong = problem.Invalid("catalogue.edit-wrong", "services.error.edit_wrong")
	// ErrExamples means that examples of the service fail.
	ErrExamples = problem.Invalid("catalogue.examples", "services.error.examples")
	// ErrNotProposed means that a second person can publish only what was proposed.
	ErrNotProposed = problem.Conflict("catalogue.not-proposed", "services.error.not_proposed")
	// ErrOwnEdit means that who changed something cannot be the second person.
	ErrOwnEdit = problem.Forbidden("catalogue.own-edit", "services.error.own_edit")
	// ErrNote means that a reason is missing or too long.
	ErrNote = problem.Invalid("catalogue.note", "services.error.note")
	// ErrNotAnOverlay means that a change takes out or moves an item of a list,
	// which no commune can do to the shared definition.
	ErrNotAnOverlay = problem.Invalid("catalogue.not-an-overlay", "services.error.not_an_overlay")
)
