package view

import (
	"strconv"

	"github.com/sportello-ticino/sportello/app/ui"
)

// problems are the given ones, else those of the fields.
func (p StepPage) problems() []ui.Problem {
	if p.Problems != nil {
		return p.Problems
	}
	return ui.Problems(p.Fields)
}

func (p SummaryPage) problems() []ui.Problem {
	if p.Problems == nil && p.Declaration != nil {
		return ui.Problems([]ui.Input{*p.Declaration})
	}
	return p.Problems
}

// enctype is multipart where a file can be attached.
func enctype(fields []ui.Input) string {
	if ui.HasFile(fields) {
		return "multipart/form-data"
	}
	return "application/x-www-form-urlencoded"
}

func sectionID(i int) string { return "parte-" + strconv.Itoa(i+1) }
