// Package cases owns what happens to a request after it has been sent: the
// case, its history, what the office asks for, the decision, and when it is
// finished.
//
// It does not own the form (forms), the reckoning (rules), the money
// (payments) or the paper (documents); it brings them together.
//
// Life of a case. A smart service that grants: awaiting_payment → issuing →
// completed (without a fee it begins at issuing). Everything else: received →
// in_review ⇄ awaiting_applicant → decided → completed. The applicant may
// withdraw until it is decided. A service may ask other persons to confirm first
// (awaiting_confirmation), and may let requests wait for a place (queued). Payment and ruling are facets of their own.
//
// Events that arrive: payments.fulfilled, payments.failed,
// payments.duplicate. Jobs: cases.issue (the paper).
package cases
