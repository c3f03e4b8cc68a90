// Package payments owns the money that people pay for their cases: payments,
// the ledger, and the commune's accounts with its providers.
//
// It does not own what a fee is (rules) nor what follows from it (cases): it
// is told amounts and tells, by events, what became of them.
//
// Life of a payment: starting (being opened at the provider) → open (the payer
// may pay) → processing → fulfilled | failed. A second fulfilled payment for
// the same case and purpose becomes overpaid and, once given back, refunded.
// Only the provider's FULFILL counts as money.
//
// A webhook, the payer's return and the regular comparison all do the same: read
// the transaction at the provider and apply one transition under a lock. So
// repeated, reordered, late and lost notices make no difference. No transaction
// of the database is ever open while the provider is asked.
//
// Events that leave: payments.fulfilled, payments.failed, payments.duplicate.
// Job: payments.refund (gives a duplicate back). Regular: payments.reconcile,
// payments.sums.
package payments
