package cases

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/registers"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// State is where the work on a case stands.
type State string

// The states.
const (
	AwaitingConfirmation State = "awaiting_confirmation" // another person must agree; nobody works on it yet
	Queued               State = "queued"                // waits for a place; nobody works on it yet
	AwaitingPayment      State = "awaiting_payment"
	Issuing              State = "issuing"
	Received             State = "received"
	InReview             State = "in_review"
	AwaitingApplicant    State = "awaiting_applicant"
	Decided              State = "decided"
	Completed            State = "completed"
	Withdrawn            State = "withdrawn"
)

// Step is something that moves a case.
type Step string

// The steps.
const (
	StepPay      Step = "pay"
	StepQueue    Step = "queue" // paid, and an official decides
	StepIssue    Step = "issue"
	StepTake     Step = "take"
	StepAsk      Step = "ask"
	StepReply    Step = "reply"
	StepDecide   Step = "decide"
	StepFinish   Step = "finish"
	StepWithdraw Step = "withdraw"
	StepAdmit    Step = "admit" // a place is free; begin says where it goes on
	StepAgree    Step = "agree" // everybody has confirmed; begin says where it goes on
)

// transitions is the one place that says what may follow what.
var transitions = map[Step]struct {
	from []State
	to   State
}{
	StepPay:      {[]State{AwaitingPayment}, Issuing},
	StepQueue:    {[]State{AwaitingPayment}, Received},
	StepIssue:    {[]State{Issuing}, Completed},
	StepTake:     {[]State{Received, InReview}, InReview},
	StepAsk:      {[]State{InReview}, AwaitingApplicant},
	StepReply:    {[]State{AwaitingApplicant}, InReview},
	StepDecide:   {[]State{InReview}, Decided},
	StepFinish:   {[]State{Decided}, Completed},
	StepWithdraw: {[]State{AwaitingConfirmation, Queued, AwaitingPayment, Received, InReview, AwaitingApplicant}, Withdrawn},
	StepAdmit:    {[]State{Queued}, Received},
	StepAgree:    {[]State{AwaitingConfirmation}, Received},
}

// May reports whether the step is possible in the state.
func (s State) May(step Step) bool { return slices.Contains(transitions[step].from, s) }

// Open reports whether somebody still has something to do.
func (s State) Open() bool { return s != Completed && s != Withdrawn }

// Ruling is what was decided.
type Ruling string

// The rulings.
const (
	Granted Ruling = "granted"
	Refused Ruling = "refused"
)

// Payment is the facet of the money.
type Payment string

// The facets.
const (
	NoPayment  Payment = "none"
	PaymentDue Payment = "due"
	Paid       Payment = "paid"
)

// Decision is an act of the authority, with what Ticino's practice asks of
// one: number and date, facts, reasons, legal basis, ruling, remedies.
type Decision struct {
	Number     string    `json:"number,omitempty"`
	Date       time.Time `json:"date,omitzero"`
	Facts      string    `json:"facts,omitempty"`
	Reasons    string    `json:"reasons,omitempty"`
	Conditions string    `json:"conditions,omitempty"`
	LegalBasis []string  `json:"legal_basis,omitempty"`
	Remedy     string    `json:"remedy,omitempty"`
	By         string    `json:"by,omitempty"`
	ByTitle    string    `json:"by_title,omitempty"`
}

// Case is one request of one person to one commune.
type Case struct {
	ID             uuid.UUID `gorm:"primaryKey"`
	Ref            string
	DraftID        uuid.UUID
	ServiceID      string
	ServiceVersion int
	DefinitionHash string
	ServiceTitle   i18n.Text `gorm:"serializer:json"`
	ServiceKind    string
	Office         string
	ApplicantID    uuid.UUID
	ApplicantName  string
	Lang           string
	Answers        forms.Answers     `gorm:"serializer:json"`
	Rows           []forms.Section   `gorm:"serializer:json"`
	Outcome        rules.Outcome     `gorm:"serializer:json"`
	Subject        *registers.Person `gorm:"serializer:json"`
	State          State
	Ruling         Ruling
	Payment        Payment
	Fee            money.CHF
	FeeLines       []rules.Line `gorm:"serializer:json"`
	FeeDemo        bool
	Decision       Decision `gorm:"serializer:json"`
	Note           string
	AssigneeID     *uuid.UUID
	AssigneeName   string
	DueOn          *time.Time `gorm:"type:date"`
	PausedAt       *time.Time
	EndsOn         *time.Time `gorm:"type:date"` // last day of what was granted
	RemindOn       *time.Time `gorm:"type:date"` // until the reminder has gone
	SubmittedAt    time.Time
	DecidedAt      *time.Time
	ClosedAt       *time.Time
	UpdatedAt      time.Time `gorm:"autoUpdateTime:false"`
}

// Smart reports whether the service answers by itself.
func (c Case) Smart() bool { return c.ServiceKind == "smart" }

// move makes a step or says why not.
func (c *Case) move(step Step, now time.Time) error {
	if !c.State.May(step) {
		return ErrState.With("state", string(c.State))
	}
	c.State = transitions[step].to
	c.UpdatedAt = now
	if !c.State.Open() {
		c.ClosedAt = &now
	}
	return nil
}

// Event is one line of the history.
type Event struct {
	ID       int64
	CaseID   uuid.UUID
	At       time.Time
	Kind     string
	Actor    string
	Official bool
	Internal bool
	Text     string
	Params   map[string]string `gorm:"serializer:json"`
}

// Request is a paper the office asked for.
type Request struct {
	ID         uuid.UUID
	CaseID     uuid.UUID
	Text       string
	AskedBy    string
	AskedAt    time.Time
	Reply      string
	AnsweredAt *time.Time
}
