package cases

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/swiss"
)

// The tables' names do not follow from the types' names.
type (
	caseRow    struct{ Case }
	eventRow   struct{ Event }
	requestRow struct{ Request }
)

func (caseRow) TableName() string    { return "cases" }
func (eventRow) TableName() string   { return "case_events" }
func (requestRow) TableName() string { return "case_requests" }

// insert gives the case a reference nobody has and stores it.
func insert(tx *tenancy.Tx, c *Case) error {
	kept, err := sealed(tx, *c)
	if err != nil {
		return err
	}
	for range 5 {
		ref, err := swiss.NewCaseRef(tx.Tenant().RefPrefix(), c.SubmittedAt.Year(), rand.Reader)
		if err != nil {
			return err
		}
		c.Ref = string(ref)
		n, err := tx.Exec(`insert into cases (id, ref, draft_id, service_id, service_version, definition_hash, service_title, service_kind, office,
			applicant_id, applicant_name, lang, answers, rows, outcome, subject, state, ruling, payment, fee, fee_lines, fee_demo, decision, note,
			due_on, paused_at, submitted_at, closed_at, updated_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29)
			on conflict (ref) do nothing`,
			c.ID, c.Ref, c.DraftID, c.ServiceID, c.ServiceVersion, c.DefinitionHash, c.ServiceTitle, c.ServiceKind, c.Office,
			c.ApplicantID, c.ApplicantName, c.Lang, kept.Answers, kept.Rows, kept.Outcome, kept.Subject, c.State, c.Ruling, c.Payment, c.Fee, c.FeeLines, c.FeeDemo, kept.Decision, c.Note,
			c.DueOn, c.PausedAt, c.SubmittedAt, c.ClosedAt, c.UpdatedAt)
		if err != nil || n == 1 {
			return err
		}
	}
	return errors.New("cases: no free reference after five tries")
}

func save(tx *tenancy.Tx, c Case) error {
	kept, err := sealed(tx, c)
	if err != nil {
		return err
	}
	return tx.DB().Save(&caseRow{kept}).Error
}

// byRef reads one case; lock keeps others from changing it in the meantime.
func byRef(tx *tenancy.Tx, ref string, lock bool) (Case, error) {
	return one(tx, lock, "ref = ?", ref)
}

func byID(tx *tenancy.Tx, id uuid.UUID, lock bool) (Case, error) { return one(tx, lock, "id = ?", id) }

func one(tx *tenancy.Tx, lock bool, where string, args ...any) (Case, error) {
	q := tx.DB().Where(where, args...)
	if lock {
		q = q.Clauses(clause.Locking{Strength: "UPDATE"})
	}
	var r caseRow
	err := q.Take(&r).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return Case{}, ErrNotFound
	}
	if err != nil {
		return Case{}, err
	}
	return r.Case, unseal(tx, &r.Case)
}

func byDraft(tx *tenancy.Tx, draft uuid.UUID) (Case, bool, error) {
	c, err := one(tx, false, "draft_id = ?", draft)
	if errors.Is(err, ErrNotFound) {
		return c, false, nil
	}
	return c, err == nil, err
}

// readOwn reads the newest cases of an account as lists show them: what was asked,
// where it stands, what is due. Answers, rules and decision stay unread.
func readOwn(r *tenancy.Reads, account uuid.UUID, limit int, into *[]Case) {
	tenancy.Collect(r, into, func(row pgx.CollectableRow) (c Case, err error) {
		err = row.Scan(&c.ID, &c.Ref, &c.ServiceTitle, &c.State, &c.Ruling, &c.Payment, &c.Fee, &c.DueOn, &c.PausedAt, &c.SubmittedAt)
		return c, err
	}, `select id, ref, service_title, state, ruling, payment, fee, due_on, paused_at, submitted_at
		from cases where applicant_id = $1 order by submitted_at desc limit $2`, account, limit)
}

func unwrap(rows []caseRow) []Case {
	out := make([]Case, len(rows))
	for i, r := range rows {
		out[i] = r.Case
	}
	return out
}

func addEvent(tx *tenancy.Tx, e Event) error {
	if e.Params == nil {
		e.Params = map[string]string{}
	}
	e, err := sealedEvent(tx, e)
	if err != nil {
		return err
	}
	tx.Queue("insert into case_events (case_id, at, kind, actor, official, internal, text, params) values ($1, $2, $3, $4, $5, $6, $7, $8)",
		e.CaseID, e.At, e.Kind, e.Actor, e.Official, e.Internal, e.Text, e.Params)
	return nil
}

func events(tx *tenancy.Tx, id uuid.UUID, internal bool) ([]Event, error) {
	q := tx.DB().Where("case_id = ?", id).Order("id desc").Limit(200)
	if !internal {
		q = q.Where("not internal")
	}
	var rows []eventRow
	err := q.Find(&rows).Error
	if err != nil {
		return nil, err
	}
	k, err := tx.Keys()
	if err != nil {
		return nil, err
	}
	out := make([]Event, len(rows))
	for i, r := range rows {
		out[i] = r.Event
		if err := out[i].parts(k.OpenText, k.OpenJSON); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func requests(tx *tenancy.Tx, id uuid.UUID) ([]Request, error) {
	var rows []requestRow
	err := tx.DB().Where("case_id = ?", id).Order("asked_at desc").Limit(50).Find(&rows).Error
	if err != nil {
		return nil, err
	}
	k, err := tx.Keys()
	if err != nil {
		return nil, err
	}
	out := make([]Request, len(rows))
	for i, r := range rows {
		out[i] = r.Request
		if err := out[i].parts(k.OpenText); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func addRequest(tx *tenancy.Tx, r Request) error {
	r, err := sealedRequest(tx, r)
	if err != nil {
		return err
	}
	return tx.DB().Create(&requestRow{r}).Error
}

// answerRequest closes the open request of a case and returns it.
func answerRequest(tx *tenancy.Tx, id uuid.UUID, reply string, now time.Time) (Request, error) {
	var r requestRow
	err := tx.DB().Where("case_id = ? and answered_at is null", id).Take(&r).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return Request{}, ErrState
	}
	if err != nil {
		return Request{}, err
	}
	k, err := tx.Keys()
	if err != nil {
		return Request{}, err
	}
	if err := r.parts(k.OpenText); err != nil {
		return Request{}, err
	}
	r.Reply, r.AnsweredAt = reply, &now
	kept, err := sealedRequest(tx, r.Request)
	if err != nil {
		return Request{}, err
	}
	return r.Request, tx.DB().Save(&requestRow{kept}).Error
}

// definition is the service as it was when the case was made.
func definition(tx *tenancy.Tx, c Case) (catalogue.Definition, error) {
	var def catalogue.Definition
	var raw string
	if err := tx.QueryRow("select definition::text from case_definitions where hash = $1", c.DefinitionHash).Scan(&raw); err != nil {
		return def, err
	}
	return def, json.Unmarshal([]byte(raw), &def)
}

func hasEvent(tx *tenancy.Tx, id uuid.UUID, kind string) (yes bool, err error) {
	err = tx.QueryRow("select exists (select from case_events where case_id = $1 and kind = $2)", id, kind).Scan(&yes)
	return yes, err
}
