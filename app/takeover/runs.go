package takeover

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// State is where a take-over stands.
type State string

// The states of a take-over: a try keeps nothing; what was tried without a problem
// may be kept.
const (
	Trying  State = "trying"
	Tried   State = "tried"
	Keeping State = "keeping"
	Kept    State = "kept"
	Failed  State = "failed" // the files, or a line that was good when it was tried
)

// Run is one take-over from the console.
type Run struct {
	ID       uuid.UUID
	Desk     string
	State    State
	FileKey  *string
	AskedBy  string
	AskedAt  time.Time
	Progress int // percent
	Report   Report
}

// Busy tells that the worker is at it.
func (r Run) Busy() bool { return r.State == Trying || r.State == Keeping }

// Good tells that it was tried and everything would come in.
func (r Run) Good() bool {
	return r.State == Tried && len(r.Report.Problems) == 0 && r.Report.People+r.Report.Cases > 0
}

// keepFiles is for how long the files of a try wait for the decision.
const keepFiles = 30 * 24 * time.Hour

const (
	jobRun = "takeover.run"
	folder = "takeover/"
)

var errGone = problem.NotFound("takeover.gone", "errors.404.text")

// runPayload names the run; Dry keeps nothing.
type runPayload struct {
	ID  uuid.UUID `json:"id"`
	Dry bool      `json:"dry"`
}

// Try keeps the files under the commune's key and has the worker try them; either
// may be nil.
func (s *Service) Try(ctx context.Context, by identity.Actor, desk string, people, running io.Reader) (uuid.UUID, error) {
	id := uuid.Must(uuid.NewV7())
	packed, err := pack(map[string]io.Reader{"people.csv": people, "cases.csv": running})
	if err != nil {
		return id, err
	}
	key := folder + id.String() + ".zip"
	if _, err := s.Files.For(by.Tenant().Slug()).Put(ctx, key, "application/zip", packed); err != nil {
		return id, err
	}
	now := s.Clock.Now()
	return id, s.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		tx.Queue(`insert into takeovers (id, desk, state, file_key, asked_by, asked_at, changed_at) values ($1, $2, $3, $4, $5, $6, $6)`,
			id, desk, string(Trying), key, by.Name(), now)
		if err := s.Outbox.Add(tx, jobRun, runPayload{id, true}); err != nil {
			return err
		}
		return audit.Record(tx, by, "takeover.tried", "takeover:"+id.String(), map[string]any{"of": desk})
	})
}

// Keep has the worker bring in what was tried without a problem. Errors: not
// found; problem.Conflict when it was not, or is being kept already.
func (s *Service) Keep(ctx context.Context, by identity.Actor, id uuid.UUID) error {
	return s.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		r, err := one(tx, id, " for update")
		if err != nil {
			return err
		}
		if !r.Good() {
			return problem.Conflict("takeover.state", "takeover.error.state")
		}
		tx.Queue("update takeovers set state = $2, progress = 0, changed_at = $3 where id = $1", id, string(Keeping), s.Clock.Now())
		if err := s.Outbox.Add(tx, jobRun, runPayload{id, false}); err != nil {
			return err
		}
		return audit.Record(tx, by, "takeover.kept", "takeover:"+id.String(), map[string]any{"of": r.Desk, "people": r.Report.People, "cases": r.Report.Cases})
	})
}

// run is the worker's part. Begun again after a crash it finds what came in known
// already, so that nothing comes in twice.
func (s *Service) run(ctx context.Context, t tenancy.Tenant, j outbox.Job) error {
	var p runPayload
	if err := j.Decode(&p); err != nil {
		return err
	}
	var r Run
	if err := s.DB.Read(ctx, t, func(tx *tenancy.Tx) (err error) {
		r, err = one(tx, p.ID, "")
		return err
	}); err != nil {
		return err
	}
	if !r.Busy() || r.FileKey == nil || (r.State == Trying) != p.Dry {
		return nil // decided already: the ticket came twice
	}
	packed, _, err := s.Files.For(t.Slug()).Get(ctx, *r.FileKey)
	if err != nil {
		return err
	}
	files, err := unpack(packed)
	if err != nil {
		return err
	}
	report, err := s.Run(ctx, t, r.Desk, files["people.csv"], files["cases.csv"], p.Dry, func(done, of int) {
		_ = s.set(ctx, t, p.ID, "progress = $2", 100*done/max(1, of)) // a figure for the eye
	})
	var bad FileError
	if errors.As(err, &bad) {
		report, err = Report{Problems: []Problem{bad.Problem}}, nil
	}
	if err != nil {
		return err
	}
	state := Tried
	switch {
	case report.Kept:
		state = Kept
	case !p.Dry:
		state = Failed
	}
	body, err := json.Marshal(report)
	if err != nil {
		return err
	}
	if err := s.set(ctx, t, p.ID, "progress = 100, state = $2, report = $3, changed_at = $4", string(state), string(body), s.Clock.Now()); err != nil {
		return err
	}
	if state == Kept {
		return s.dropFiles(ctx, t, p.ID, *r.FileKey)
	}
	return nil
}

func (s *Service) set(ctx context.Context, t tenancy.Tenant, id uuid.UUID, what string, args ...any) error {
	return s.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		_, err := tx.Exec("update takeovers set "+what+" where id = $1", append([]any{id}, args...)...)
		return err
	})
}

// dropFiles removes what was handed in: the row goes on without it.
func (s *Service) dropFiles(ctx context.Context, t tenancy.Tenant, id uuid.UUID, key string) error {
	if err := s.Files.For(t.Slug()).Delete(ctx, key); err != nil {
		return err
	}
	return s.set(ctx, t, id, "file_key = null")
}

// expire removes the files of tries that nobody decided on.
func (s *Service) expire(ctx context.Context, t tenancy.Tenant, _ outbox.Job) error {
	var old []Run
	if err := s.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
		rows, err := tx.Query("select "+columns+" from takeovers where file_key is not null and changed_at < $1 order by asked_at limit 100", s.Clock.Now().Add(-keepFiles))
		if err != nil {
			return err
		}
		old, err = pgx.CollectRows(rows, scan)
		return err
	}); err != nil {
		return err
	}
	for _, r := range old {
		if r.Busy() { // given up by the worker long ago
			if err := s.set(ctx, t, r.ID, "state = $2", string(Failed)); err != nil {
				return err
			}
		}
		if err := s.dropFiles(ctx, t, r.ID, *r.FileKey); err != nil {
			return err
		}
	}
	return nil
}

const columns = "id, desk, state, file_key, asked_by, asked_at, progress, report::text"

func scan(row pgx.CollectableRow) (r Run, err error) {
	var report string
	if err = row.Scan(&r.ID, &r.Desk, &r.State, &r.FileKey, &r.AskedBy, &r.AskedAt, &r.Progress, &report); err != nil {
		return r, err
	}
	return r, json.Unmarshal([]byte(report), &r.Report)
}

func one(tx *tenancy.Tx, id uuid.UUID, locking string) (Run, error) {
	rows, err := tx.Query("select "+columns+" from takeovers where id = $1"+locking, id)
	if err != nil {
		return Run{}, err
	}
	r, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, errGone
	}
	return r, err
}

// newest lists the last take-overs.
func newest(tx *tenancy.Tx) ([]Run, error) {
	// Of the reports only as much as the list says of them.
	rows, err := tx.Query(`select id, desk, state, file_key, asked_by, asked_at, progress, jsonb_build_object('people', report->'people', 'cases', report->'cases',
		'problems', case when jsonb_typeof(report->'problems') = 'array' then jsonb_path_query_array(report->'problems', '$[0]') end)::text
		from takeovers order by asked_at desc limit 20`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scan)
}

// pack puts the files into one; those that are nil are left out.
func pack(files map[string]io.Reader) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, in := range files {
		if in == nil {
			continue
		}
		w, err := z.Create(name)
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(w, io.LimitReader(in, maxBytes)); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func unpack(packed []byte) (map[string]io.Reader, error) {
	z, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return nil, fmt.Errorf("takeover: files: %w", err)
	}
	out := map[string]io.Reader{}
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(io.LimitReader(in, maxBytes+1))
		if err = errors.Join(err, in.Close()); err != nil {
			return nil, err
		}
		out[f.Name] = bytes.NewReader(data)
	}
	return out, nil
}
