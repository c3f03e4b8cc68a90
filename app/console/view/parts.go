package view

import (
	"strconv"

	"github.com/sportello-ticino/sportello/app/ui"
)

func (p FormPage) problems() []ui.Problem {
	if p.Problems != nil {
		return p.Problems
	}
	var out []ui.Problem
	for _, g := range p.Groups {
		out = append(out, ui.Problems(g.Fields)...)
	}
	return out
}

func (p BrandPage) problems() []ui.Problem {
	return ui.Problems([]ui.Input{
		{Name: FirstName, Error: p.FirstError}, {Name: SecondName, Error: p.SecondError}, {Name: SubtitleName, Error: p.SubtitleError},
	})
}

func groupID(i int) string { return "gruppo-" + strconv.Itoa(i+1) }

func pairTone(p Pair) ui.Tone {
	if p.OK {
		return ui.Success
	}
	return ui.Danger
}
