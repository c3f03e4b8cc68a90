package payments

import (
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/pkg/money"
)

// State is where a payment stands.
type State string

// The states.
const (
	Starting   State = "starting"
	Open       State = "open"
	Processing State = "processing"
	Fulfilled  State = "fulfilled"
	Failed     State = "failed"
	Overpaid   State = "overpaid"
	Refunded   State = "refunded"
)

// Alive reports whether the payment may still become money by itself.
func (s State) Alive() bool { return s == Starting || s == Open || s == Processing }

// Payment is one transaction at a provider, seen from the commune.
type Payment struct {
	ID            uuid.UUID `gorm:"primaryKey"`
	CaseID        uuid.UUID
	CaseRef       string
	PayerID       uuid.UUID
	Purpose       string
	Title         string
	Lang          string
	Attempt       int
	Amount        money.CHF
	Lines         []Line `gorm:"serializer:json"`
	State         State
	Provider      string
	ProviderRef   string
	ProviderState string
	Method        string
	RefundRef     string
	ReturnPath    string
	RetryPath     string
	CreatedAt     time.Time
	CheckedAt     time.Time
	ReturnedAt    *time.Time
	ClosedAt      *time.Time
}

// TableName is gorm's.
func (Payment) TableName() string { return "payments" }

// next is the one place that says what a reading of the provider means for a
// payment. elsewhere tells whether another payment for the same case and
// purpose is fulfilled. The same state means: nothing to do.
//
// A payment that counted as failed and is fulfilled after all (a late word of
// the provider) is money and treated as such; money never turns into failure.
func next(now State, remote RemoteState, elsewhere bool) State {
	switch remote {
	case RemoteFulfilled:
		switch {
		case now == Fulfilled || now == Overpaid || now == Refunded:
			return now
		case elsewhere:
			return Overpaid
		default:
			return Fulfilled
		}
	case RemoteFailed:
		if now.Alive() {
			return Failed
		}
	case RemoteProcessing:
		if now == Starting || now == Open {
			return Processing
		}
	case RemoteOpen:
		if now == Starting {
			return Open
		}
	}
	return now
}
