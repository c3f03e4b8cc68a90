package cases

import (
	"errors"
	"testing"
	"time"
)

// Every state and every step: what is not in the table is refused and changes
// nothing.
func TestOnlyTheListedStepsArePossible(t *testing.T) {
	possible := map[State]map[Step]State{
		AwaitingConfirmation: {StepAgree: Received, StepWithdraw: Withdrawn},
		Queued:               {StepAdmit: Received, StepWithdraw: Withdrawn},
		AwaitingPayment:      {StepPay: Issuing, StepQueue: Received, StepWithdraw: Withdrawn},
		Issuing:              {StepIssue: Completed},
		Received:             {StepTake: InReview, StepWithdraw: Withdrawn},
		InReview:             {StepTake: InReview, StepAsk: AwaitingApplicant, StepDecide: Decided, StepWithdraw: Withdrawn},
		AwaitingApplicant:    {StepReply: InReview, StepWithdraw: Withdrawn},
		Decided:              {StepFinish: Completed},
		Completed:            {},
		Withdrawn:            {},
	}
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for from, steps := range possible {
		for step := range transitions {
			c := Case{State: from}
			err := c.move(step, now)
			to, ok := steps[step]
			switch {
			case ok && (err != nil || c.State != to):
				t.Errorf("%s + %s: %s, %v; want %s", from, step, c.State, err, to)
			case !ok && (!errors.Is(err, ErrState) || c.State != from):
				t.Errorf("%s + %s was not refused: %s, %v", from, step, c.State, err)
			case ok && c.State.Open() != (c.ClosedAt == nil):
				t.Errorf("%s + %s: closed at %v", from, step, c.ClosedAt)
			}
		}
	}
}

// While the office waits for the person the term stands still: it moves by the
// days that went by.
func TestTheTermStandsStill(t *testing.T) {
	asked := time.Date(2026, 11, 2, 15, 0, 0, 0, time.UTC)
	due := time.Date(2026, 11, 9, 0, 0, 0, 0, time.UTC)
	for days, want := range map[int]int{0: 9, 1: 10, 5: 14} {
		d := due
		c := Case{State: AwaitingApplicant, DueOn: &d, PausedAt: &asked}
		s := &Service{Deps: Deps{Clock: at(asked.AddDate(0, 0, days))}}
		s.resume(nil, &c)
		if c.PausedAt != nil || c.DueOn.Day() != want {
			t.Errorf("after %d days: due on %v, paused %v", days, c.DueOn, c.PausedAt)
		}
	}
}

type at time.Time

func (a at) Now() time.Time { return time.Time(a) }

func TestLateIsSaidOnlyWhileTheTermRuns(t *testing.T) {
	today := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	yesterday, paused := today.AddDate(0, 0, -1), today
	for name, c := range map[string]struct {
		c    Case
		want bool
	}{
		"over":        {Case{State: InReview, DueOn: &yesterday}, true},
		"today":       {Case{State: InReview, DueOn: &today}, false},
		"paused":      {Case{State: AwaitingApplicant, DueOn: &yesterday, PausedAt: &paused}, false},
		"closed":      {Case{State: Completed, DueOn: &yesterday}, false},
		"without end": {Case{State: InReview}, false},
	} {
		if got := late(c.c, today); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
