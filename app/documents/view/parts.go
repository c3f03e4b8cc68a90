package view

import "github.com/sportello-ticino/sportello/app/ui"

func (p VerifyPage) problems() []ui.Problem {
	var out []ui.Problem
	if p.FileError != "" {
		out = append(out, ui.Problem{Name: FileName, Text: p.FileError})
	}
	if p.CodeError != "" {
		out = append(out, ui.Problem{Name: CodeName, Text: p.CodeError})
	}
	return out
}

func (p VerdictPage) tone() ui.Tone {
	switch p.Outcome {
	case Genuine:
		return ui.Success
	case Expired:
		return ui.Warning
	}
	return ui.Danger
}

func (p VerdictPage) icon() string {
	switch p.Outcome {
	case Genuine:
		return "seal-checkmark-fill"
	case Expired:
		return "clock-dashed"
	case Unknown:
		return "questionmark-diamond-fill"
	}
	return "x-mark-octagon-fill"
}
