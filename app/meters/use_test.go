package meters_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
	"github.com/sportello-ticino/sportello/pkg/clock"
)

// store is a commune whose mails are the rows of a month and whose storage is
// seven bytes per row.
type store struct {
	*tenancytest.Env
	*meters.Readings
	now *clock.Fake
}

func openStore(t *testing.T) *store {
	t.Helper()
	s := &store{Env: tenancytest.New(t), now: clock.NewFake(time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC))}
	s.Readings = &meters.Readings{DB: s.Env.DB, Clock: s.now}
	s.Add(meters.Meter{Name: meters.Mails, Table: "notifications", Count: meters.Counted("select count(*) from notifications where sent_at >= $1 and sent_at < $2")},
		meters.Meter{Name: meters.Storage, Table: "notifications", Count: meters.Levelled("select 7 * count(*) from notifications")})
	return s
}

func (s *store) in(t *testing.T, c tenancy.Tenant, fn func(tx *tenancy.Tx) error) {
	t.Helper()
	if err := s.Env.DB.In(t.Context(), c, fn); err != nil {
		t.Error(err)
	}
}

// mail writes a row; counted as it should be, or behind the counter's back.
func (s *store) mail(t *testing.T, c tenancy.Tenant, key string, counted bool) {
	t.Helper()
	s.in(t, c, func(tx *tenancy.Tx) error {
		if _, err := tx.Exec("insert into notifications (key, template, recipient, lang, created_at, sent_at) values ($1, 'x', 'a@example.example', 'it', $2, $2)", key, s.now.Now()); err != nil {
			return err
		}
		if counted {
			meters.Add(tx, meters.Mails, s.now.Now(), 1)
			meters.Add(tx, meters.Storage, s.now.Now(), 7)
		}
		return nil
	})
}

func (s *store) used(t *testing.T, c tenancy.Tenant, meter string) (n int64) {
	t.Helper()
	s.in(t, c, func(tx *tenancy.Tx) (err error) {
		n, err = meters.Used(tx, meter, s.now.Now())
		return err
	})
	return n
}

// Sixteen writers, while the changes are added up and recounted all the time: the
// counter is exact, and the neighbour's does not move.
func TestWhatIsUsedIsExactWhileManyWrite(t *testing.T) {
	s := openStore(t)
	if err := s.Settle(t.Context(), s.Lugano); err != nil {
		t.Fatal(err)
	}
	const writers, each = 16, 25
	var writing, looking sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		looking.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := s.Settle(t.Context(), s.Lugano); err != nil {
					t.Error(err)
				}
				if wrong, err := s.Recount(t.Context(), s.Lugano); err != nil || wrong != 0 {
					t.Errorf("a recount under way finds %d wrong values: %v", wrong, err)
				}
			}
		})
	}
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				s.mail(t, s.Lugano, time.Duration(w*each+i).String(), true)
			}
		})
	}
	writing.Wait()
	close(stop)
	looking.Wait()
	if got := s.used(t, s.Lugano, meters.Mails); got != writers*each {
		t.Errorf("%d mails, want %d", got, writers*each)
	}
	if got := s.used(t, s.Lugano, meters.Storage); got != 7*writers*each {
		t.Errorf("%d bytes, want %d", got, 7*writers*each)
	}
	if got := s.used(t, s.Chiasso, meters.Mails) + s.used(t, s.Chiasso, meters.Storage); got != 0 {
		t.Errorf("the neighbour uses %d", got)
	}
	if err := s.Settle(t.Context(), s.Lugano); err != nil {
		t.Fatal(err)
	}
	s.in(t, s.Lugano, func(tx *tenancy.Tx) error {
		var left int
		err := tx.QueryRow("select count(*) from use_changes").Scan(&left)
		if left != 0 {
			t.Errorf("%d changes are left", left)
		}
		return err
	})
}

// A rollback counts nothing; what was there before is counted at the first look;
// a counter that is wrong is repaired; a new month begins at nothing, a level goes on.
func TestWhatIsUsedIsRepaired(t *testing.T) {
	s := openStore(t)
	s.mail(t, s.Lugano, "before", false)
	_ = s.Env.DB.In(t.Context(), s.Lugano, func(tx *tenancy.Tx) error {
		meters.Add(tx, meters.Mails, s.now.Now(), 1000)
		return tenancy.ErrUnknown
	})
	check := func(when string, mails, bytes int64) {
		t.Helper()
		if m, b := s.used(t, s.Lugano, meters.Mails), s.used(t, s.Lugano, meters.Storage); m != mails || b != bytes {
			t.Errorf("%s: %d mails, %d bytes; want %d, %d", when, m, b, mails, bytes)
		}
	}
	check("before the first look", 0, 0)
	for range 2 {
		if err := s.Settle(t.Context(), s.Lugano); err != nil {
			t.Fatal(err)
		}
		check("after the first look", 1, 7)
	}
	s.in(t, s.Lugano, func(tx *tenancy.Tx) error {
		_, err := tx.Exec("update use_totals set n = n + 500")
		return err
	})
	s.mail(t, s.Lugano, "forgotten", false)
	check("wrong", 501, 507)
	var found atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			wrong, err := s.Recount(t.Context(), s.Lugano)
			if err != nil {
				t.Error(err)
			}
			found.Add(int64(wrong))
		})
	}
	all.Wait()
	check("recounted", 2, 14)
	if found.Load() != 2 {
		t.Errorf("%d corrections of two values", found.Load())
	}
	s.now.Set(time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC)) // in Zurich it is December
	check("in the next month", 0, 14)
	s.mail(t, s.Lugano, "december", true)
	if err := s.Settle(t.Context(), s.Lugano); err != nil {
		t.Fatal(err)
	}
	check("in the next month", 1, 21)
}

// Counts of two processes come together, and one that begins learns the sum.
func TestATallyIsSharedByProcesses(t *testing.T) {
	e := tenancytest.New(t)
	tally := func() *meters.Tally {
		return &meters.Tally{DB: e.DB, Write: `insert into api_calls as c (slug, day, n) values ($1, $2, $3)
			on conflict (slug, day) do update set n = c.n + excluded.n returning n`}
	}
	day := meters.Day(time.Now())
	a, b := tally(), tally()
	for range 10 {
		a.Add(e.Lugano, day)
		a.Add(e.Chiasso, day)
		b.Add(e.Chiasso, day)
		b.Add(e.Lugano, day)
	}
	wait := func(what string, ok func() bool) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal(what)
			}
		}
	}
	wait("the counts are not written", func() bool {
		var n int64
		if err := e.DB.Platform(t.Context(), func(tx *tenancy.PlatformTx) error {
			return tx.QueryRow("select coalesce(sum(n), 0)::bigint from api_calls").Scan(&n)
		}); err != nil {
			t.Fatal(err)
		}
		return n == 40
	})
	late := tally()
	late.Add(e.Lugano, day)
	wait("a process that begins does not learn the sum", func() bool { return late.Sum(e.Lugano, day) == 21 })
	if n := late.Add(e.Lugano, day.AddDate(0, 0, 1)); n != 1 || late.Sum(e.Lugano, day) != 0 {
		t.Errorf("the next day begins at %d", n)
	}
}
