package support

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/notifications"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// The priorities, the most pressing first, and the states.
const (
	Urgent   = "urgent"
	Normal   = "normal"
	Low      = "low"
	Open     = "open"
	Answered = "answered"
	Solved   = "solved"
)

// Priorities in their order.
var Priorities = []string{Urgent, Normal, Low}

// What is wrong with an input.
var (
	ErrSubject  = problem.Invalid("support.subject", "support.error.subject")
	ErrText     = problem.Invalid("support.text", "support.error.text")
	ErrPriority = problem.Invalid("support.priority", "support.error.priority")
	ErrTimes    = problem.Invalid("support.times", "support.error.times")
)

// Mailer has a commune send a mail once the platform's transaction is committed;
// app/notifications is one.
type Mailer interface {
	Post(tx *tenancy.PlatformTx, from tenancy.Tenant, m notifications.Message) error
}

// Service owns the requests.
type Service struct {
	DB       *tenancy.DB
	Clock    clock.Clock
	Calendar Calendar
	Mail     Mailer
	Inbox    string // where the entity reads its mail; "" sends none
	// EntityURL and CommuneURL are the absolute addresses of a path.
	EntityURL  func(path string) string
	CommuneURL func(t tenancy.Tenant, path string) string
}

func text(s string, most int) (string, bool) {
	s = strings.TrimSpace(s)
	n := len([]rune(s))
	return s, n >= 3 && n <= most
}

// Ask opens a request of the actor's own commune.
func (s *Service) Ask(ctx context.Context, by identity.Actor, subject, words, priority string) (uuid.UUID, error) {
	t := by.Tenant()
	subject, ok := text(subject, 120)
	if !ok {
		return uuid.Nil, ErrSubject
	}
	if words, ok = text(words, 5000); !ok {
		return uuid.Nil, ErrText
	}
	if !slices.Contains(Priorities, priority) {
		return uuid.Nil, ErrPriority
	}
	now := s.Clock.Now()
	r := Request{ID: uuid.Must(uuid.NewV7()), Slug: t.Slug(), Subject: subject, Priority: priority, State: Open, By: by.Name(), Email: by.Email(), At: now}
	if err := s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		agreed, err := times(tx)
		if err != nil {
			return err
		}
		r.FirstDue, r.SolveDue = add(s.Calendar, now, 60*agreed[priority].First), add(s.Calendar, now, 60*agreed[priority].Solve)
		if err := insert(tx, r); err != nil {
			return err
		}
		if err := say(tx, r.ID, Message{At: now, Author: by.Name(), Text: words}); err != nil {
			return err
		}
		if err := s.tellEntity(tx, t, r, now); err != nil {
			return err
		}
		return identity.Note(tx, by, "support.asked", "request:"+r.ID.String(), map[string]any{"priority": priority})
	}); err != nil {
		return uuid.Nil, err
	}
	return r.ID, nil
}

// tellEntity mails the entity; where it reads no mail, the console says it all.
func (s *Service) tellEntity(tx *tenancy.PlatformTx, t tenancy.Tenant, r Request, now time.Time) error {
	if s.Inbox == "" {
		return nil
	}
	return s.Mail.Post(tx, t, notifications.Message{To: s.Inbox, Template: notifications.SupportAsked, Lang: i18n.Reference, Key: mailKey(r, now),
		Params: map[string]string{"link": s.EntityURL("/assistenza/" + r.ID.String()), "name": "Ente informatico", "subject": r.Subject, "commune": t.Name()}})
}

// mailKey names the occasion of a mail.
func mailKey(r Request, now time.Time) string {
	return "support:" + r.ID.String() + ":" + now.UTC().Format(time.RFC3339Nano)
}

// Reply adds a message of the commune to its own request; a request that was
// answered or solved is open again, unless the commune says it is solved.
func (s *Service) Reply(ctx context.Context, by identity.Actor, id uuid.UUID, words string, solved bool) error {
	words, ok := text(words, 5000)
	if !ok && (!solved || words != "") {
		return ErrText
	}
	now := s.Clock.Now()
	return s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		r, err := oneOfCommune(tx, by.Tenant(), id)
		if err != nil {
			return err
		}
		if !solved {
			if err := s.tellEntity(tx, by.Tenant(), r, now); err != nil {
				return err
			}
		}
		return s.contribute(tx, by, r, Message{At: now, Author: by.Name(), Text: words}, map[bool]string{true: Solved, false: Open}[solved])
	})
}

// Answer adds a message of the entity, and tells who opened the request.
func (s *Service) Answer(ctx context.Context, by identity.Actor, id uuid.UUID, words string, solved bool) error {
	words, ok := text(words, 5000)
	if !ok {
		return ErrText
	}
	now := s.Clock.Now()
	return s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		r, err := oneOfAll(tx, id)
		if err != nil {
			return err
		}
		if err := s.tellAsker(ctx, tx, r, now); err != nil {
			return err
		}
		return s.contribute(tx, by, r, Message{At: now, Author: by.Name(), Entity: true, Text: words}, map[bool]string{true: Solved, false: Answered}[solved])
	})
}

// tellAsker mails who opened the request.
func (s *Service) tellAsker(ctx context.Context, tx *tenancy.PlatformTx, r Request, now time.Time) error {
	t, err := s.DB.Directory().BySlug(ctx, r.Slug)
	if err != nil || r.Email == "" {
		return nil //nolint:nilerr // an archived commune reads no mail
	}
	return s.Mail.Post(tx, t, notifications.Message{To: r.Email, Template: notifications.SupportAnswered, Lang: i18n.Reference, Key: mailKey(r, now),
		Params: map[string]string{"link": s.CommuneURL(t, "/console/assistenza/"+r.ID.String()), "name": r.By, "subject": r.Subject}})
}

func (s *Service) contribute(tx *tenancy.PlatformTx, by identity.Actor, r Request, m Message, state string) error {
	if m.Text != "" {
		if err := say(tx, r.ID, m); err != nil {
			return err
		}
	}
	if err := move(tx, r.ID, state, m.At, m.Entity); err != nil {
		return err
	}
	return identity.Note(tx, by, "support."+state, "request:"+r.ID.String(), nil)
}

// Agree sets the times of a priority for requests from now on.
func (s *Service) Agree(ctx context.Context, by identity.Actor, t Times) error {
	if !slices.Contains(Priorities, t.Priority) || t.First < 1 || t.Solve < t.First || t.Solve > 1000 {
		return ErrTimes
	}
	return s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		if _, err := tx.Exec("insert into support_times (priority, first_hours, solve_hours, decided_by, decided_at) values ($1, $2, $3, $4, $5)", t.Priority, t.First, t.Solve, by.Name(), s.Clock.Now()); err != nil {
			return err
		}
		return identity.Note(tx, by, "support.times", "priority:"+t.Priority, map[string]any{"first": t.First, "solve": t.Solve})
	})
}

// Figures say how the service desk does, over the last ninety days.
type Figures struct {
	Open, Late          int
	Answered, InTime    int           // first answers given, and those in time
	Done, DoneInTime    int           // solved, and those in time
	Median              time.Duration // working time to the first answer
	Young, Middle, Aged int           // open ones by age: under one day, under a week, older
}

func (s *Service) figures(requests []Request) (f Figures) {
	now := s.Clock.Now()
	var waits []time.Duration
	for _, r := range requests {
		if r.FirstAnswer != nil {
			f.Answered++
			if !r.FirstAnswer.After(r.FirstDue) {
				f.InTime++
			}
			waits = append(waits, between(s.Calendar, r.At, *r.FirstAnswer))
		}
		if r.Solved != nil {
			f.Done++
			if !r.Solved.After(r.SolveDue) {
				f.DoneInTime++
			}
			continue
		}
		f.Open++
		if r.Overdue(now) {
			f.Late++
		}
		switch age := now.Sub(r.At); {
		case age < 24*time.Hour:
			f.Young++
		case age < 7*24*time.Hour:
			f.Middle++
		default:
			f.Aged++
		}
	}
	slices.Sort(waits)
	if n := len(waits); n > 0 {
		f.Median = (waits[(n-1)/2] + waits[n/2]) / 2
	}
	return f
}

// Overdue reports whether an agreed time has passed without what was agreed.
func (r Request) Overdue(now time.Time) bool {
	return r.Solved == nil && (r.FirstAnswer == nil && now.After(r.FirstDue) || now.After(r.SolveDue))
}
