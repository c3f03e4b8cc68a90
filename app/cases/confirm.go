package cases

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/contingents"
	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/notifications"
	"github.com/sportello-ticino/sportello/app/registers"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/swiss"
)

// other is a person whom a request names and who must confirm it.
type other struct {
	Item      int    `json:"-"` // which of the persons in the answer, from 0
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Born      string `json:"born"`
	AVS       string `json:"avs"`
	Email     string `json:"email"`
}

func (o other) name() string { return strings.TrimSpace(o.FirstName + " " + o.LastName) }

// named are the persons of an answer that a confirmation is about, in their order.
func named(conf catalogue.Confirmation, answers forms.Answers) ([]other, error) {
	group, field := conf.Persons()
	data, err := json.Marshal(answers[group])
	if err != nil {
		return nil, fmt.Errorf("cases: %w", err)
	}
	var items []map[string]json.RawMessage
	if err := json.Unmarshal(data, &items); err != nil {
		return nil, fmt.Errorf("cases: persons of %s: %w", conf.Of, err)
	}
	out := make([]other, len(items))
	for i, item := range items {
		if err := json.Unmarshal(item[field], &out[i]); err != nil {
			return nil, fmt.Errorf("cases: person %d of %s: %w", i, conf.Of, err)
		}
		out[i].Item = i
		out[i].Email, _ = identity.NormalEmail(out[i].Email)
	}
	return out, nil
}

// others are the persons of a new case who must confirm it: all but the applicant,
// who is the first one with the applicant's name or address. Errors: ErrSamePerson.
func others(def catalogue.Definition, c Case, applicant *identity.Account) ([]other, error) {
	if def.Confirmation == nil {
		return nil, nil
	}
	all, err := named(*def.Confirmation, c.Answers)
	if err != nil || applicant == nil {
		return nil, err
	}
	var out []other
	self := false
	for _, o := range all {
		if !self && (o.Email == applicant.Email || sameName(o.name(), applicant.FullName())) {
			self = true
			continue
		}
		out = append(out, o)
	}
	for i, o := range out {
		if o.Email == applicant.Email {
			return nil, ErrSamePerson
		}
		for _, before := range out[:i] {
			if o.Email == before.Email {
				return nil, ErrSamePerson
			}
		}
	}
	return out, nil
}

// sameName compares names as people type them: without accents, capitals and
// hyphens.
func sameName(a, b string) bool { return folded(a) == folded(b) && folded(a) != "" }

func folded(name string) string {
	var plain strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(name)) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case r == '-':
			plain.WriteByte(' ')
		default:
			plain.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(plain.String()), " ")
}

// await lets a new case wait for other persons: nothing is decided, owed or counted
// until they have confirmed.
func (c *Case) await() {
	paused := c.SubmittedAt
	c.State, c.Ruling, c.Payment, c.Fee, c.FeeLines, c.PausedAt = AwaitingConfirmation, "", NoPayment, 0, []rules.Line{}, &paused
}

// confirmation is a row of case_confirmations.
type confirmation struct {
	ID         uuid.UUID
	CaseID     uuid.UUID
	Item       int
	State      string
	AccountID  *uuid.UUID
	AskedAt    time.Time
	ExpiresAt  time.Time
	AnsweredAt *time.Time
}

// The states of a confirmation.
const (
	confirmWaiting   = "waiting"
	confirmConfirmed = "confirmed"
	confirmRefused   = "refused"
)

// askOthers writes to the persons who must confirm a case that was just stored.
func (s *Service) askOthers(tx *tenancy.Tx, by identity.Actor, c Case, conf catalogue.Confirmation, ask []other) error {
	if err := s.note(tx, by, c, "submitted", "", nil); err != nil {
		return err
	}
	until := c.SubmittedAt.AddDate(0, 0, conf.Days)
	for _, o := range ask {
		token, hash := newToken()
		tx.Queue("insert into case_confirmations (id, case_id, item, state, token_hash, asked_at, expires_at) values ($1, $2, $3, 'waiting', $4, $5, $6)",
			uuid.Must(uuid.NewV7()), c.ID, o.Item, hash, c.SubmittedAt, until)
		if err := s.invite(tx, c, o, notifications.ConfirmAsked, token, until); err != nil {
			return err
		}
		if err := s.note(tx, identity.System(tx.Tenant()), c, "confirm-asked", o.name(), nil); err != nil {
			return err
		}
	}
	return nil
}

func newToken() (token string, hash []byte) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails: crypto/rand ends the program instead
	token = base64.RawURLEncoding.EncodeToString(raw)
	return token, tokenHash(token)
}

func tokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// invite mails a link that lets one person answer. The mail says who asks and for
// what, and nothing else of the request.
func (s *Service) invite(tx *tenancy.Tx, c Case, o other, template, token string, until time.Time) error {
	return s.Notifications.Send(tx, notifications.Message{To: o.Email, Template: template, Lang: c.Lang, Key: template + ":" + c.ID.String() + ":" + token[:8],
		Params: map[string]string{"name": o.name(), "who": c.ApplicantName, "service": c.ServiceTitle.In(c.Lang), "until": i18n.LongDateIn(c.Lang, until),
			"link": s.URL(tx.Tenant(), "/area/conferme/"+token)}})
}

// Asking is a request that somebody is asked to confirm, with what was answered.
type Asking struct {
	Case  Case
	Name  string // of who is asked
	Until time.Time
	State string // waiting, confirmed, refused
	Open  bool   // an answer is still waited for
}

// Asked reads what a mailed link asks of the actor. Nothing of the case is shown to
// anybody but the named person. Errors: ErrNoConfirmation, ErrConfirmLevel.
func (s *Service) Asked(ctx context.Context, by identity.Actor, token string) (a Asking, err error) {
	account, subject, _, err := s.subject(ctx, by)
	if err != nil {
		return a, err
	}
	err = s.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		_, a, err = s.asked(tx, by, account, subject, token, false)
		return err
	})
	return a, err
}

// asked finds the confirmation behind a link and sees to it that the actor is the
// person it is for.
func (s *Service) asked(tx *tenancy.Tx, by identity.Actor, account *identity.Account, subject *registers.Person, token string, lock bool) (r confirmation, a Asking, err error) {
	if account == nil || len(token) != 43 {
		return r, a, ErrNoConfirmation
	}
	// The case is locked first, as everywhere; the row is read again below it.
	caseID, err := confirmationCase(tx, tokenHash(token))
	if err != nil {
		return r, a, err
	}
	c, err := byID(tx, caseID, lock)
	if err != nil {
		return r, a, err
	}
	if r, err = confirmationByToken(tx, tokenHash(token)); err != nil {
		return r, a, err
	}
	def, err := definition(tx, c)
	if err != nil {
		return r, a, err
	}
	if def.Confirmation == nil || by.AccountID() == c.ApplicantID {
		return r, a, ErrNoConfirmation
	}
	all, err := named(*def.Confirmation, c.Answers)
	if err != nil || r.Item >= len(all) {
		return r, a, errors.Join(err, ErrNoConfirmation)
	}
	o, waiting := all[r.Item], r.State == confirmWaiting
	switch {
	case !waiting: // who has answered may read it again
		if r.AccountID == nil || *r.AccountID != by.AccountID() {
			return r, a, ErrNoConfirmation
		}
	case r.ExpiresAt.Before(s.Clock.Now()):
		return r, a, ErrNoConfirmation
	case by.Level() < def.SubmitLevel() && account.Email == o.Email:
		return r, a, ErrConfirmLevel.With("level", def.SubmitLevel(), "have", by.Level())
	case by.Level() < def.SubmitLevel(), !o.is(*account, subject):
		return r, a, ErrNoConfirmation
	}
	return r, Asking{Case: c, Name: o.name(), Until: r.ExpiresAt, State: r.State, Open: waiting && c.State == AwaitingConfirmation}, nil
}

// is reports whether an account is the named person's. Who was checked must have
// the number, or the name and the birthday, that the request says; of who was not
// the name is only said, so the address must be the one that was written to.
func (o other) is(a identity.Account, subject *registers.Person) bool {
	if a.Level >= identity.LevelVerified && a.AVS != nil {
		if number, err := swiss.ParseAVS(o.AVS); err == nil {
			own, err := swiss.ParseAVS(*a.AVS)
			return err == nil && own == number
		}
	}
	if !sameName(o.name(), a.FullName()) {
		return false
	}
	if subject != nil {
		return subject.Born == o.Born
	}
	return a.Email == o.Email
}

// Answer confirms or refuses a request that names the actor, with a word that a
// refusal needs. Once everybody has confirmed the request goes on as if it came in
// now; one refusal ends it. Errors: those of Asked, ErrState, ErrText.
func (s *Service) Answer(ctx context.Context, by identity.Actor, token string, yes bool, text string) error {
	text = strings.TrimSpace(text)
	if !yes || text != "" {
		var err error
		if text, err = words(text); err != nil {
			return err
		}
	}
	account, subject, _, err := s.subject(ctx, by)
	if err != nil {
		return err
	}
	return s.in(ctx, by, func(tx *tenancy.Tx) error {
		r, a, err := s.asked(tx, by, account, subject, token, true)
		if err != nil {
			return err
		}
		if !a.Open {
			return ErrState
		}
		state, kind := confirmRefused, "confirm-refused"
		if yes {
			state, kind = confirmConfirmed, "confirm-given"
		}
		if _, err := tx.Exec("update case_confirmations set state = $2, account_id = $3, answered_at = $4 where id = $1", r.ID, state, by.AccountID(), s.Clock.Now()); err != nil {
			return err
		}
		c := a.Case
		if err := addEvent(tx, Event{CaseID: c.ID, At: s.Clock.Now(), Kind: kind, Actor: a.Name, Text: text}); err != nil {
			return err
		}
		if err := s.audited(tx, by, "cases."+kind, c); err != nil {
			return err
		}
		if !yes {
			return s.unconfirmed(tx, c)
		}
		return s.confirmed(tx, c)
	})
}

// confirmed lets a case go on once nobody else is waited for.
func (s *Service) confirmed(tx *tenancy.Tx, c Case) error {
	var left int
	if err := tx.QueryRow("select count(*) from case_confirmations where case_id = $1 and state = 'waiting'", c.ID).Scan(&left); err != nil || left > 0 {
		return err
	}
	if err := c.move(StepAgree, s.Clock.Now()); err != nil {
		return err
	}
	claim, found, err := contingents.Of(tx, c.ID)
	if err != nil {
		return err
	}
	if found && claim.State == contingents.Waiting {
		c.State = Queued
		if err := save(tx, c); err != nil {
			return err
		}
		if err := s.note(tx, identity.System(tx.Tenant()), c, "queued", "", nil); err != nil {
			return err
		}
		return s.tell(tx, c, notifications.CaseQueued, nil)
	}
	if err := s.start(tx, &c); err != nil {
		return err
	}
	return s.tell(tx, c, notifications.ConfirmGiven, nil)
}

// unconfirmed ends a case that somebody it names did not confirm.
func (s *Service) unconfirmed(tx *tenancy.Tx, c Case) error {
	if err := c.move(StepWithdraw, s.Clock.Now()); err != nil {
		return err
	}
	if err := save(tx, c); err != nil {
		return err
	}
	if _, err := tx.Exec("update case_confirmations set state = 'over' where case_id = $1 and state = 'waiting'", c.ID); err != nil {
		return err
	}
	if err := s.giveBack(tx, c); err != nil {
		return err
	}
	return s.tell(tx, c, notifications.ConfirmEnded, nil)
}
