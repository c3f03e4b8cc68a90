package doctor_test

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/sportello-ticino/sportello/app/doctor"
	"github.com/sportello-ticino/sportello/app/keys"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
	"github.com/sportello-ticino/sportello/pkg/bouncertest"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/config"
	"github.com/sportello-ticino/sportello/pkg/disktest"
	"github.com/sportello-ticino/sportello/pkg/egress"
	"github.com/sportello-ticino/sportello/pkg/kms"
	"github.com/sportello-ticino/sportello/pkg/mail"
	"github.com/sportello-ticino/sportello/pkg/scan"
)

// nobody is an address where nothing listens: port 1 is reserved.
const nobody = "127.0.0.1:1"

// patient is a deployment that a test makes ill.
type patient struct {
	*tenancytest.Env
	set    map[string]string // settings
	master []byte
	clock  clock.Clock
	need   doctor.Need
}

func newPatient(t *testing.T) *patient {
	t.Helper()
	e := tenancytest.New(t)
	dir := t.TempDir()
	return &patient{Env: e, master: tenancytest.MasterKey, clock: clock.System{}, need: doctor.Need{Processes: 1, FreeBytes: 1}, set: map[string]string{
		"DATABASE_URL": e.RuntimeURL, "OWNER_DATABASE_URL": e.OwnerURL, "REDIS_URL": e.RedisURL, "BLOB_URL": "file://" + dir,
		"AUDIT_ANCHOR_DIR": dir, "DATA": dir,
	}}
}

// as runs SQL with the owner's rights.
func (p *patient) as(t *testing.T, address, sql string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func (p *patient) sql(t *testing.T, sql string, args ...any) {
	t.Helper()
	p.as(t, p.OwnerURL, sql, args...)
}

func (p *patient) examine(t *testing.T) []doctor.Finding {
	t.Helper()
	environ := []string{"SPORTELLO_MASTER_KEY=" + base64.StdEncoding.EncodeToString(p.master)}
	for name, value := range p.set {
		environ = append(environ, "SPORTELLO_"+name+"="+value)
	}
	cfg, err := config.Load(environ)
	if err != nil {
		t.Fatal(err)
	}
	clusters, err := cfg.Database.ClusterURLs()
	if err != nil {
		t.Fatal(err)
	}
	db, err := tenancy.Open(cfg.Database.URL, p.master, cfg.Server.BaseDomain, tenancy.Options{Clusters: clusters, Pooler: cfg.Database.Pooler})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	local, err := kms.NewLocal(p.master)
	if err != nil {
		t.Fatal(err)
	}
	chain := kms.NewChain(local)
	ring, err := keys.NewRing(db, chain, p.master)
	if err != nil {
		t.Fatal(err)
	}
	opt, err := redis.ParseURL(cfg.Redis.URL)
	if err != nil {
		t.Fatal(err)
	}
	opt.MaxRetries = -1
	rdb := redis.NewClient(opt)
	defer rdb.Close()
	relay, err := mail.NewSMTP(mail.SMTPOptions{Addr: "127.0.0.1:1", TLS: "none", Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := egress.NewGuard(egress.Options{Allow: cfg.Egress.Allow, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return doctor.Examine(t.Context(), doctor.Deps{Config: cfg, DB: db, Keys: ring, Masters: chain, Redis: rdb, Mail: relay,
		Scanner: scan.New(cfg.Scanner.ClamdAddr, time.Second), HTTP: guard.Client(), Clock: p.clock, Need: p.need})
}

// at puts another host, login, password or database into an address.
func at(t *testing.T, address string, change func(*url.URL)) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	change(u)
	return u.String()
}

func keyOf(c byte) []byte { return []byte(strings.Repeat(string(c), 32)) }

// job puts one into a commune's outbox.
func (p *patient) job(t *testing.T, columns string) {
	p.sql(t, "insert into t_chiasso.outbox (kind, payload, "+columns+")")
}

// failure is one thing that goes wrong, and what the doctor says of it.
type failure struct {
	check string // by which it is found
	where string // cluster or commune, or ""
	level doctor.Level
	harm  func(*testing.T, *patient)
	says  []string
}

var failures = map[string]failure{
	"no database is set": {"settings", "", doctor.Failure, func(_ *testing.T, p *patient) { delete(p.set, "DATABASE_URL") },
		[]string{"SPORTELLO_DATABASE_URL is not set; give the address"}},
	"misspelt setting": {"settings", "", doctor.Warning, func(_ *testing.T, p *patient) { p.set["REDIS_UL"] = "x" },
		[]string{"SPORTELLO_REDIS_UL is set and is no setting of ours"}},
	"demo in public": {"demo mode", "", doctor.Failure, func(_ *testing.T, p *patient) { p.set["DEMO"], p.set["PUBLIC_SCHEME"] = "true", "https" },
		[]string{"anybody can become anybody; remove SPORTELLO_DEMO"}},
	"demo beyond loopback": {"demo mode", "", doctor.Failure, func(_ *testing.T, p *patient) { p.set["DEMO"], p.set["ADDR"] = "true", "0.0.0.0:8080" },
		[]string{"SPORTELLO_ADDR is 0.0.0.0:8080"}},
	"secret that all may read": {"secrets", "", doctor.Warning, func(t *testing.T, p *patient) { p.secret(t, 0o644) },
		[]string{"may read", "chmod 600"}},
	"secret that all may change": {"secrets", "", doctor.Failure, func(t *testing.T, p *patient) { p.secret(t, 0o622) },
		[]string{"everybody may change", "SPORTELLO_SMTP_PASSWORD", "chmod 600"}},
	"domain without address": {"base domain", "", doctor.Failure, func(_ *testing.T, p *patient) { p.set["BASE_DOMAIN"] = "sportello.invalid" },
		[]string{"sportello.invalid resolves to no address; let sportello.invalid and *.sportello.invalid point at the proxy"}},
	"files in memory": {"file store", "", doctor.Failure, func(_ *testing.T, p *patient) { p.set["BLOB_URL"] = "mem://" },
		[]string{"end with the process; set SPORTELLO_BLOB_URL"}},
	"no folder for files": {"file store", "", doctor.Failure, func(_ *testing.T, p *patient) { p.set["BLOB_URL"] = "file:///nowhere/at/all" },
		[]string{"/nowhere/at/all does not exist", "create it or correct SPORTELLO_BLOB_URL"}},
	"folder of another": {"file store", "", doctor.Failure, func(_ *testing.T, p *patient) { p.set["BLOB_URL"] = "file:///sys" },
		[]string{"may not write to /sys", "make it the folder's owner"}},
	"disk of the files full": {"file store", "", doctor.Failure, func(t *testing.T, p *patient) {
		disk := disktest.New(t, 1<<20)
		disk.Fill(t)
		p.set["BLOB_URL"] = "file://" + disk.Dir
	}, []string{"is full: uploads and papers cannot be kept; free space there"}},
	"disk of the files nearly full": {"file store", "", doctor.Warning, func(t *testing.T, p *patient) {
		disk := disktest.New(t, 8<<20)
		p.set["BLOB_URL"], p.need.FreeBytes = "file://"+disk.Dir, 4<<20
	}, []string{"has 8 MB left; make room before it is full"}},
	"backups cannot be kept": {"folder of backups", "", doctor.Failure, func(t *testing.T, p *patient) {
		disk := disktest.New(t, 1<<20)
		if err := os.Mkdir(filepath.Join(disk.Dir, "backups"), 0o700); err != nil {
			t.Fatal(err)
		}
		disk.Fill(t)
		p.set["DATA"] = disk.Dir
	}, []string{"is full: communes cannot be backed up"}},
	"no folder of anchors": {"folder of audit anchors", "", doctor.Warning, func(_ *testing.T, p *patient) { delete(p.set, "AUDIT_ANCHOR_DIR") },
		[]string{"in the database alone", "set SPORTELLO_AUDIT_ANCHOR_DIR"}},
	"folder of anchors away": {"folder of audit anchors", "", doctor.Failure, func(_ *testing.T, p *patient) { p.set["AUDIT_ANCHOR_DIR"] = "/nowhere" },
		[]string{"the heads of the audits cannot be written", "correct SPORTELLO_AUDIT_ANCHOR_DIR"}},
	"Redis away": {"Redis", "", doctor.Failure, func(_ *testing.T, p *patient) { p.set["REDIS_URL"] = "redis://" + nobody },
		[]string{"Redis is not reached at SPORTELLO_REDIS_URL, so nobody can sign in; start it"}},
	"password of Redis": {"Redis", "", doctor.Failure, func(t *testing.T, p *patient) { p.redis(t, "requirepass", "something else") },
		[]string{"Redis refuses the password; correct it in SPORTELLO_REDIS_URL"}},
	"old Redis": {"Redis", "", doctor.Failure, func(_ *testing.T, p *patient) { p.need.Redis = 99 },
		[]string{"too old for the job queue; install version 99"}},
	"Redis throws keys away": {"memory of Redis", "", doctor.Failure, func(t *testing.T, p *patient) {
		p.redis(t, "maxmemory-policy", "allkeys-lru")
		p.redis(t, "maxmemory", "100mb")
	}, []string{"(allkeys-lru), and people are signed out; set maxmemory-policy noeviction"}},
	"Redis would throw keys away": {"memory of Redis", "", doctor.Warning, func(t *testing.T, p *patient) { p.redis(t, "maxmemory-policy", "volatile-lru") },
		[]string{"(volatile-lru); set maxmemory-policy noeviction"}},
	"memory of Redis full": {"memory of Redis", "", doctor.Failure, func(t *testing.T, p *patient) { p.redis(t, "maxmemory", "100kb") },
		[]string{"will refuse writes; raise maxmemory"}},
	"no mail relay": {"mail relay", "", doctor.Warning, func(*testing.T, *patient) {}, []string{"set SPORTELLO_SMTP_ADDR"}},
	"mail relay away": {"mail relay", "", doctor.Failure, func(_ *testing.T, p *patient) { p.set["SMTP_ADDR"] = nobody },
		[]string{"does not answer at SPORTELLO_SMTP_ADDR, and mails wait; start it"}},
	"no scanner": {"scanner", "", doctor.Warning, func(*testing.T, *patient) {}, []string{"run clamd and set SPORTELLO_CLAMD_ADDR"}},
	"scanner away": {"scanner", "", doctor.Failure, func(_ *testing.T, p *patient) { p.set["CLAMD_ADDR"] = nobody },
		[]string{"clamd does not answer", "uploads are refused; start it"}},
	"collector away": {"traces", "", doctor.Warning, func(_ *testing.T, p *patient) { p.set["OTLP_URL"] = "http://" + nobody },
		[]string{"traces are lost; start it or correct SPORTELLO_OTLP_URL"}},
	"other master key": {"master key", "", doctor.Failure, func(_ *testing.T, p *patient) { p.master = keyOf('x') },
		[]string{"not the one that wrapped this key", "SPORTELLO_MASTER_KEY_PREVIOUS"}},
	"payment provider away": {"payments", "", doctor.Failure, func(t *testing.T, p *patient) {
		p.merchant(t)
		p.set["POSTFINANCE_URL"], p.set["EGRESS_ALLOW"] = "http://"+nobody, nobody
	}, []string{"does not answer at SPORTELLO_POSTFINANCE_URL, and chiasso takes no payments"}},
	"payment provider that may not be called": {"payments", "", doctor.Failure, func(t *testing.T, p *patient) {
		p.merchant(t)
		p.set["POSTFINANCE_URL"] = "http://" + nobody
	}, []string{"add it to SPORTELLO_EGRESS_ALLOW"}},

	"cluster away": {"answers", "main", doctor.Failure, func(t *testing.T, p *patient) {
		p.set["DATABASE_URL"] = at(t, p.RuntimeURL, func(u *url.URL) { u.Host = nobody; u.RawQuery = "" })
	}, []string{"cluster main is not reached; start PostgreSQL", "correct SPORTELLO_DATABASE_URL"}},
	"further cluster away": {"answers", "nord", doctor.Failure, func(_ *testing.T, p *patient) {
		p.set["DATABASE_CLUSTERS"] = "nord=postgres://someone:secret@" + nobody + "/db"
	}, []string{"cluster nord is not reached", "correct SPORTELLO_DATABASE_CLUSTERS"}},
	"host unknown": {"answers", "main", doctor.Failure, func(t *testing.T, p *patient) {
		p.set["DATABASE_URL"] = at(t, p.RuntimeURL, func(u *url.URL) { u.Host = "database.invalid"; u.RawQuery = "" })
	}, []string{"the host of cluster main is not known to the resolver"}},
	"wrong password": {"answers", "main", doctor.Failure, func(t *testing.T, p *patient) {
		p.set["DATABASE_URL"] = at(t, p.RuntimeURL, func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), "wrong") })
	}, []string{"cluster main refuses the password of the login sportello_test_web; correct it in SPORTELLO_DATABASE_URL"}},
	"database missing": {"answers", "main", doctor.Failure, func(t *testing.T, p *patient) {
		p.set["DATABASE_URL"] = at(t, p.RuntimeURL, func(u *url.URL) { u.Path = "/not_there" })
	}, []string{"cluster main has no database not_there; create it"}},
	"old PostgreSQL": {"version", "main", doctor.Failure, func(_ *testing.T, p *patient) { p.need.PostgreSQL = 99 },
		[]string{"needs 99 or newer; upgrade it"}},
	"runtime login may create schemas": {"rights of the runtime login", "main", doctor.Failure, func(t *testing.T, p *patient) {
		p.sql(t, "do $$ begin execute format('grant create on database %I to sportello_test_web', current_database()); end $$")
	}, []string{"the runtime login sportello_test_web may create schemas on cluster main; run `revoke create on database"}},
	"pooler that nobody told of": {"pooler", "main", doctor.Failure, func(t *testing.T, p *patient) { p.bouncer(t) },
		[]string{"a pooler stands before cluster main", "set SPORTELLO_DATABASE_POOLER to transaction"}},
	"pooler that is not there": {"pooler", "main", doctor.Warning, func(_ *testing.T, p *patient) { p.set["DATABASE_POOLER"] = "transaction" },
		[]string{"no pooler stands before cluster main; leave it empty"}},
	"extension missing": {"extensions", "main", doctor.Failure, func(t *testing.T, p *patient) { p.sql(t, "drop extension unaccent cascade") },
		[]string{"lacks the extension unaccent in schema ext", "run `create extension unaccent with schema ext`"}},
	"too few connections": {"connections", "main", doctor.Failure, func(_ *testing.T, p *patient) { p.need.Processes = 50 },
		// Two communes with eight connections each and six for the directory.
		[]string{"50 processes may open 22 connections each to cluster main, with 10 for the owner that makes 1110", "set max_connections to 1120"}},
	"clocks apart": {"clock", "main", doctor.Failure, func(_ *testing.T, p *patient) { p.clock = clock.NewFake(time.Now().Add(-time.Hour)) },
		[]string{"differs from this machine's by 1h0m0s", "let both follow a time server"}},
	"clocks a little apart": {"clock", "main", doctor.Warning, func(_ *testing.T, p *patient) { p.clock = clock.NewFake(time.Now().Add(5 * time.Second)) },
		[]string{"differs from this machine's by -", "let both follow a time server"}},
	"platform behind": {"schema of the platform", "main", doctor.Failure, func(t *testing.T, p *patient) {
		p.sql(t, "delete from platform.schema_versions where version = (select max(version) from platform.schema_versions)")
	}, []string{"the platform on cluster main lacks 1 migrations of this release; run `sportello migrate up`"}},
	"platform drifted": {"schema of the platform", "main", doctor.Failure, func(t *testing.T, p *patient) {
		p.sql(t, "update platform.schema_versions set checksum = 'x' where version = (select min(version) from platform.schema_versions)")
	}, []string{"was edited after it had been applied to the platform"}},
	"platform newer": {"schema of the platform", "main", doctor.Warning, func(t *testing.T, p *patient) {
		p.sql(t, "insert into platform.schema_versions (version, name, checksum) values (299912312359, 'later', '')")
	}, []string{"this release does not know; finish the change"}},
	"nobody relays": {"hints of the outbox", "main", doctor.Failure, func(t *testing.T, p *patient) {
		p.sql(t, "insert into platform.outbox_hints (at) select now() - interval '5 minutes' from generate_series(1, 3)")
	}, []string{"3 hints of the outbox on cluster main are older than a minute", "start `sportello worker`"}},
	"owner's password": {"owner", "main", doctor.Failure, func(t *testing.T, p *patient) {
		p.set["OWNER_DATABASE_URL"] = at(t, p.RuntimeURL, func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), "wrong") })
	}, []string{"correct it in SPORTELLO_OWNER_DATABASE_URL"}},
	"owner that owns nothing": {"owner", "main", doctor.Failure, func(_ *testing.T, p *patient) { p.set["OWNER_DATABASE_URL"] = p.RuntimeURL },
		[]string{"may not create schemas, and no commune can be opened"}},
	"owner unknown on a further cluster": {"owner", "nord", doctor.Failure, func(_ *testing.T, p *patient) { p.set["DATABASE_CLUSTERS"] = "nord=" + p.RuntimeURL },
		[]string{"the owner's address of cluster nord is missing", "add it to SPORTELLO_OWNER_DATABASE_CLUSTERS"}},
	"database that takes no writes": {"room on its disk", "main", doctor.Failure, func(t *testing.T, p *patient) {
		// As a standby does; the drill in ops/chaos fills the disk itself.
		p.sql(t, "do $$ begin execute format('alter role sportello_test_web in database %I set default_transaction_read_only = on', current_database()); end $$")
	}, []string{"cluster main takes no writes: it is a standby"}},

	"commune opened with another key": {"database", "chiasso", doctor.Failure, func(_ *testing.T, p *patient) { p.master = keyOf('x') },
		[]string{"the login of chiasso is refused; give the master key the commune was opened with"}},
	"schema gone": {"database", "chiasso", doctor.Failure, func(t *testing.T, p *patient) { p.sql(t, "drop schema t_chiasso cascade") },
		[]string{"the schema of chiasso is not there; restore it"}},
	"commune behind": {"schema", "chiasso", doctor.Failure, func(t *testing.T, p *patient) {
		p.sql(t, "delete from t_chiasso.schema_versions where version in (select version from t_chiasso.schema_versions order by 1 desc limit 2)")
	}, []string{"chiasso lacks 2 migrations of this release; run `sportello migrate up`"}},
	"commune drifted": {"schema", "chiasso", doctor.Failure, func(t *testing.T, p *patient) {
		p.sql(t, "update t_chiasso.schema_versions set checksum = 'x' where version = (select min(version) from t_chiasso.schema_versions)")
	}, []string{"_kernel.sql was edited after it had been applied to chiasso"}},
	"migration failed": {"schema", "chiasso", doctor.Failure, func(t *testing.T, p *patient) {
		p.sql(t, "update platform.communes set migration_error = 'tables are in use' where slug = 'chiasso'")
	}, []string{"the last migration of chiasso failed (tables are in use); mend the cause"}},
	"interrupted move": {"writing", "chiasso", doctor.Failure, func(t *testing.T, p *patient) {
		p.sql(t, "update platform.communes set read_only_since = now() - interval '1 hour' where slug = 'chiasso'")
	}, []string{"chiasso takes no writes since 1h0m0s ago", "run the same command again"}},
	"move that goes on": {"writing", "chiasso", doctor.Warning, func(t *testing.T, p *patient) {
		p.sql(t, "update platform.communes set read_only_since = now() where slug = 'chiasso'")
	}, []string{"chiasso takes no writes for a moment"}},
	"keys missing": {"keys", "chiasso", doctor.Failure, func(t *testing.T, p *patient) { p.sql(t, "delete from platform.keysets where slug = 'chiasso'") },
		[]string{"Run `sportello migrate up`: it makes the keys that are missing"}},
	"no seal": {"seal", "chiasso", doctor.Warning, func(*testing.T, *patient) {}, []string{"chiasso has no electronic seal", "run `sportello tenant seal chiasso`"}},
	"seal ended": {"seal", "chiasso", doctor.Failure, func(t *testing.T, p *patient) { p.seal(t, "- interval '1 day'") },
		[]string{"the seal of chiasso ended on", "with a new one"}},
	"seal ends": {"seal", "chiasso", doctor.Warning, func(t *testing.T, p *patient) { p.seal(t, "+ interval '20 days'") },
		[]string{"the seal of chiasso ends on", "buy a new one"}},
	"jobs late": {"jobs", "chiasso", doctor.Failure, func(t *testing.T, p *patient) {
		p.job(t, "run_after) values ('documents.issue', '{}', now() - interval '1 hour'")
	}, []string{"1 jobs of chiasso wait since more than ten minutes (documents.issue); start `sportello worker`"}},
	"jobs given up": {"jobs", "chiasso", doctor.Failure, func(t *testing.T, p *patient) {
		p.job(t, "gave_up_at) values ('notifications.send', '{}', now()")
	}, []string{"1 jobs of chiasso were given up (notifications.send); read last_error"}},
	"never anchored": {"audit anchor", "chiasso", doctor.Failure, func(t *testing.T, p *patient) { p.audit(t) },
		[]string{"the audit of chiasso was never anchored", "run `sportello audit anchor chiasso`"}},
	"anchored long ago": {"audit anchor", "chiasso", doctor.Failure, func(t *testing.T, p *patient) {
		p.audit(t)
		p.sql(t, "insert into platform.audit_anchors (slug, seq, lines, hash, head_at, at) values ('chiasso', 1, 1, decode(repeat('00', 32), 'hex'), now(), now() - interval '4 days')")
	}, []string{"the audit of chiasso was last anchored on"}},
	"never backed up": {"backup", "chiasso", doctor.Warning, func(*testing.T, *patient) {}, []string{"chiasso was never backed up; run `sportello tenant backup chiasso`"}},
	"backup failed": {"backup", "chiasso", doctor.Failure, func(t *testing.T, p *patient) { p.backup(t, "chiasso", "1 hour", "failed") },
		[]string{"the last backup of chiasso failed on"}},
	"backup late": {"backup", "chiasso", doctor.Warning, func(t *testing.T, p *patient) { p.backup(t, "chiasso", "2 days", "done") },
		[]string{"the last backup of chiasso is of"}},
	"backup old": {"backup", "chiasso", doctor.Failure, func(t *testing.T, p *patient) { p.backup(t, "", "9 days", "done") },
		[]string{"the last backup of chiasso is of"}},
	"domain without certificate": {"own domains", "chiasso", doctor.Failure, func(t *testing.T, p *patient) { p.domain(t, "null, 'unreachable'") },
		[]string{"sportello.chiasso.example of chiasso gave no certificate when last asked (unreachable)"}},
	"certificate ended": {"own domains", "chiasso", doctor.Failure, func(t *testing.T, p *patient) { p.domain(t, "now() - interval '1 day', ''") },
		[]string{"the certificate of sportello.chiasso.example (chiasso) ended on"}},
	"certificate ends": {"own domains", "chiasso", doctor.Warning, func(t *testing.T, p *patient) { p.domain(t, "now() + interval '5 days', ''") },
		[]string{"should have been renewed; look into the proxy's log"}},
}

func (p *patient) secret(t *testing.T, mode os.FileMode) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(name, []byte("hush"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil { // the mask of the process does not count
		t.Fatal(err)
	}
	p.set["SMTP_PASSWORD_FILE"] = name
}

func (p *patient) redis(t *testing.T, name, value string) {
	t.Helper()
	if err := p.Redis.ConfigSet(t.Context(), name, value).Err(); err != nil {
		t.Fatal(err)
	}
}

func (p *patient) merchant(t *testing.T) {
	p.sql(t, "insert into t_chiasso.payment_accounts values ('postfinance', 7, 8, '', now())")
}

func (p *patient) seal(t *testing.T, ends string) {
	p.sql(t, "insert into t_chiasso.seal_keys (fingerprint, pkcs12, password, subject, not_after, added_at, in_use) values ('f', '', '', 'CN=Chiasso', now() "+ends+", now(), true)")
}

func (p *patient) audit(t *testing.T) {
	p.sql(t, "insert into t_chiasso.audit (at, actor_id, actor, action) values (now() - interval '5 days', '', '', 'test')")
}

func (p *patient) backup(t *testing.T, slug, age, state string) {
	p.sql(t, "insert into platform.backups (id, slug, kind, at, state) values (gen_random_uuid(), $1, case when $1 = '' then 'whole' else 'commune' end, now() - $2::interval, $3)", slug, age, state)
}

func (p *patient) domain(t *testing.T, rest string) {
	p.sql(t, "insert into platform.hosts values ('sportello.chiasso.example', 'chiasso')")
	p.sql(t, "insert into platform.certificates (host, slug, checked_at, not_after, message) values ('sportello.chiasso.example', 'chiasso', now(), "+rest+")")
}

func (p *patient) bouncer(t *testing.T) {
	t.Helper()
	u, err := url.Parse(p.RuntimeURL)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	b, err := bouncertest.Start(t.Context(), bouncertest.Options{Upstream: p.OwnerURL, Users: map[string]string{u.User.Username(): password}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Stop() })
	if p.set["DATABASE_URL"], err = b.URL(p.RuntimeURL); err != nil {
		t.Fatal(err)
	}
}

// TestEachFailureIsExplained brings about each failure for real and reads the
// sentence: what is wrong, and the next step.
func TestEachFailureIsExplained(t *testing.T) {
	t.Parallel()
	for name, f := range failures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPatient(t)
			f.harm(t, p)
			found := p.examine(t)
			i := slices.IndexFunc(found, func(x doctor.Finding) bool { return x.Check == f.check && x.Cluster+x.Commune == f.where })
			if i < 0 {
				t.Fatalf("not looked at: %+v", found)
			}
			got := found[i]
			if got.Level != f.level {
				t.Errorf("%s: %q", got.Level, got.Says)
			}
			for _, part := range f.says {
				if !strings.Contains(got.Says, part) {
					t.Errorf("says %q, without %q", got.Says, part)
				}
			}
			if strings.Contains(got.Says, ":secret") || strings.Contains(got.Says, "hush") || strings.Contains(got.Says, "only-on-the-test-server") {
				t.Errorf("tells a secret: %q", got.Says)
			}
			if strings.Count(got.Says, "\n") > 0 || !strings.ContainsAny(got.Says, ";:") {
				t.Errorf("is not one sentence with a next step: %q", got.Says)
			}
		})
	}
}

// TestEachCheckHasAFailure: a check without one has never been seen to bite.
func TestEachCheckHasAFailure(t *testing.T) {
	t.Parallel()
	for _, name := range doctor.Names() {
		known := false
		for _, f := range failures {
			known = known || f.check == name
		}
		if !known {
			t.Errorf("no failure of %q is tested", name)
		}
	}
}

// TestAHealthyDeploymentHasNoFailure: what is well is said to be well.
func TestAHealthyDeploymentHasNoFailure(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	for _, slug := range []string{"lugano", "chiasso"} {
		p.backup(t, slug, "1 hour", "done")
	}
	seen := map[string]bool{}
	for _, f := range p.examine(t) {
		seen[f.Check] = true
		if may := slices.Contains([]string{"mail relay", "scanner", "seal"}, f.Check); f.Level == doctor.Failure || f.Level == doctor.Warning && !may {
			t.Errorf("%s of %s: %s", f.Check, fmt.Sprint(f.Cluster, f.Commune), f.Says)
		}
	}
	for _, name := range []string{"answers", "connections", "clock", "room on its disk", "schema", "jobs", "keys", "backup", "file store", "Redis"} {
		if !seen[name] {
			t.Errorf("%s was not looked at", name)
		}
	}
}

// TestAClusterThatIsAwayIsToldOnce: its communes are not told one by one.
func TestAClusterThatIsAwayIsToldOnce(t *testing.T) {
	t.Parallel()
	e, gate := tenancytest.NewTwo(t)
	p := newPatient(t)
	p.Env = e
	p.set["DATABASE_URL"], p.set["OWNER_DATABASE_URL"], p.set["REDIS_URL"] = e.RuntimeURL, e.OwnerURL, e.RedisURL
	p.set["DATABASE_CLUSTERS"], p.set["OWNER_DATABASE_CLUSTERS"] = "nord="+e.North, "nord="+e.NorthOwner
	failed := func() (out []string) {
		for _, f := range p.examine(t) {
			if f.Level == doctor.Failure {
				out = append(out, f.Cluster+f.Commune+" "+f.Check)
			}
			if f.Commune == "lugano" && f.Check == "database" && f.Level != doctor.Well {
				t.Errorf("lugano on the other cluster: %s", f.Says)
			}
		}
		return out
	}
	if got := failed(); len(got) > 0 {
		t.Errorf("before: %q", got)
	}
	gate.Close()
	if got := failed(); !slices.Equal(got, []string{"nord answers"}) {
		t.Errorf("with nord away: %q", got)
	}
}
