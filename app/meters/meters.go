// Package meters answers "how much": what each commune uses, day by day.
//
// It owns the registry of meters, the daily readings in the platform's schema,
// the schedule that takes them, and what storage and mails come to at this moment
// (use.go), which the writers of the counted rows keep up with Add. It does not own what a meter counts: the
// module that owns a table declares its meters, and migrations/tenant/tables.yaml
// names them beside the table; a test compares the two. What a reading costs is
// app/costs's concern.
//
// A reading is a number: how many in that day, or for a level (storage) how
// much at the moment of reading. It holds nothing of what was counted. Readings
// are never changed: a month stands as it was, also when the commune has been
// archived since. What is used now is sums of changes that commit with their rows,
// recounted with each day's reading. What may be used is app/quotas's concern.
package meters

import (
	"fmt"
	"slices"
	"time"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// The meters that exist. Texts call them meters.<name>.
const (
	Cases     = "cases"     // cases submitted
	Documents = "documents" // papers issued
	Storage   = "storage"   // bytes kept; a level
	Mails     = "mails"     // mails handed to the relay
	Seals     = "seals"     // papers sealed electronically
	Payments  = "payments"  // payments that went through
)

// Names are the meters in the order in which pages show them.
var Names = []string{Cases, Documents, Storage, Mails, Seals, Payments}

// Level reports whether a meter tells how much there is, not how much was
// added: a month's use is then the mean of its daily readings.
func Level(name string) bool { return name == Storage }

// Meter counts one table's share of what a commune uses. Several tables may
// add to one meter.
type Meter struct {
	Name  string
	Table string
	// Count counts what lies in [from, to), through an index. A level ignores
	// from and answers what there is.
	Count func(tx *tenancy.Tx, from, to time.Time) (int64, error)
}

// Counted is a Count of one statement whose two parameters are from and to.
func Counted(sql string) func(*tenancy.Tx, time.Time, time.Time) (int64, error) {
	return func(tx *tenancy.Tx, from, to time.Time) (n int64, err error) {
		err = tx.QueryRow(sql, from, to).Scan(&n)
		return n, err
	}
}

// Levelled is a Count of one statement without parameters.
func Levelled(sql string) func(*tenancy.Tx, time.Time, time.Time) (int64, error) {
	return func(tx *tenancy.Tx, _, _ time.Time) (n int64, err error) {
		err = tx.QueryRow(sql).Scan(&n)
		return n, err
	}
}

// Registry holds the meters of all modules.
type Registry struct{ all []Meter }

// Add takes a module's meters in. A name that is not in Names, or the same
// table twice for one meter, is a mistake of the program.
func (r *Registry) Add(list ...Meter) {
	for _, m := range list {
		if !slices.Contains(Names, m.Name) || m.Count == nil || slices.ContainsFunc(r.all, func(o Meter) bool { return o.Name == m.Name && o.Table == m.Table }) {
			panic(fmt.Sprintf("meters: %q of %q cannot be added", m.Name, m.Table))
		}
		r.all = append(r.all, m)
	}
}

// All lists the meters.
func (r *Registry) All() []Meter { return slices.Clone(r.all) }

// Day is the day of t in Zurich, at midnight UTC: what a date column holds.
func Day(t time.Time) time.Time {
	y, m, d := t.In(i18n.Zurich).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// begins is the moment at which a day begins in Zurich.
func begins(day time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, i18n.Zurich)
}
