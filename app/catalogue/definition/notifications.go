package definition

import (
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// Notifications are what a service says by mail beyond the usual words of the
// desk. Which mails there are is not its choice: a person always hears of a
// decision.
type Notifications struct {
	Mail     MailWords  `yaml:"mail" json:"mail,omitzero"`
	Office   OfficeMail `yaml:"office" json:"office,omitzero"`
	Reminder *Reminder  `yaml:"reminder" json:"reminder,omitempty"`
}

// Moment is a moment in the life of a case at which the applicant gets a mail.
type Moment string

// The moments.
const (
	MomentReceived Moment = "received"
	MomentQueued   Moment = "queued"
	MomentAdmitted Moment = "admitted"
	MomentMissing  Moment = "missing"
	MomentGranted  Moment = "granted"
	MomentRefused  Moment = "refused"
	MomentPaid     Moment = "paid"
	MomentReady    Moment = "ready"
	MomentExpiring Moment = "expiring"
)

// MailWords are sentences of the service's own, each added to the mail of one
// moment. A mail is not sealed: they say what holds for everybody.
type MailWords struct {
	Received i18n.Text `yaml:"received" json:"received,omitempty"`
	Queued   i18n.Text `yaml:"queued" json:"queued,omitempty"`
	Admitted i18n.Text `yaml:"admitted" json:"admitted,omitempty"`
	Missing  i18n.Text `yaml:"missing" json:"missing,omitempty"`
	Granted  i18n.Text `yaml:"granted" json:"granted,omitempty"`
	Refused  i18n.Text `yaml:"refused" json:"refused,omitempty"`
	Paid     i18n.Text `yaml:"paid" json:"paid,omitempty"`
	Ready    i18n.Text `yaml:"ready" json:"ready,omitempty"`
	Expiring i18n.Text `yaml:"expiring" json:"expiring,omitempty"`
}

// OfficeMail says of what the office hears by mail. Its work list knows in any
// case.
type OfficeMail struct {
	Received bool `yaml:"received" json:"received,omitempty"`
	Paid     bool `yaml:"paid" json:"paid,omitempty"`
}

// Reminder calls to mind that what was granted ends.
type Reminder struct {
	Days int `yaml:"days" json:"days"` // before the last day
}

// Bounds of what a service may say.
const (
	maxReminder = 365
	maxSentence = 500 // characters
)

// All are the moments in the order of a case's life, with their sentences.
func (w MailWords) All() iter.Seq2[Moment, i18n.Text] {
	return func(yield func(Moment, i18n.Text) bool) {
		for _, m := range []struct {
			moment Moment
			text   i18n.Text
		}{
			{MomentReceived, w.Received}, {MomentQueued, w.Queued}, {MomentAdmitted, w.Admitted}, {MomentMissing, w.Missing},
			{MomentGranted, w.Granted}, {MomentRefused, w.Refused}, {MomentPaid, w.Paid}, {MomentReady, w.Ready}, {MomentExpiring, w.Expiring},
		} {
			if !yield(m.moment, m.text) {
				return
			}
		}
	}
}

// At is the sentence of a moment, empty where the service has none.
func (w MailWords) At(moment Moment) i18n.Text {
	for m, text := range w.All() {
		if m == moment {
			return text
		}
	}
	return nil
}

// Ends reports whether what the service grants has a last day.
func (o Output) Ends() bool { return o.ValidDays > 0 || o.ValidUntil != "" }

func (d Definition) checkNotifications(f *inspection) {
	n := d.Notifications
	for moment, text := range n.Mail.All() {
		path := pathTo("notifications", "mail", string(moment))
		f.wrong(len(text) > 0 && text.Empty(), path, italianAdvice, "the sentence for the moment %s has no Italian text", moment)
		for _, lang := range i18n.Languages {
			f.wrong(utf8.RuneCountInString(text[lang]) > maxSentence, path, "use at most 500 characters", "the sentence for the moment %s is too long (%s)", moment, lang)
			f.wrong(strings.ContainsAny(text[lang], "{}"), path, "write words that hold for everybody: nothing is filled in", "the sentence for the moment %s has a placeholder (%s)", moment, lang)
		}
	}
	f.wrong(!n.Mail.Expiring.Empty() && n.Reminder == nil, pathTo("notifications", "mail", "expiring"), "add notifications.reminder with its days", "a sentence for a reminder that is never sent")
	f.wrong(d.Output.ValidUntil != "" && d.Output.ValidDays > 0, pathTo("output", "valid_until"), "keep one of them", "the output has both valid_days and valid_until")
	if n.Reminder == nil {
		return
	}
	path := pathTo("notifications", "reminder")
	f.wrong(n.Reminder.Days < 1 || n.Reminder.Days > maxReminder, path, "use 1 to 365 days", "a reminder %d days before the end", n.Reminder.Days)
	f.wrong(!d.Output.Ends(), path, "write output.valid_days or output.valid_until", "a reminder, but what is granted has no end")
}
