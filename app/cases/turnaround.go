package cases

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Turnaround is how many cases of a service were answered on one day that were
// submitted on another. Days are the calendar's in Zurich.
type Turnaround struct {
	Service   string
	Submitted time.Time
	Answered  time.Time
	Cases     int
}

// answered is when a case had its answer: the ruling, or for a case without one
// its end.
const answered = "coalesce(decided_at, closed_at)"

// FigureQueries are what the figures of services ask of the cases, by name: a test
// of their plans sees to it that none looks at all of them.
var FigureQueries = map[string]string{
	"turnarounds": `select service_id, (submitted_at at time zone 'Europe/Zurich')::date, (` + answered + ` at time zone 'Europe/Zurich')::date, count(*)
		from cases where ` + answered + ` >= $1 and state <> 'withdrawn' group by 1, 2, 3`,
	"hours": `select service_id, percentile_cont(0.5) within group (order by extract(epoch from ` + answered + ` - submitted_at)) / 3600
		from cases where ` + answered + ` >= $1 and state <> 'withdrawn' group by service_id`,
	"asked": "select service_id, count(*) from cases where submitted_at >= $1 group by service_id",
}

// Turnarounds are the cases answered since a moment, withdrawn ones left out.
func Turnarounds(tx *tenancy.Tx, since time.Time) ([]Turnaround, error) {
	rows, err := tx.Query(FigureQueries["turnarounds"], since)
	if err != nil {
		return nil, fmt.Errorf("cases: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Turnaround])
}

// MedianHours is, by service, the median of hours from submission to answer of the
// cases answered since a moment, withdrawn ones left out.
func MedianHours(tx *tenancy.Tx, since time.Time) (map[string]float64, error) {
	return byService[float64](tx, FigureQueries["hours"], since)
}

// Asked is, by service, how many cases were submitted since a moment.
func Asked(tx *tenancy.Tx, since time.Time) (map[string]int, error) {
	return byService[int](tx, FigureQueries["asked"], since)
}

func byService[T any](tx *tenancy.Tx, sql string, since time.Time) (map[string]T, error) {
	rows, err := tx.Query(sql, since)
	if err != nil {
		return nil, fmt.Errorf("cases: %w", err)
	}
	out := map[string]T{}
	var service string
	var value T
	if _, err := pgx.ForEachRow(rows, []any{&service, &value}, func() error { out[service] = value; return nil }); err != nil {
		return nil, fmt.Errorf("cases: %w", err)
	}
	return out, nil
}
