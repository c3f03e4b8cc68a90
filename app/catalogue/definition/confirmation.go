package definition

import (
	"slices"
	"strings"

	"github.com/sportello-ticino/sportello/app/forms"
)

// Confirmation says that the other persons whom a request names must agree to it
// themselves before anybody works on it.
type Confirmation struct {
	// Of names the persons: a group and, in it, a field of kind person with an
	// e-mail address: richiedenti.persona.
	Of     string `yaml:"of" json:"of"`
	Days   int    `yaml:"days" json:"days"`               // until a request that was not confirmed lapses
	Remind int    `yaml:"remind" json:"remind,omitempty"` // days after which they are reminded; 0: never
}

// maxConfirmation bounds how long a request waits for other persons, in days.
const maxConfirmation = 60

// Persons are the names of the group and of the field in it.
func (c Confirmation) Persons() (group, field string) {
	group, field, _ = strings.Cut(c.Of, ".")
	return group, field
}

func (d Definition) checkConfirmation(f *inspection) {
	c := d.Confirmation
	if c == nil {
		return
	}
	group, person := c.Persons()
	found := false
	for _, step := range d.Form.Steps {
		for _, field := range step.Fields {
			found = found || field.ID == group && field.Kind == "group" && field.VisibleIf == "" && step.VisibleIf == "" && slices.ContainsFunc(field.Fields, func(sub forms.Field) bool {
				return sub.ID == person && sub.Kind == "person" && sub.Required && sub.VisibleIf == "" && slices.Contains(sub.Parts, "email")
			})
		}
	}
	f.wrong(!found, pathTo("confirmation", "of"), "name a group that is always asked and, in it, a required field of kind person with parts: [email], as richiedenti.persona", "%q names no persons who can be written to", c.Of)
	f.wrong(c.Days < 1 || c.Days > maxConfirmation, pathTo("confirmation", "days"), "use 1 to 60", "a request waits %d days", c.Days)
	f.wrong(c.Remind < 0 || c.Remind > 0 && c.Remind >= c.Days, pathTo("confirmation", "remind"), "use fewer days than confirmation.days", "a reminder after %d of %d days", c.Remind, c.Days)
	f.wrong(d.SubmitLevel() < 1, pathTo("confirmation"), "ask for level 1: who confirms must sign in", "a confirmation without a sign-in")
}
