package cases

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/notifications"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/swiss"
)

// Filter narrows the desk's list; zero fields do not.
type Filter struct {
	View    string // todo (default), mine, office, waiting, closed
	Service string
	State   State
	Due     string // late, today, week
	Search  string // reference or a person's name
	Page    int    // from 1
}

// pageSize is how many cases a desk page lists.
const pageSize = 25

// List is a page of the desk with the figures around it.
type List struct {
	Cases  []Case
	Total  int64
	Page   int
	Counts Counts
}

// Counts are the figures of the desk's side menu and tiles.
type Counts struct {
	Todo, Mine, Office, Waiting           int64
	Untaken, DueToday, Late, ClosedInWeek int64
}

// scope limits a query to the offices of the actor, a guest's to what the grant
// names.
func scope(by identity.Actor) (string, []any) {
	if g, ok := by.Guest(); ok {
		switch g.Scope {
		case identity.ScopeCase:
			return "ref = ?", []any{g.Object}
		case identity.ScopeOffice:
			return "office = ?", []any{g.Object}
		}
		return "false", nil
	}
	offices := by.Offices()
	for _, o := range offices {
		if o == "" {
			return "true", nil
		}
	}
	if len(offices) == 0 {
		return "false", nil
	}
	return "office in ?", []any{offices}
}

// DeskList reads one page of the actor's offices' cases, oldest term first.
func (s *Service) DeskList(ctx context.Context, by identity.Actor, f Filter) (List, error) {
	if f.Page < 1 {
		f.Page = 1
	}
	l := List{Page: f.Page}
	read := func(tx *tenancy.Tx) error {
		where, args := scope(by)
		today := s.today().Format(time.DateOnly)
		q := tx.DB().Model(&caseRow{}).Where(where, args...)
		order := "due_on nulls last, submitted_at"
		switch f.View {
		case "mine":
			q = q.Where("closed_at is null and assignee_id = ?", by.AccountID())
		case "office":
			q = q.Where("closed_at is null")
		case "waiting":
			q = q.Where("closed_at is null and state in ?", []State{AwaitingConfirmation, Queued, AwaitingApplicant, AwaitingPayment, Decided})
		case "closed":
			q, order = q.Where("closed_at is not null"), "closed_at desc"
		default:
			q = q.Where("closed_at is null and (state = ? or (state = ? and assignee_id = ?))", Received, InReview, by.AccountID())
		}
		if f.Service != "" {
			q = q.Where("service_id = ?", f.Service)
		}
		if f.State != "" {
			q = q.Where("state = ?", f.State)
		}
		switch f.Due {
		case "late":
			q = q.Where("due_on < ? and paused_at is null", today)
		case "today":
			q = q.Where("due_on = ?", today)
		case "week":
			q = q.Where("due_on <= ?::date + 7", today)
		}
		if t := strings.TrimSpace(f.Search); t != "" {
			q = q.Where("(ref = upper(?) or applicant_name ilike '%' || ? || '%')", t, t)
		}
		if err := q.Count(&l.Total).Error; err != nil {
			return err
		}
		var rows []caseRow
		if err := q.Order(order).Limit(pageSize).Offset((f.Page - 1) * pageSize).Find(&rows).Error; err != nil {
			return err
		}
		l.Cases = unwrap(rows)
		return tx.DB().Raw(`select
			count(*) filter (where closed_at is null and (state = 'received' or (state = 'in_review' and assignee_id = ?))) as todo,
			count(*) filter (where closed_at is null and assignee_id = ?) as mine,
			count(*) filter (where closed_at is null) as office,
			count(*) filter (where closed_at is null and state in ('awaiting_confirmation', 'queued', 'awaiting_applicant', 'awaiting_payment', 'decided')) as waiting,
			count(*) filter (where state = 'received') as untaken,
			count(*) filter (where closed_at is null and due_on = ?) as due_today,
			count(*) filter (where closed_at is null and due_on < ? and paused_at is null) as late,
			count(*) filter (where closed_at >= ?::date - 7) as closed_in_week
			from cases where (closed_at is null or closed_at >= ?::date - 7) and `+where,
			append([]any{by.AccountID(), by.AccountID(), today, today, today, today}, args...)...).Scan(&l.Counts).Error
	}
	if f.Search == "" && !by.IsGuest() { // the day's work; what is opened from it is on the audit
		return l, s.DB.Read(ctx, by.Tenant(), read)
	}
	err := audit.Read(ctx, s.DB, by, "cases.searched", func(tx *tenancy.Tx) (string, map[string]any, error) {
		err := read(tx)
		return searched(f.Search), map[string]any{"found": l.Total}, err
	})
	return l, err
}

// searched is what a search leaves on the audit: the reference that was asked
// for, or only that it was a name. A name typed into a search is personal data
// itself, and the audit forgets nothing.
func searched(text string) string {
	if ref, err := swiss.ParseCaseRef(text); err == nil {
		return "case:" + string(ref)
	}
	return "desk:name"
}

// DeskCase reads a case of one of the actor's offices. Reading personal data
// is on the audit.
func (s *Service) DeskCase(ctx context.Context, by identity.Actor, ref string) (View, error) {
	var v View
	err := audit.Read(ctx, s.DB, by, "cases.read", func(tx *tenancy.Tx) (string, map[string]any, error) {
		c, err := ours(tx, by, ref, false)
		if err != nil {
			return "", nil, err
		}
		v, err = s.view(tx, c, true)
		return "case:" + c.Ref, nil, err
	})
	return v, err
}

// Take makes the actor the one who works on a case. Somebody else's can be
// taken over only by a colleague who says so (again).
func (s *Service) Take(ctx context.Context, by identity.Actor, ref string, over bool) error {
	return s.desk(ctx, by, ref, StepTake, func(tx *tenancy.Tx, c *Case) (string, string, error) {
		if c.AssigneeID != nil && *c.AssigneeID != by.AccountID() && !over {
			return "", "", ErrTaken.With("name", c.AssigneeName)
		}
		id := by.AccountID()
		c.AssigneeID, c.AssigneeName = &id, by.Name()
		return "taken", "", nil
	})
}

// Ask asks the applicant for a paper; the term stands still until the answer.
func (s *Service) Ask(ctx context.Context, by identity.Actor, ref, text string) error {
	return s.desk(ctx, by, ref, StepAsk, func(tx *tenancy.Tx, c *Case) (string, string, error) {
		text, err := words(text)
		if err != nil {
			return "", "", err
		}
		now := s.Clock.Now()
		c.PausedAt = &now
		if err := addRequest(tx, Request{ID: uuid.Must(uuid.NewV7()), CaseID: c.ID, Text: text, AskedBy: by.Name(), AskedAt: now}); err != nil {
			return "", "", err
		}
		return "asked", text, s.tell(tx, *c, notifications.MissingPaper, nil) // the words stay in the case
	})
}

// Note keeps a remark that only the office sees.
func (s *Service) Note(ctx context.Context, by identity.Actor, ref, text string) error {
	return s.in(ctx, by, func(tx *tenancy.Tx) error {
		c, err := ours(tx, by, ref, false)
		if err != nil {
			return err
		}
		if text, err = words(text); err != nil {
			return err
		}
		if err := addEvent(tx, Event{CaseID: c.ID, At: s.Clock.Now(), Kind: "noted", Actor: by.Name(), Official: true, Internal: true, Text: text}); err != nil {
			return err
		}
		return s.audited(tx, by, "cases.noted", c)
	})
}

// desk is the frame of every step an official makes.
func (s *Service) desk(ctx context.Context, by identity.Actor, ref string, step Step,
	do func(tx *tenancy.Tx, c *Case) (kind, text string, err error)) error {
	return s.in(ctx, by, func(tx *tenancy.Tx) error {
		c, err := ours(tx, by, ref, true)
		if err != nil {
			return err
		}
		if step != StepTake && (c.AssigneeID == nil || *c.AssigneeID != by.AccountID()) {
			return ErrNotMine
		}
		if err := c.move(step, s.Clock.Now()); err != nil {
			return err
		}
		kind, text, err := do(tx, &c)
		if err != nil {
			return err
		}
		if err := save(tx, c); err != nil {
			return err
		}
		return s.note(tx, by, c, kind, text, nil)
	})
}
