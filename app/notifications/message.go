package notifications

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/mail"
)

// Message is a mail to be sent.
type Message struct {
	To       string            // mail address of one person
	Template string            // one of the kinds below
	Lang     string            // language of the mail; Italian where it has no text
	Params   map[string]string // values of the placeholders, and "link"
	// Own is a sentence of whoever causes the mail, below the usual words: in the
	// mail's language, or in Italian.
	Own i18n.Text
	Key string // identifies the occasion for ever
}

// The kinds of mail.
const (
	ConfirmAccount  = "confirm-account"  // somebody registered with this address: the link confirms it
	InviteAdmin     = "invite-admin"     // the commune is open and this person is its first administrator
	InviteOfficial  = "invite-official"  // this person shall work at the desk
	Appointed       = "appointed"        // this person, who has an account, works at the desk
	AccountExists   = "account-exists"   // somebody registered with an address that has an account
	CaseReceived    = "case-received"    // the commune has the request
	CaseQueued      = "case-queued"      // the request waits for a place
	PlaceFree       = "place-free"       // a place is free: the request goes on
	PlaceLapsed     = "place-lapsed"     // the place was kept for a fee that was not paid
	MissingPaper    = "missing-paper"    // the office needs something more
	Decision        = "decision"         // the office has decided
	DocumentReady   = "document-ready"   // a sealed paper lies among the documents
	PaymentReceived = "payment-received" // the fee has arrived
	GrantEnds       = "grant-ends"       // what was granted ends in some days
	ConfirmAsked    = "confirm-asked"    // somebody's request needs this person's agreement
	ConfirmReminder = "confirm-reminder" // and still does
	ConfirmGiven    = "confirm-given"    // everybody agreed: the request goes on
	ConfirmEnded    = "confirm-ended"    // somebody did not agree, or not in time: it is over
	OfficeReceived  = "office-received"  // an office has a case to look at
	OfficePaid      = "office-paid"      // the fee of an office's case has arrived
	DraftExpires    = "draft-expires"    // a request that was begun is forgotten in a few days
	AccessAsked     = "access-asked"     // the entity asks an administrator to be let in
	SupportAsked    = "support-asked"    // a commune asks the shared entity for help
	SupportAnswered = "support-answered" // the entity has answered
	QuotaNear       = "quota-near"       // a quota of the commune is nearly used up
	DomainFailing   = "domain-failing"   // the commune's own domain does not lead here any more
	DomainOff       = "domain-off"       // and has been switched off
)

// canWait are the mails that are put off while the commune has used up its mails:
// they tell what stands in the desk as well, and nobody's term runs on them. All
// others are waited for by somebody, or by the law, and always go.
var canWait = map[string]bool{CaseReceived: true, PaymentReceived: true, OfficeReceived: true, OfficePaid: true, SupportAnswered: true}

// needs lists, for each kind, the values without which it makes no sense.
var needs = map[string][]string{
	ConfirmAccount:  {"link", "name"},
	InviteAdmin:     {"link", "name"},
	InviteOfficial:  {"link", "name"},
	Appointed:       {"link", "name"},
	AccountExists:   {"link", "name"},
	CaseReceived:    {"link", "name", "ref", "service"},
	CaseQueued:      {"link", "name", "ref", "service"},
	PlaceFree:       {"link", "name", "ref", "service"},
	PlaceLapsed:     {"link", "name", "ref", "service"},
	MissingPaper:    {"link", "name", "ref", "service"},
	Decision:        {"link", "name", "ref", "service"},
	DocumentReady:   {"link", "name", "ref", "service"},
	PaymentReceived: {"link", "name", "ref", "service"},
	GrantEnds:       {"link", "name", "service", "title", "until"},
	ConfirmAsked:    {"link", "name", "who", "service", "until"},
	ConfirmReminder: {"link", "name", "who", "service", "until"},
	ConfirmGiven:    {"link", "name", "ref", "service"},
	ConfirmEnded:    {"link", "name", "ref", "service"},
	OfficeReceived:  {"link", "name", "ref", "service"},
	OfficePaid:      {"link", "name", "ref", "service"},
	DraftExpires:    {"link", "name", "service", "until"},
	AccessAsked:     {"link", "name", "who"},
	SupportAsked:    {"link", "name", "subject", "commune"},
	SupportAnswered: {"link", "name", "subject"},
	QuotaNear:       {"link", "name", "what", "percent"},
	DomainFailing:   {"link", "name", "host", "until"},
	DomainOff:       {"link", "name", "host"},
}

// Kinds lists the kinds of mail, sorted.
func Kinds() []string {
	var kinds []string
	for kind := range needs {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}

// check refuses what is a mistake of the caller, so that its test notices.
func (m Message) check() error {
	wanted, known := needs[m.Template]
	if !known {
		return fmt.Errorf("notifications: unknown kind %q", m.Template)
	}
	if m.Key == "" {
		return fmt.Errorf("notifications: %s without a key", m.Template)
	}
	for _, name := range wanted {
		if m.Params[name] == "" {
			return fmt.Errorf("notifications: %s without %s", m.Template, name)
		}
	}
	if link := m.Params["link"]; !strings.HasPrefix(link, "https://") && !strings.HasPrefix(link, "http://") {
		return fmt.Errorf("notifications: %s: %q is not an absolute address", m.Template, link)
	}
	return mail.CheckAddress(m.To)
}
