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
	// ErrUndecided means that a part which both sides changed has no choice yet.
	ErrUndecided = problem.Invalid("catalogue.undecided", "updates.error.undecided")
	// ErrNotShared means that the shared catalogue has no such service or version.
	ErrNotShared = problem.NotFound("catalogue.not-shared", "updates.error.not_shared")
	// ErrNotPublishable means that a definition does not compile or that examples
	// fail; the parameter problems lists why.
	ErrNotPublishable = problem.Invalid("catalogue.not-publishable", "updates.error.not_publishable")
	// ErrPublishedMeanwhile means that somebody published the same version first.
	ErrPublishedMeanwhile = problem.Conflict("catalogue.published-meanwhile", "updates.error.published_meanwhile")
	// ErrWhy means that a reason is missing, or too long.
	ErrWhy = problem.Invalid("catalogue.why", "updates.error.why")
	// ErrNoUpdate means that nothing newer waits for the service.
	ErrNoUpdate = problem.NotFound("catalogue.no-update", "updates.error.no_update")
	// ErrMoved means that service or catalogue have changed since the page was read.
	ErrMoved = problem.Conflict("catalogue.moved", "updates.error.moved")
	// ErrDraftsUse means that fields would go that open drafts have answered.
	ErrDraftsUse = problem.Conflict("catalogue.drafts-use", "updates.error.drafts_use")
	// ErrExamplesFail means that the service would not compile here, or that an
	// example would fail; the parameter problems says what.
	ErrExamplesFail = problem.Invalid("catalogue.examples-fail", "updates.error.examples_fail")
	// ErrNothingToUndo means that nothing was accepted that is not undone.
	ErrNothingToUndo = problem.NotFound("catalogue.nothing-to-undo", "updates.error.nothing_to_undo")
	// ErrOffered means that the commune offers the service already.
	ErrOffered = problem.Conflict("catalogue.offered", "updates.error.offered")
	// ErrNothingToOffer means that nothing was chosen, or that nothing differs.
	ErrNothingToOffer = problem.Invalid("catalogue.nothing-to-offer", "updates.error.nothing_to_offer")
	// ErrOfferWaits means that an earlier offer of the service is not answered yet.
	ErrOfferWaits = problem.Conflict("catalogue.offer-waits", "updates.error.offer_waits")
	// ErrAnswered means that an offer was answered already.
	ErrAnswered = problem.Conflict("catalogue.answered", "updates.error.answered")
)
