package support

import (
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// Request is what a commune asks of the entity.
type Request struct {
	ID                     uuid.UUID
	Slug, Subject          string
	Priority, State        string
	By, Email              string
	At, FirstDue, SolveDue time.Time
	FirstAnswer, Solved    *time.Time
	Updated                time.Time
}

// Message is one contribution.
type Message struct {
	At     time.Time
	Author string
	Entity bool
	Text   string
}

// Times are the agreed times of a priority, in working hours.
type Times struct {
	Priority     string
	First, Solve int
	By           string
	At           time.Time
}

var errUnknown = problem.NotFound("support.unknown", "errors.404.text")

const columns = "select id, slug, subject, priority, state, opened_by, opened_email, created_at, first_due, solve_due, first_answer_at, solved_at, updated_at from support_requests "

func list(tx *tenancy.PlatformTx, where string, args ...any) ([]Request, error) {
	rows, err := tx.Query(columns+where, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Request])
}

// ofCommune lists a commune's own requests. The commune is its Tenant's, never
// a word of the address.
func ofCommune(tx *tenancy.PlatformTx, t tenancy.Tenant) ([]Request, error) {
	return list(tx, "where slug = $1 order by updated_at desc limit 200", t.Slug())
}

// oneOfCommune is one request of that commune; anybody else's is not found.
func oneOfCommune(tx *tenancy.PlatformTx, t tenancy.Tenant, id uuid.UUID) (Request, error) {
	return one(list(tx, "where slug = $1 and id = $2", t.Slug(), id))
}

// oneOfAll is any request: the entity's view.
func oneOfAll(tx *tenancy.PlatformTx, id uuid.UUID) (Request, error) {
	return one(list(tx, "where id = $1", id))
}

func one(found []Request, err error) (Request, error) {
	if err != nil {
		return Request{}, err
	}
	if len(found) == 0 {
		return Request{}, errUnknown
	}
	return found[0], nil
}

func messages(tx *tenancy.PlatformTx, id uuid.UUID) ([]Message, error) {
	rows, err := tx.Query("select at, author, entity, text from support_messages where request_id = $1 order by at, id limit 500", id)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Message])
}

func insert(tx *tenancy.PlatformTx, r Request) error {
	_, err := tx.Exec(`insert into support_requests (id, slug, subject, priority, state, opened_by, opened_email, created_at, first_due, solve_due, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $8)`, r.ID, r.Slug, r.Subject, r.Priority, r.State, r.By, r.Email, r.At, r.FirstDue, r.SolveDue)
	return err
}

func say(tx *tenancy.PlatformTx, request uuid.UUID, m Message) error {
	_, err := tx.Exec("insert into support_messages (id, request_id, at, author, entity, text) values ($1, $2, $3, $4, $5, $6)",
		uuid.Must(uuid.NewV7()), request, m.At, m.Author, m.Entity, m.Text)
	return err
}

// move notes where a request stands now.
func move(tx *tenancy.PlatformTx, id uuid.UUID, state string, now time.Time, answered bool) error {
	_, err := tx.Exec(`update support_requests set state = $2, updated_at = $3,
		solved_at = case when $2 = 'solved' then $3::timestamptz end,
		first_answer_at = case when $4 then coalesce(first_answer_at, $3) else first_answer_at end where id = $1`, id, state, now, answered)
	return err
}

// standard are the times before any was agreed.
var standard = map[string]Times{Urgent: {Urgent, 2, 8, "", time.Time{}}, Normal: {Normal, 8, 40, "", time.Time{}}, Low: {Low, 16, 80, "", time.Time{}}}

func times(tx *tenancy.PlatformTx) (map[string]Times, error) {
	rows, err := tx.Query("select distinct on (priority) priority, first_hours, solve_hours, decided_by, decided_at from support_times order by priority, id desc")
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Times])
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	out := map[string]Times{}
	for _, p := range Priorities {
		out[p] = standard[p]
	}
	for _, t := range found {
		out[t.Priority] = t
	}
	return out, err
}
