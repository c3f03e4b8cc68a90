package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/sportello-ticino/sportello/app/keys"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/config"
	"github.com/sportello-ticino/sportello/pkg/kms"
)

// Level is how a check ended.
type Level string

// The levels. A warning is something to see to; a failure is something that does
// not work, or will not when it is needed.
const (
	Well    Level = "ok"
	Warning Level = "warn"
	Failure Level = "fail"
)

// Finding is what one check found.
type Finding struct {
	Check   string `json:"check"`
	Cluster string `json:"cluster,omitempty"`
	Commune string `json:"commune,omitempty"`
	Level   Level  `json:"level"`
	Says    string `json:"says,omitempty"`    // one sentence, with the next step
	Runbook string `json:"runbook,omitempty"` // file in the repository
}

// Deps is what is examined.
type Deps struct {
	Config  config.Config
	DB      *tenancy.DB
	Keys    *keys.Ring
	Masters *kms.Chain
	Redis   *redis.Client
	Mail    interface{ Ping(context.Context) error }
	Scanner interface{ Ping(context.Context) error }
	HTTP    *http.Client // through pkg/egress
	Clock   clock.Clock
	Need    Need
}

// Need is what a deployment asks of its servers. The zero value is filled with
// what this product needs.
type Need struct {
	Processes  int    // `serve` and `worker` together; default 2
	PostgreSQL int    // major version; default 14
	Redis      int    // major version; default 6
	FreeBytes  uint64 // less is full; ten times as much is nearly full; default 200 MB
}

func (n *Need) fill() {
	if n.Processes == 0 {
		n.Processes = 2
	}
	if n.PostgreSQL == 0 {
		n.PostgreSQL = 14
	}
	if n.Redis == 0 {
		n.Redis = 6
	}
	if n.FreeBytes == 0 {
		n.FreeBytes = 200 << 20
	}
}

// place is where a check looks: nowhere in particular, at a cluster over a
// connection of the runtime login, or at a commune.
type place struct {
	cluster string
	url     string // of the cluster's runtime login
	conn    *pgx.Conn
	commune tenancy.Tenant
}

// check is one thing to look at. run says what is wrong; a trouble is a sentence
// already, of anything else explain makes one. errNothing leaves the check out.
type check struct {
	name    string
	run     func(context.Context, *exam, place) error
	explain func(place, error) string
	runbook string
}

const runbooks = "ops/docs/runbooks/"

var ofDeployment = []check{
	{name: "settings", run: unknownSettings},
	{name: "demo mode", run: demoMode},
	{name: "secrets", run: secretFiles},
	{name: "base domain", run: baseDomain},
	{name: "file store", run: fileStore, runbook: runbooks + "disk-full.md"},
	{name: "folder of backups", run: backupFolder, runbook: runbooks + "disk-full.md"},
	{name: "folder of audit anchors", run: anchorFolder},
	{name: "Redis", run: redisAnswers, explain: explainRedis, runbook: runbooks + "process-away.md"},
	{name: "memory of Redis", run: redisMemory},
	{name: "mail relay", run: mailRelay, explain: explainMail, runbook: runbooks + "jobs-late.md"},
	{name: "scanner", run: scanner, explain: explainScanner},
	{name: "traces", run: collector},
}

// These need the directory.
var ofDirectory = []check{
	{name: "master key", run: masterKey, explain: explainKeys, runbook: runbooks + "key-cannot-be-opened.md"},
	{name: "payments", run: paymentProvider, runbook: runbooks + "commune-fails.md"},
}

var ofCluster = []check{
	{name: "version", run: postgresVersion},
	{name: "rights of the runtime login", run: runtimeRights},
	{name: "pooler", run: poolerSetting},
	{name: "extensions", run: extensions},
	{name: "connections", run: connections, runbook: runbooks + "too-many-requests.md"},
	{name: "clock", run: clockSkew},
	{name: "room on its disk", run: roomOnDisk, explain: explainPostgres, runbook: runbooks + "disk-full.md"},
	{name: "schema of the platform", run: platformSchema},
	{name: "hints of the outbox", run: hintBacklog, runbook: runbooks + "jobs-late.md"},
	{name: "owner", run: ownerAnswers, explain: explainPostgres, runbook: runbooks + "cluster-down.md"},
}

var ofCommune = []check{
	{name: "database", run: communeAnswers, explain: explainCommune, runbook: runbooks + "commune-fails.md"},
	{name: "schema", run: communeSchema},
	{name: "writing", run: readOnly, runbook: runbooks + "commune-moves.md"},
	{name: "keys", run: communeKeys, explain: explainKeys, runbook: runbooks + "key-cannot-be-opened.md"},
	{name: "seal", run: communeSeal},
	{name: "jobs", run: communeJobs, runbook: runbooks + "jobs-late.md"},
	{name: "audit anchor", run: communeAnchor},
	{name: "backup", run: communeBackup, runbook: runbooks + "restore-one-commune.md"},
	{name: "own domains", run: communeDomains},
}

// checkTimeout bounds one check; a server that is away must not hold up the others.
const checkTimeout = 6 * time.Second

// exam is one examination.
type exam struct {
	Deps
	found []Finding
}

// Examine runs every check and returns what each found, in the order of the
// tables. A cluster that does not answer is told once, with the number of
// communes on it, and nothing on it is examined further.
func Examine(ctx context.Context, d Deps) []Finding {
	d.Need.fill()
	x := &exam{Deps: d}
	for _, c := range ofDeployment {
		x.run(ctx, c, place{})
	}
	down := map[string]bool{}
	for _, p := range x.clusters() {
		down[p.cluster] = !x.cluster(ctx, p)
	}
	if down[tenancy.MainCluster] {
		return x.found
	}
	for _, c := range ofDirectory {
		x.run(ctx, c, place{})
	}
	all, err := d.DB.Directory().All(ctx)
	if err != nil {
		x.note(check{name: "directory of communes"}, place{}, fails("the directory of communes cannot be read; run `sportello migrate up`"))
		return x.found
	}
	for _, t := range all {
		if state, _ := t.State(); state == tenancy.Provisioning || down[t.Cluster()] {
			continue
		}
		for i, c := range ofCommune {
			if level := x.run(ctx, c, place{cluster: t.Cluster(), commune: t}); i == 0 && level == Failure {
				break
			}
		}
	}
	return x.found
}

// cluster examines one PostgreSQL server; false when it does not answer.
func (x *exam) cluster(ctx context.Context, p place) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*checkTimeout)
	defer cancel()
	var err error
	p.conn, err = connect(ctx, p.url)
	x.note(check{name: "answers", explain: explainPostgres, runbook: runbooks + "cluster-down.md"}, p, err)
	if err != nil {
		return false
	}
	defer p.conn.Close(context.WithoutCancel(ctx))
	for _, c := range ofCluster {
		x.run(ctx, c, p)
	}
	return true
}

func (x *exam) run(ctx context.Context, c check, p place) Level {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return x.note(c, p, c.run(ctx, x, p))
}

func (x *exam) note(c check, p place, err error) Level {
	f := Finding{Check: c.name, Cluster: p.cluster, Level: Well}
	if p.commune.Valid() {
		f.Commune, f.Cluster = p.commune.Slug(), ""
	}
	var t trouble
	switch {
	case errors.Is(err, errNothing):
		return Well
	case err == nil:
		x.found = append(x.found, f)
		return Well
	case errors.As(err, &t):
		f.Level, f.Says = t.level, t.says
	case c.explain != nil:
		f.Level, f.Says = Failure, c.explain(p, err)
	default:
		f.Level, f.Says = Failure, fmt.Sprintf("this could not be looked at (%v); mend what is told above first", err)
	}
	f.Runbook = c.runbook
	x.found = append(x.found, f)
	return f.Level
}

// trouble is a sentence about what is wrong, with the next step.
type trouble struct {
	level Level
	says  string
}

func (t trouble) Error() string { return t.says }

func fails(format string, args ...any) error { return trouble{Failure, fmt.Sprintf(format, args...)} }
func warns(format string, args ...any) error { return trouble{Warning, fmt.Sprintf(format, args...)} }

// errNothing says that there is nothing to look at here.
var errNothing = errors.New("doctor: nothing to look at")
