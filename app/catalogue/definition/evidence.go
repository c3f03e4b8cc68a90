package definition

import (
	"context"

	"github.com/sportello-ticino/sportello/app/forms"
)

// EvidenceLines says of each document the form asks for what it must show and where
// one gets it, one line each, in the language of ctx.
func (s *Service) EvidenceLines(ctx context.Context) []string {
	var out []string
	for _, f := range s.Evidence() {
		line := f.Label.For(ctx) + ": " + f.Evidence.Shows.For(ctx)
		if from := f.Evidence.From.For(ctx); from != "" {
			line += " (" + from + ")"
		}
		out = append(out, line)
	}
	return out
}

// Evidence are the fields that ask for a document and say which (CPSV-AP:
// cv:Evidence).
func (s *Service) Evidence() []forms.Field {
	var out []forms.Field
	for _, step := range s.Definition.Form.Steps {
		for _, f := range step.Fields {
			if f.Evidence != nil {
				out = append(out, f)
			}
		}
	}
	return out
}
