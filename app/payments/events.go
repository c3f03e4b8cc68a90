package payments

import (
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/pkg/money"
)

// The events of this module. Each is published in the transaction that made it true.
const (
	EventFulfilled = "payments.fulfilled" // the money is there: deliver
	EventFailed    = "payments.failed"    // nothing was charged; another try is possible
	EventDuplicate = "payments.duplicate" // paid twice: an official sees it, a job gives it back
)

// Event is the payload of all three, version 1. Fields may be added.
type Event struct {
	PaymentID uuid.UUID `json:"payment_id"`
	CaseID    uuid.UUID `json:"case_id"`
	CaseRef   string    `json:"case_ref"`
	PayerID   uuid.UUID `json:"payer_id"`
	Purpose   string    `json:"purpose"`
	Amount    money.CHF `json:"amount"` // centimes
	Method    string    `json:"method,omitempty"`
	At        time.Time `json:"at"`
}

func (p Payment) event(at time.Time) Event {
	return Event{PaymentID: p.ID, CaseID: p.CaseID, CaseRef: p.CaseRef, PayerID: p.PayerID, Purpose: p.Purpose, Amount: p.Amount, Method: p.Method, At: at}
}
