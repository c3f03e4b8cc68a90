package documents

import "github.com/sportello-ticino/sportello/pkg/problem"

var (
	// ErrNotFound hides papers of others.
	ErrNotFound = problem.NotFound("documents.not-found", "errors.404.text")
	// ErrReason means that a revocation lacks its reason.
	ErrReason = problem.Invalid("documents.reason", "error.form").WithField("reason", "documents.error.reason")
	// ErrRevoked means that the paper was revoked already.
	ErrRevoked = problem.Conflict("documents.revoked", "documents.error.revoked")
	// ErrNoSeal means that the commune has no seal yet: nothing can be issued.
	ErrNoSeal = problem.Unavailable("documents.no-seal", "documents.error.no-seal")
)
