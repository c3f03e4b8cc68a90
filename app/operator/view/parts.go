package view

import "github.com/sportello-ticino/sportello/app/ui"

func (p NewCommunePage) problems() []ui.Problem {
	if p.Problems != nil {
		return p.Problems
	}
	return ui.Problems(p.FromForm)
}

func (p CommunePage) problems() []ui.Problem {
	if p.Problems != nil {
		return p.Problems
	}
	return ui.Problems(p.Suspend)
}
