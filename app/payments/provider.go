package payments

import (
	"context"
	"errors"
	"log/slog"

	"github.com/sportello-ticino/sportello/pkg/money"
)

// Provider takes money for a commune. It never sees the database and holds no
// state of a commune: the account comes with every call.
type Provider interface {
	// Create opens a transaction; Order.Reference identifies it at the provider.
	Create(ctx context.Context, a Account, o Order) (Remote, error)
	// PageURL is where the payer pays. It is valid for a short time: ask anew.
	PageURL(ctx context.Context, a Account, ref string) (string, error)
	// Find looks a transaction up by Order.Reference; false when there is none.
	Find(ctx context.Context, a Account, reference string) (Remote, bool, error)
	// Read is the truth about a transaction.
	Read(ctx context.Context, a Account, ref string) (Remote, error)
	// Refund gives money back; RefundOrder.Key makes a repetition harmless.
	Refund(ctx context.Context, a Account, r RefundOrder) (RemoteRefund, error)
	// ReadNotice checks that a webhook comes from the provider and tells which
	// transaction it is about. ErrForged when it does not.
	ReadNotice(ctx context.Context, a Account, header func(name string) string, body []byte) (Notice, error)
}

var (
	// ErrForged means that a webhook's signature is missing or wrong.
	ErrForged = errors.New("payments: webhook not signed by the provider")
	// ErrUnavailable means that the provider did not answer, or not with sense.
	// Nothing is known about the effect of the call.
	ErrUnavailable = errors.New("payments: provider unavailable")
	// ErrRefused means that the provider understood and said no: wrong account,
	// unknown transaction, impossible amount.
	ErrRefused = errors.New("payments: provider refused")
)

// Account is a commune's own contract with a provider.
type Account struct {
	Provider string
	SpaceID  int64
	UserID   int64
	Secret   string // never logged: LogValue leaves it out
}

// LogValue keeps the secret out of logs.
func (a Account) LogValue() slog.Value {
	return slog.GroupValue(slog.String("provider", a.Provider), slog.Int64("space", a.SpaceID), slog.Int64("user", a.UserID))
}

// String keeps the secret out of error texts.
func (a Account) String() string { return a.LogValue().String() }

// Line is one thing paid for.
type Line struct {
	Key    string    `json:"key"` // unique within the payment
	Name   string    `json:"name"`
	Amount money.CHF `json:"amount"` // of the whole line, taxes included
}

// Order is a payment to be opened at the provider.
type Order struct {
	Reference  string // unique per payment, at most 100 characters
	CaseRef    string // shown to the payer
	Lines      []Line
	SuccessURL string
	FailedURL  string
	Language   string // it, de, fr or en
}

// RemoteState is what a provider's many states mean to us.
type RemoteState string

// The states. Only Fulfilled is money: everything before may still fail.
const (
	RemoteOpen       RemoteState = "open"       // the payer has not finished
	RemoteProcessing RemoteState = "processing" // authorised or about to be
	RemoteFulfilled  RemoteState = "fulfilled"  // accepted: deliver
	RemoteFailed     RemoteState = "failed"     // declined, voided, timed out, given up
)

// Remote is a transaction as the provider tells it.
type Remote struct {
	Ref       string
	Reference string // Order.Reference
	State     RemoteState
	Detail    string // the provider's own word for the state
	Amount    money.CHF
	Refunded  money.CHF
	Method    string // "TWINT"; empty when the provider does not say
}

// RefundOrder asks for money to be given back.
type RefundOrder struct {
	Ref    string // of the transaction
	Key    string // idempotency key, unique per refund
	Amount money.CHF
}

// RemoteRefund is a refund as the provider tells it.
type RemoteRefund struct {
	Ref    string
	Done   bool // the money went back
	Failed bool // it will not
	Amount money.CHF
}

// Notice is what a webhook is about. It is a hint to read anew, nothing more.
type Notice struct {
	Ref   string // of the transaction; empty when it is about something else
	Event string // identifies the delivery, for the log
	State string // as claimed, for the log
}
