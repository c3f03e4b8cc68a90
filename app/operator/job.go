package operator

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// JobState is where a job stands.
type JobState string

// The states of a job.
const (
	JobWaiting JobState = "waiting"
	JobRunning JobState = "running"
	JobDone    JobState = "done"
	JobFailed  JobState = "failed"
)

// Job is long work on a commune, asked for on the console.
type Job struct {
	ID        uuid.UUID
	Kind      string
	Slug      string
	Payload   json.RawMessage
	State     JobState
	Progress  int // percent
	Steps     []Step
	Message   string
	AskedBy   string
	Attempts  int // how often a worker has begun it
	CreatedAt time.Time
	Finished  *time.Time
}

// Step is one thing done on the way.
type Step struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"` // a text key, operator.step.<Text>
	Note string    `json:"note,omitempty"`
}

// name is what the commune of the job will be called.
func (j Job) name(fsys fs.FS) string {
	var p openPayload
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return j.Slug
	}
	if p.Form != nil {
		return p.Form.Name
	}
	if f, err := site.ReadFolder(fsys, p.Dir); err == nil {
		return f.Commune.Name
	}
	return j.Slug
}

// kindOpen opens a commune.
const kindOpen = "open"

// abandoned is how long a running job may be silent before another worker
// takes it up again.
const abandoned = 30 * time.Second

// enqueue writes a job.
func enqueue(ctx context.Context, db *tenancy.DB, kind, slug, by string, payload any) (uuid.UUID, error) {
	body, err := json.Marshal(payload)
	if err != nil {
		return uuid.Nil, err
	}
	id := uuid.Must(uuid.NewV7())
	return id, db.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		_, err := tx.Exec("insert into jobs (id, kind, slug, payload, asked_by) values ($1, $2, $3, $4, $5)", id, kind, slug, string(body), by)
		return err
	})
}

// maxAttempts is how often a job is begun before it is given up: each but the first
// means that a worker ended in the middle.
const maxAttempts = 5

// claim takes the oldest job that waits or was abandoned; nil when none does.
func claim(ctx context.Context, db *tenancy.DB) (*Job, error) {
	var j Job
	err := db.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		// Two jobs of one commune never run at the same time.
		return tx.QueryRow(`update jobs set state = 'running', heartbeat_at = now(), attempts = attempts + 1 where id = (
			select id from jobs j where (state = 'waiting' or (state = 'running' and heartbeat_at < now() - make_interval(secs => $1)))
			and not exists (select from jobs o where o.slug = j.slug and o.id <> j.id and o.state = 'running' and o.heartbeat_at >= now() - make_interval(secs => $1))
			order by created_at limit 1 for update skip locked)
			returning id, kind, slug, payload::text, asked_by, attempts`, abandoned.Seconds()).
			Scan(&j.ID, &j.Kind, &j.Slug, &j.Payload, &j.AskedBy, &j.Attempts)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return &j, err
}

// alive is a worker's sign of life during a long step.
func alive(ctx context.Context, db *tenancy.DB, id uuid.UUID) error {
	return db.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		_, err := tx.Exec("update jobs set heartbeat_at = now() where id = $1 and state = 'running'", id)
		return err
	})
}

// progress notes a step; it is also the worker's sign of life.
func progress(ctx context.Context, db *tenancy.DB, id uuid.UUID, percent int, s Step) error {
	body, err := json.Marshal([]Step{s})
	if err != nil {
		return err
	}
	return db.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		_, err := tx.Exec("update jobs set progress = $2, steps = steps || $3::jsonb, heartbeat_at = now() where id = $1", id, percent, string(body))
		return err
	})
}

// finish closes a job. message says in one sentence what went wrong.
func finish(ctx context.Context, db *tenancy.DB, id uuid.UUID, state JobState, message string) error {
	return db.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		_, err := tx.Exec(`update jobs set state = $2, message = $3, finished_at = now(),
			progress = case when $2 = 'done' then 100 else progress end where id = $1`, id, string(state), message)
		return err
	})
}

const jobColumns = "id, kind, slug, payload::text, state, progress, steps::text, message, asked_by, created_at, finished_at"

func scanJob(row pgx.Row) (j Job, err error) {
	var payload, steps string
	if err = row.Scan(&j.ID, &j.Kind, &j.Slug, &payload, &j.State, &j.Progress, &steps, &j.Message, &j.AskedBy, &j.CreatedAt, &j.Finished); err != nil {
		return j, err
	}
	j.Payload = json.RawMessage(payload)
	return j, json.Unmarshal([]byte(steps), &j.Steps)
}

// jobByID reads one job; nil when there is none.
func jobByID(ctx context.Context, db *tenancy.DB, id uuid.UUID) (*Job, error) {
	var j Job
	err := db.Platform(ctx, func(tx *tenancy.PlatformTx) (err error) {
		j, err = scanJob(tx.QueryRow("select "+jobColumns+" from jobs where id = $1", id))
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return &j, err
}

// recentJobs lists the newest jobs; slug "" means of all communes.
func recentJobs(ctx context.Context, db *tenancy.DB, slug string) ([]Job, error) {
	var out []Job
	err := db.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		rows, err := tx.Query("select "+jobColumns+" from jobs where $1 = '' or slug = $1 order by created_at desc limit 10", slug)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			j, err := scanJob(rows)
			if err != nil {
				return err
			}
			out = append(out, j)
		}
		return rows.Err()
	})
	return out, err
}
