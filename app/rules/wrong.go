package rules

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
)

// Wrong is a mistake in one part of a definition. Where names the part as the
// compilers do: "fee line base", "decision peso", "field targa", "step luogo".
type Wrong struct {
	Where string
	Err   error
}

// Error is "<where>: <what>".
func (w *Wrong) Error() string { return w.Where + ": " + w.Err.Error() }

// Unwrap is the mistake itself.
func (w *Wrong) Unwrap() error { return w.Err }

// complaint is what the checker found in an expression, on one line; columns
// count from 1.
func complaint(issues *cel.Issues) error {
	var found []string
	for _, e := range issues.Errors() {
		message, _, _ := strings.Cut(e.Message, " (in container")
		message, _, _ = strings.Cut(message, " (did you mean") // said by who knows all names
		found = append(found, fmt.Sprintf("character %d: %s", e.Location.Column()+1, strings.Join(strings.Fields(message), " ")))
	}
	if len(found) == 0 {
		return fmt.Errorf("%w: %s", ErrRule, strings.Join(strings.Fields(issues.Err().Error()), " "))
	}
	return fmt.Errorf("%w: %s", ErrRule, strings.Join(found, "; "))
}

// Known lists the names the rules of the scope may use.
func (s *Scope) Known() []string {
	var names []string
	for _, v := range common {
		names = append(names, v.name)
	}
	for field, typ := range s.names.Answers {
		name := "answers." + field
		switch typ {
		case Period:
			names = append(names, name+".from", name+".to", name+".days")
		case Place:
			names = append(names, name+".address", name+".postcode", name+".town")
		default:
			names = append(names, name)
		}
	}
	for _, name := range s.names.Amounts {
		names = append(names, "amounts."+name)
	}
	for _, name := range s.names.Limits {
		names = append(names, "limits."+name)
	}
	return names
}
