package payments

import (
	"time"

	"github.com/sportello-ticino/sportello/pkg/problem"
)

var (
	// errNotFound hides payments of others.
	errNotFound = problem.NotFound("payments.not-found", "errors.404.text")
	// ErrPaid means that the case was paid for already.
	ErrPaid = problem.Conflict("payments.paid", "payments.error.paid")
	// ErrAmount means that there is nothing to pay, or not a possible amount.
	ErrAmount = problem.Invalid("payments.amount", "payments.error.amount")
	// ErrNoAccount means that the commune has no account with the provider yet.
	ErrNoAccount = problem.Unavailable("payments.no-account", "payments.error.no-account")
	// ErrAway means that the provider does not answer: trying again is safe.
	ErrAway = problem.Unavailable("payments.away", "payments.error.away").WithRetry(10 * time.Second)
	// ErrAccount means that account data entered on the console is not usable.
	ErrAccount = problem.Invalid("payments.account", "payments.error.account")
)
