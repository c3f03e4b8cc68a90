package forms

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// retention is how long an answer is offered again after it was last given.
const retention = 365 * 24 * time.Hour

// meanings are what an answer may mean beyond its form, and the kinds of fields
// that ask it. Only what belongs to the person, changes seldom and is asked by
// more than one service has a place here; its title is the text
// forms.reuse.<meaning>.
var meanings = map[string][]string{
	"address":        {"place"},
	"bank_holder":    {"text"},
	"company":        {"company"},
	"contact":        {"person"},
	"dog_chip":       {"text"},
	"email":          {"email"},
	"employer":       {"text", "company"},
	"health_insurer": {"text"},
	"iban":           {"iban"},
	"landlord":       {"text"},
	"parcel":         {"parcel"},
	"phone":          {"phone"},
	"plate":          {"plate"},
	"profession":     {"text"},
	"uid":            {"uid"},
}

// Meanings are the names that a field's reuse may have, sorted.
func Meanings() []string { return slices.Sorted(maps.Keys(meanings)) }

// keptAnswer is an answer of an earlier request.
type keptAnswer struct {
	ID         uuid.UUID
	Meaning    string
	Kind       string
	Value      []byte
	AnsweredAt time.Time
	ExpiresAt  time.Time
}

// keptID is made of person and meaning: a newer answer replaces the older, and
// what is sealed stays bound to one row.
func keptID(account uuid.UUID, meaning string) uuid.UUID {
	return uuid.NewSHA1(account, []byte(meaning))
}

// keptPlace is what a sealed answer is bound to.
func keptPlace(id string) string { return "kept_answers/" + id }

// keptAnswers are those of the actor, by their meaning.
func (m *Module) keptAnswers(ctx context.Context, by identity.Actor) (map[string]keptAnswer, error) {
	var rows []keptAnswer
	var reads tenancy.Reads
	tenancy.Collect(&reads, &rows, pgx.RowToStructByPos[keptAnswer], `select id, meaning, kind, value, answered_at, expires_at from kept_answers
		where account_id = $1 and expires_at > $2`, by.AccountID(), m.Clock.Now())
	if err := m.DB.ReadTogether(ctx, by.Tenant(), &reads); err != nil || len(rows) == 0 {
		return nil, err
	}
	k, err := m.DB.Keys(ctx, by.Tenant())
	if err != nil {
		return nil, fmt.Errorf("forms: %w", err)
	}
	out := map[string]keptAnswer{}
	for _, row := range rows {
		if row.Value, err = k.OpenJSON(row.Value, keptPlace(row.ID.String())); err != nil {
			return nil, fmt.Errorf("forms: kept answer %s: %w", row.Meaning, err)
		}
		out[row.Meaning] = row
	}
	return out, nil
}

// offerKept fills fields that have no answer with what the person answered
// before, and says on which day. What does not fit the field's rule is left out.
func (f *Form) offerKept(answers Answers, kept map[string]keptAnswer, in Setting) (Answers, map[string]Day) {
	out, from := answers.Clone(), map[string]Day{}
	for id, fl := range f.fields {
		answer, known := kept[fl.Reuse]
		if _, given := out[id]; given || !known || fl.Reuse == "" || answer.Kind != fl.Kind {
			continue
		}
		value, err := fl.kind.Decode(fl.Field, answer.Value)
		if err != nil || value == nil {
			continue
		}
		if read, wrong := fl.kind.Read(fl.Field, fl.kind.Write(fl.Field, value), in); wrong == nil && read != nil {
			out[id], from[id] = read, DayOf(answer.AnsweredAt)
		}
	}
	return out, from
}

// forgetChanged drops where an answer came from once it is another.
func (d *Draft) forgetChanged(before Answers) {
	for id := range d.Facts.Reused {
		if !reflect.DeepEqual(before[id], d.Answers[id]) {
			delete(d.Facts.Reused, id)
		}
	}
}

// remember keeps the answers of a submitted request that the next one may ask
// again. It comes after the request: one that fails costs nobody anything.
func (m *Module) remember(ctx context.Context, by identity.Actor, f *Form, answers Answers) {
	now := m.Clock.Now()
	err := m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		k, err := tx.Keys()
		if err != nil {
			return err
		}
		for id, fl := range f.fields {
			if fl.Reuse == "" || answers[id] == nil {
				continue
			}
			key := keptID(by.AccountID(), fl.Reuse)
			data, err := json.Marshal(answers[id])
			if err == nil {
				data, err = k.SealJSON(data, keptPlace(key.String()))
			}
			if err != nil {
				return err
			}
			tx.Queue(`insert into kept_answers (id, account_id, meaning, kind, value, answered_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7)
				on conflict (id) do update set kind = excluded.kind, value = excluded.value, answered_at = excluded.answered_at, expires_at = excluded.expires_at`,
				key, by.AccountID(), fl.Reuse, fl.Kind, string(data), now, now.Add(retention))
		}
		return nil
	})
	if err != nil {
		slog.WarnContext(ctx, "answers were not kept for the next request", "commune", by.Tenant().Slug(), "error", err.Error())
	}
}

// forgetKept deletes what the actor answered before: one meaning, or all with "".
func (m *Module) forgetKept(ctx context.Context, by identity.Actor, meaning string) error {
	return m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		_, err := tx.Exec("delete from kept_answers where account_id = $1 and ($2 = '' or meaning = $2)", by.AccountID(), meaning)
		return err
	})
}
