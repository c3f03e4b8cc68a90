package view

import (
	"slices"

	"github.com/sportello-ticino/sportello/app/ui"
)

func (p NewCommunePage) problems() []ui.Problem {
	if p.Problems != nil {
		return p.Problems
	}
	return ui.Problems(slices.Concat(p.FolderAdmin, p.FromForm, p.FormAdmin))
}

func (p CommunePage) problems() []ui.Problem {
	if p.Problems != nil {
		return p.Problems
	}
	return ui.Problems(slices.Concat(p.Invite, p.Suspend))
}
