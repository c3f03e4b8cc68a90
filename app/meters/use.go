package meters

import (
	"context"
	"log/slog"
	"time"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// Current are the meters whose value is also known at any moment, for limits that
// cannot wait for tomorrow's reading.
var Current = []string{Storage, Mails}

// countedSince is the migration that made the tables. A commune that is not yet
// there counts nothing; it is counted afresh once it is.
const countedSince = 202611260400

// period names what a current value is the sum of: the month in Zurich, or
// everything for a level.
func period(meter string, at time.Time) string {
	if Level(meter) {
		return ""
	}
	return at.In(i18n.Zurich).Format("2006-01")
}

// monthBegins is when the month of t began in Zurich.
func monthBegins(t time.Time) time.Time {
	y, m, _ := t.In(i18n.Zurich).Date()
	return time.Date(y, m, 1, 0, 0, 0, 0, i18n.Zurich)
}

// NextMonth is when the next month begins in Zurich.
func NextMonth(t time.Time) time.Time { return monthBegins(t).AddDate(0, 1, 0) }

// Add counts n of a current meter in the transaction of what is counted; n may be
// negative for a level. It only queues an insert: no round trip of its own, and
// no row that two transactions would want at once.
func Add(tx *tenancy.Tx, meter string, at time.Time, n int64) {
	if n == 0 || tx.Tenant().SchemaVersion() < countedSince {
		return
	}
	tx.Queue("insert into use_changes (meter, period, n) values ($1, $2, $3)", meter, period(meter, at), n)
}

// Used is the value of a current meter: in the month of that moment, or for a
// level what there is. It reads one total and the changes of some minutes.
func Used(tx *tenancy.Tx, meter string, at time.Time) (n int64, err error) {
	if tx.Tenant().SchemaVersion() < countedSince {
		return 0, nil
	}
	err = tx.QueryRow(`select (coalesce((select n from use_totals where meter = $1 and period = $2), 0)
		+ coalesce((select sum(n) from use_changes where meter = $1 and period = $2), 0))::bigint`, meter, period(meter, at)).Scan(&n)
	return n, err
}

// Settle adds the changes up into the totals, and counts a meter from its tables
// where nothing has been counted yet: in a new month, after an import.
func (r *Readings) Settle(ctx context.Context, t tenancy.Tenant) error {
	if t.SchemaVersion() < countedSince {
		return nil
	}
	now, counted := r.Clock.Now(), 0
	if err := r.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		if _, err := tx.Exec(`with gone as (delete from use_changes returning meter, period, n)
			insert into use_totals as u (meter, period, n) select meter, period, sum(n) from gone group by meter, period order by meter, period
			on conflict (meter, period) do update set n = u.n + excluded.n`); err != nil {
			return err
		}
		counted = 0
		for _, name := range Current {
			var known bool
			if err := tx.QueryRow("select exists (select from use_counted where meter = $1 and period = $2)", name, period(name, now)).Scan(&known); err != nil {
				return err
			}
			if known {
				counted++
			}
		}
		return nil
	}); err != nil || counted == len(Current) {
		return err
	}
	_, err := r.Recount(ctx, t)
	return err
}

// Recount counts the current meters from their tables and corrects what they say.
// Rows and changes commit together, so one snapshot of both is exact however many
// people are writing. It tells how many values were wrong. A correction is logged:
// it means that somebody wrote a row and forgot to Add.
func (r *Readings) Recount(ctx context.Context, t tenancy.Tenant) (wrong int, err error) {
	if t.SchemaVersion() < countedSince {
		return 0, nil
	}
	now := r.Clock.Now()
	err = r.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		// The lock keeps a second recount out, and no writer; it comes before the
		// snapshot.
		if _, err := tx.Exec("set transaction isolation level repeatable read"); err != nil {
			return err
		}
		if _, err := tx.Exec("lock table use_counted in share update exclusive mode"); err != nil {
			return err
		}
		wrong = 0
		for _, name := range Current {
			right, err := r.recount(ctx, tx, name, now)
			if err != nil {
				return err
			}
			if !right {
				wrong++
			}
		}
		return nil
	})
	return wrong, err
}

func (r *Readings) recount(ctx context.Context, tx *tenancy.Tx, name string, now time.Time) (right bool, err error) {
	var real int64
	for _, m := range r.all {
		if m.Name != name {
			continue
		}
		n, err := m.Count(tx, monthBegins(now), NextMonth(now))
		if err != nil {
			return false, err
		}
		real += n
	}
	said, err := Used(tx, name, now)
	if err != nil {
		return false, err
	}
	first, err := tx.Exec("insert into use_counted (meter, period) values ($1, $2) on conflict do nothing", name, period(name, now))
	if err != nil {
		return false, err
	}
	Add(tx, name, now, real-said)
	if first == 0 && real != said {
		slog.WarnContext(ctx, "current use corrected", "commune", tx.Tenant().Slug(), "meter", name, "said", said, "counted", real)
	}
	return real == said, nil
}
