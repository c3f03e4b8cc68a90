package outbox_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Three workers share the regular jobs, and a Redis that forgets everything all
// the time makes none of them run twice.
func TestRegularJobsRunOnceWhateverRedisForgets(t *testing.T) {
	b := setUp(t)
	var daily, often atomic.Int64
	count := func(n *atomic.Int64) outbox.OutsideHandler {
		return func(_ context.Context, c tenancy.Tenant, _ outbox.Job) error {
			if c == b.Lugano {
				n.Add(1)
			}
			return nil
		}
	}
	b.reg.Every("daily", 24*time.Hour, count(&daily))
	b.reg.Every("often", 400*time.Millisecond, count(&often))
	began := time.Now()
	for range 3 {
		b.run(t)
	}
	for time.Since(began) < 2*time.Second {
		if err := b.Redis.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	// Workers that start later do not begin the day again.
	b.run(t)
	eventually(t, "the frequent job runs on", func() bool { return often.Load() >= 3 })
	if n, most := often.Load(), int64(time.Since(began)/(360*time.Millisecond))+1; n > most {
		t.Errorf("the job of every 400 ms ran %d times, at most %d were due", n, most)
	}
	if n := daily.Load(); n != 1 {
		t.Errorf("the daily job ran %d times", n)
	}
}
