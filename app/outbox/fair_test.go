package outbox_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// A commune with thousands of jobs, and a slow kind of job, keep neither the
// neighbour nor the commune's other jobs waiting until they are through.
func TestManyJobsHoldUpNobodyElse(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	const jobs = 1500
	var bulk, neighbour, other atomic.Int64
	b.reg.Handle("bulk", func(ctx context.Context, tx *tenancy.Tx, _ outbox.Job) error {
		if tx.Tenant() == b.Chiasso {
			neighbour.CompareAndSwap(0, bulk.Load())
			return nil
		}
		bulk.Add(1)
		return nil
	})
	b.reg.Handle("other", func(context.Context, *tenancy.Tx, outbox.Job) error {
		other.CompareAndSwap(0, bulk.Load())
		return nil
	})
	if err := b.DB.In(t.Context(), b.Lugano, func(tx *tenancy.Tx) error {
		for range jobs {
			if err := b.out.Add(tx, "bulk", nil); err != nil {
				return err
			}
		}
		return b.out.Add(tx, "other", nil)
	}); err != nil {
		t.Fatal(err)
	}
	b.run(t)
	eventually(t, "the first jobs are done", func() bool { return bulk.Load() > 20 })
	if err := b.DB.In(t.Context(), b.Chiasso, func(tx *tenancy.Tx) error { return b.out.Add(tx, "bulk", nil) }); err != nil {
		t.Fatal(err)
	}
	before := bulk.Load()
	eventually(t, "all jobs are done", func() bool { return b.open(t, b.Lugano)+b.open(t, b.Chiasso) == 0 })
	if n := neighbour.Load() - before; n > jobs/3 {
		t.Errorf("%d of %d jobs went before the neighbour's only one", n, jobs)
	}
	if n := other.Load(); n > jobs/3 {
		t.Errorf("%d of %d jobs went before the commune's only other one", n, jobs)
	}
	if n := bulk.Load(); n != jobs {
		t.Errorf("%d jobs ran, want %d", n, jobs)
	}
}

// A row that was handed over twice, because its first ticket had to wait, is
// done by one of the tickets: what happens outside happens once.
func TestTwoTicketsOneEffectOutside(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	var did atomic.Int64
	b.reg.HandleOutside("letter", func(context.Context, tenancy.Tenant, outbox.Job) error {
		did.Add(1)
		time.Sleep(300 * time.Millisecond) // the other ticket comes meanwhile
		return nil
	})
	client := asynq.NewClientFromRedisClient(b.Redis)
	var id int64
	var version int64
	if err := b.DB.In(t.Context(), b.Lugano, func(tx *tenancy.Tx) error {
		return tx.QueryRow("insert into outbox (kind, payload, relayed_at) values ('letter', 'null', now()) returning id, (extract(epoch from relayed_at) * 1000000)::bigint").Scan(&id, &version)
	}); err != nil {
		t.Fatal(err)
	}
	for _, v := range []int64{version - 10_000_000, version} {
		body := fmt.Sprintf(`{"commune":%q,"id":%d,"version":%d}`, b.Lugano.Slug(), id, v)
		if _, err := client.EnqueueContext(t.Context(), asynq.NewTask("letter", []byte(body)), asynq.Queue("default"), asynq.MaxRetry(0)); err != nil {
			t.Fatal(err)
		}
	}
	b.run(t)
	eventually(t, "the letter is written", func() bool { return b.open(t, b.Lugano) == 0 })
	if n := did.Load(); n != 1 {
		t.Errorf("written %d times", n)
	}
}
