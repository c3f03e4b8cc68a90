package view

import (
	"strconv"

	"github.com/sportello-ticino/sportello/app/ui"
)

func (p SignInPage) problems() []ui.Problem {
	return collect(ui.Problem{Text: p.FormError}, ui.Problem{Name: "email", Text: p.EmailError}, ui.Problem{Name: "password", Text: p.PasswordError})
}

func (p RegisterPage) problems() []ui.Problem {
	return collect(ui.Problem{Text: p.FormError}, ui.Problem{Name: "name", Text: p.NameError},
		ui.Problem{Name: "email", Text: p.EmailError}, ui.Problem{Name: "password", Text: p.PasswordError})
}

func problem(name, text string) []ui.Problem { return collect(ui.Problem{Name: name, Text: text}) }

// collect keeps the problems that there are.
func collect(list ...ui.Problem) []ui.Problem {
	var out []ui.Problem
	for _, p := range list {
		if p.Text != "" {
			out = append(out, p)
		}
	}
	return out
}

func groupID(i int) string { return "gruppo-" + strconv.Itoa(i) }

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
