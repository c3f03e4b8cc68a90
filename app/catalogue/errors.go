package catalogue

import (
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// The problems of the catalogue.
var (
	// ErrNotOffered means that the commune does not offer such a service, or
	// not now.
	ErrNotOffered = problem.NotFound("catalogue.not-offered", "services.error.not_offered")
	// ErrFeeNotConfirmed means that a service may not be published before the
	// commune has confirmed its fee.
	ErrFeeNotConfirmed = problem.Conflict("catalogue.fee-not-confirmed", "services.error.fee_not_confirmed")
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
	// ErrWithdrawn means that a shared version was withdrawn already.
	ErrWithdrawn = problem.Conflict("catalogue.withdrawn", "updates.error.withdrawn")
	// ErrOffered means that the commune offers the service already.
	ErrOffered = problem.Conflict("catalogue.offered", "updates.error.offered")
	// ErrNothingToOffer means that nothing was chosen, or that nothing differs.
	ErrNothingToOffer = problem.Invalid("catalogue.nothing-to-offer", "updates.error.nothing_to_offer")
	// ErrOfferWaits means that an earlier offer of the service is not answered yet.
	ErrOfferWaits = problem.Conflict("catalogue.offer-waits", "updates.error.offer_waits")
	// ErrAnswered means that an offer was answered already.
	ErrAnswered = problem.Conflict("catalogue.answered", "updates.error.answered")
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
	// ErrNotAnOverlay means that a change moves an item of a list, which no commune
	// can do to the shared definition.
	ErrNotAnOverlay = problem.Invalid("catalogue.not-an-overlay", "services.error.not_an_overlay")
)
