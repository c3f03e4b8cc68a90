package forms

import (
	"context"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// Offer is a service as the forms need it to have it filled in. Package
// catalogue makes it.
type Offer struct {
	ID          string
	Version     int
	Hash        string // changes with anything in the definition
	Title       i18n.Text
	Office      string // key of the one that answers for it
	BeginLevel  int    // trust level asked of whoever begins
	Level       int    // and of whoever submits
	OnlyItalian func(lang string) bool
	Immediate   bool // answered at once where every check holds
	PayNow      bool // the fee is due on submission
	DemoFee     bool
	FeeNote     i18n.Text
	Form        *Form
	Rules       *rules.Set
	Amounts     map[string]money.CHF
	Limits      map[string]int64
	// Left says what is left of places or credit for a request; TurnsAway that
	// none can be submitted once nothing is.
	Left      func(ctx context.Context, in rules.Input) (rules.Left, error)
	TurnsAway bool
}

// Services finds what a commune offers. Errors: the catalogue's own, for a
// service that is not offered here or not now.
type Services interface {
	Offer(ctx context.Context, t tenancy.Tenant, id string) (*Offer, error)
}

// Submitter takes a finished draft: package cases makes a case of it. It calls
// Module.Submitted in the same transaction, so that a draft becomes a case once.
type Submitter interface {
	// Submit returns the path to send the person to.
	Submit(ctx context.Context, by identity.Actor, draft Draft) (redirect string, err error)
	// Became returns that path again for a draft that was submitted; found is
	// false when it was not, or not by this person.
	Became(ctx context.Context, by identity.Actor, draft uuid.UUID) (redirect string, found bool, err error)
}

// Draft is a request that is not yet submitted. Its answers have been checked
// when it reaches a Submitter.
type Draft struct {
	ID             uuid.UUID
	AccountID      uuid.UUID
	ServiceID      string
	ServiceVersion int
	ServiceHash    string
	Answers        Answers
	Files          map[string]int      // field → how many
	FileNames      map[string][]string // field → what they are called
	Facts          Facts
	Step           string // the last one saved
	Lang           string // of the page it was submitted on
	CreatedAt      time.Time
	UpdatedAt      time.Time
	ExpiresAt      time.Time

	// Typed is what stands on a step's page and is not an answer yet: as it was
	// typed, mistakes included. Step → inputs.
	Typed map[string]url.Values

	raw, rawFacts, rawTyped []byte
}

// Facts is what was known of the applicant when the draft was begun or resumed.
type Facts struct {
	Applicant    rules.Applicant `json:"applicant"`
	Register     rules.Register  `json:"register"`
	RegisterDown bool            `json:"register_down,omitempty"` // it did not answer
	Name         string          `json:"name,omitempty"`
	Born         Day             `json:"born,omitempty"`
	Address      string          `json:"address,omitempty"`
	Minors       []Minor         `json:"minors,omitempty"` // of the same household
}

// left is what is left for a request; enough where nothing is scarce.
func (o *Offer) left(ctx context.Context, in rules.Input) (rules.Left, error) {
	if o.Left == nil {
		return rules.Left{Places: 1, Credit: money.Max}, nil
	}
	return o.Left(ctx, in)
}
