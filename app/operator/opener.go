package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/clock"
)

// Opener opens communes. It holds the owner's credential, so it lives in the
// provisioning worker and on the command line, never in a web process.
type Opener struct {
	Owner *tenancy.Owner
	DB    *tenancy.DB
	FS    fs.FS // tenants/, or SPORTELLO_TENANTS_DIR
	Log   *slog.Logger
	Clock clock.Clock
	// Parts bring one module's part of a folder into a commune, in order.
	Parts []Part
	// Identity invites the first administrator.
	Identity *identity.Service
	// Seed fills a new commune of the demo with invented people; nil otherwise.
	Seed func(ctx context.Context, t tenancy.Tenant, dir string) error
	// Works are the kinds of job beside the opening of a commune.
	Works map[string]Work
}

// Work is one kind of long job on a commune that is open. say tells each step: a
// percentage, a text key below operator.step, a note. Interrupted, it is begun
// again by another worker and must bring it to a good end.
type Work func(ctx context.Context, slug string, payload json.RawMessage, say func(percent int, step, note string)) error

// Part is one module's share in opening a commune. Apply must be safe to run
// again; it returns what it changed, one line each.
type Part struct {
	Name  string
	Apply func(ctx context.Context, t tenancy.Tenant, f Source, overwrite bool) ([]string, error)
}

// Source is what a commune is opened from: a folder, read already.
type Source struct {
	FS     fs.FS
	Dir    string
	Folder site.Folder
}

// openPayload is the job's payload: a folder's name, or what the form asked.
type openPayload struct {
	Dir  string `json:"dir,omitempty"`
	Form *Form  `json:"form,omitempty"`
	// Admin is the first administrator; nil on the command line, where `user
	// create` makes one.
	Admin *identity.Invitee `json:"admin,omitempty"`
}

// ApplyFolder opens a commune from its folder, or brings the folder in again.
func (o *Opener) ApplyFolder(ctx context.Context, fsys fs.FS, slug string, overwrite bool, report func(string)) error {
	dir := slug
	if _, err := fs.Stat(fsys, dir+"/tenant.yaml"); err != nil {
		dir = "examples/" + slug
	}
	f, err := site.ReadFolder(fsys, dir)
	if err != nil {
		return err
	}
	return o.open(ctx, Source{FS: fsys, Dir: dir, Folder: f}, nil, overwrite, func(_ int, s Step) {
		report(s.Text + " " + s.Note)
	})
}

// open does every step; each can be interrupted and run again.
func (o *Opener) open(ctx context.Context, src Source, admin *identity.Invitee, overwrite bool, report func(percent int, s Step)) error {
	c := src.Folder.Commune
	step := func(percent int, text, note string) { report(percent, Step{At: o.Clock.Now(), Text: text, Note: note}) }
	step(5, "schema", c.Slug)
	if err := o.Owner.Provision(ctx, c, nil); err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	o.DB.Directory().Forget()
	t, err := o.DB.Directory().BySlug(ctx, c.Slug)
	if err != nil {
		return err
	}
	step(30, "tables", fmt.Sprint(t.SchemaVersion()))
	for i, p := range o.Parts {
		changed, err := p.Apply(ctx, t, src, overwrite)
		if err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		for _, line := range changed {
			step(30+50*(i+1)/len(o.Parts), p.Name, line)
		}
		if len(changed) == 0 {
			step(30+50*(i+1)/len(o.Parts), p.Name, "")
		}
	}
	if admin != nil {
		err := inviteFirst(ctx, o.DB, o.Identity, t, *admin, false)
		if err != nil && !errors.Is(err, identity.ErrAdministered) { // administered: the job was interrupted, and somebody was quick
			return fmt.Errorf("administrator: %w", err)
		}
		step(85, "administrator", admin.Email)
	}
	if o.Seed != nil {
		if err := o.Seed(ctx, t, src.Dir); err != nil {
			return fmt.Errorf("people: %w", err)
		}
		step(90, "people", "")
	}
	if state, _ := t.State(); state == tenancy.Provisioning {
		if err := o.Owner.SetState(ctx, c.Slug, tenancy.Active, ""); err != nil {
			return err
		}
		o.DB.Directory().Forget()
	}
	step(100, "open", "")
	return nil
}

// Run takes jobs from the console until ctx ends.
func (o *Opener) Run(ctx context.Context) error {
	tick := time.NewTicker(700 * time.Millisecond)
	defer tick.Stop()
	var looked time.Time
	for {
		if time.Since(looked) > abandoned {
			looked = time.Now()
			if err := o.thaw(ctx); err != nil && ctx.Err() == nil {
				o.Log.Error("look for read-only communes", "error", err.Error())
			}
		}
		j, err := claim(ctx, o.DB)
		if err != nil && ctx.Err() == nil {
			o.Log.Error("claim job", "error", err.Error())
		}
		if j != nil && err == nil {
			o.work(ctx, *j)
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (o *Opener) work(ctx context.Context, j Job) {
	log := o.Log.With("job", j.ID.String(), "kind", j.Kind, "commune", j.Slug)
	stop := o.keepAlive(ctx, j)
	err := o.do(ctx, j)
	stop()
	state, message := JobDone, ""
	if err != nil {
		if ctx.Err() != nil {
			return // stopped in the middle: taken up again after a while
		}
		log.Error("job failed", "error", err.Error())
		state, message = JobFailed, err.Error()
	}
	if err := finish(context.WithoutCancel(ctx), o.DB, j.ID, state, message); err != nil {
		log.Error("close job", "error", err.Error())
	}
}

// keepAlive tells other workers that a job is being worked on.
func (o *Opener) keepAlive(ctx context.Context, j Job) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		tick := time.NewTicker(abandoned / 4)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if err := alive(ctx, o.DB, j.ID); err != nil && ctx.Err() == nil {
					o.Log.Error("sign of life", "job", j.ID.String(), "error", err.Error())
				}
			}
		}
	}()
	return cancel
}

// thawAfter is how long a commune may be read-only before somebody looks whether
// the job that did it is still there.
const thawAfter = 2 * abandoned

// thaw lets communes be written to again whose job ended in the middle.
func (o *Opener) thaw(ctx context.Context) error {
	frozen, err := o.Owner.Frozen(ctx, thawAfter)
	if err != nil {
		return err
	}
	for _, slug := range frozen {
		var busy bool
		if err := o.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
			return tx.QueryRow("select exists (select from jobs where slug = $1 and state = 'running' and heartbeat_at > now() - make_interval(secs => $2))", slug, abandoned.Seconds()).Scan(&busy)
		}); err != nil {
			return err
		}
		if busy {
			continue
		}
		o.Log.Warn("a commune was left read-only and is opened again", "commune", slug)
		if err := o.Owner.Thaw(ctx, slug); err != nil {
			return err
		}
	}
	return nil
}

func (o *Opener) do(ctx context.Context, j Job) error {
	if j.Attempts > maxAttempts {
		return fmt.Errorf("given up: begun %d times, and each time the worker ended in the middle; look into its log, mend the cause, and ask again", maxAttempts)
	}
	if work := o.Works[j.Kind]; work != nil {
		return work(ctx, j.Slug, j.Payload, func(percent int, step, note string) {
			if err := progress(ctx, o.DB, j.ID, min(percent, 99), Step{At: o.Clock.Now(), Text: step, Note: note}); err != nil {
				o.Log.Error("note progress", "error", err.Error())
			}
		})
	}
	if j.Kind != kindOpen {
		return fmt.Errorf("unknown kind of job %q", j.Kind)
	}
	var p openPayload
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return err
	}
	src, err := o.source(p)
	if err != nil {
		return err
	}
	return o.open(ctx, src, p.Admin, false, func(percent int, s Step) {
		if err := progress(ctx, o.DB, j.ID, min(percent, 99), s); err != nil {
			o.Log.Error("note progress", "error", err.Error())
		}
	})
}

func (o *Opener) source(p openPayload) (Source, error) {
	if p.Form != nil {
		return p.Form.source(o.FS)
	}
	f, err := site.ReadFolder(o.FS, p.Dir)
	return Source{FS: o.FS, Dir: p.Dir, Folder: f}, err
}

// enqueueOpen asks the provisioning worker to open a commune.
func enqueueOpen(ctx context.Context, db *tenancy.DB, slug, by string, p openPayload) (uuid.UUID, error) {
	return enqueue(ctx, db, kindOpen, slug, by, p)
}
