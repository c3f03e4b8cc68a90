package notifications

import (
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/clean"
)

// row is a line of the log.
type row struct {
	Key, Template, Recipient, Lang string
	SentAt, RefusedAt              *time.Time
}

func (r row) over() bool { return r.SentAt != nil || r.RefusedAt != nil }

// insert writes the line of a new mail; fresh is false when the key is known.
func insert(tx *tenancy.Tx, m Message, now time.Time) (id int64, fresh bool, err error) {
	err = tx.QueryRow(`insert into notifications (key, template, recipient, lang, created_at)
		values ($1, $2, $3, $4, $5) on conflict (key) do nothing returning id`,
		m.Key, m.Template, m.To, m.Lang, now).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	return id, err == nil, err
}

func find(tx *tenancy.Tx, id int64) (r row, err error) {
	err = tx.QueryRow(`select key, template, recipient, lang, sent_at, refused_at from notifications where id = $1`, id).
		Scan(&r.Key, &r.Template, &r.Recipient, &r.Lang, &r.SentAt, &r.RefusedAt)
	return r, err
}

// finish notes that the mail was handed over, which counts, or refused for good.
// Two attempts that met count once.
func finish(tx *tenancy.Tx, id int64, messageID string, refusal error, now time.Time) error {
	if refusal != nil {
		_, err := tx.Exec("update notifications set refused_at = $2, error = $3 where id = $1", id, now, clean.Text(refusal.Error(), 500))
		return err
	}
	n, err := tx.Exec("update notifications set sent_at = $2, message_id = $3 where id = $1 and sent_at is null", id, now, messageID)
	if err == nil && n == 1 {
		meters.Add(tx, meters.Mails, now, 1)
	}
	return err
}
