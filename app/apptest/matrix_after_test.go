package apptest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/apptest"
)

// digest is a sum over every row of every table of a commune, a line each. The
// audit's chain and the turns of regular jobs are left out: the worker writes them
// in its own time.
func (w *world) digest(slug string) string {
	conn, err := pgx.Connect(context.Background(), w.OwnerURL)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	rows, err := conn.Query(context.Background(), `select c.relname || ' ' || (xpath('/row/s/text()', query_to_xml(format(
		'select coalesce(md5(string_agg(md5(x::text), '''' order by md5(x::text))), ''empty'') as s from %I.%I x', $1::text, c.relname), false, true, '')))[1]::text
		from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relkind = 'r' and c.relname not in ('audit_chain', 'tick_runs') order by c.relname`, "t_"+slug)
	if err != nil {
		w.t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// differ names the tables in which two digests differ.
func differ(before, after string) string {
	old := strings.Split(before, "\n")
	var out []string
	for _, line := range strings.Split(after, "\n") {
		i := sort.SearchStrings(old, line)
		if i == len(old) || old[i] != line {
			name, _, _ := strings.Cut(line, " ")
			out = append(out, name)
		}
	}
	return strings.Join(out, ", ")
}

// after looks where no answer leads: Redis, files, mails, the log, the metrics.
func (w *world) after() {
	canaries := 0
	for _, slug := range apptest.Communes {
		for _, word := range []string{apptest.CanaryOf(slug).Public, apptest.CanaryOf(slug).People} {
			n, ok := w.seen.Load(word)
			if !ok || n.(*atomic.Int64).Load() < 100 {
				w.t.Errorf("%s's own people hardly saw its canary %s: its absence elsewhere would prove nothing", slug, word)
			}
			canaries++
		}
	}
	w.redisAfter()
	w.filesAfter()
	mails := w.Inbox.List("")
	if len(mails) == 0 {
		w.t.Error("no mail was looked at")
	}
	for _, m := range mails {
		for _, slug := range apptest.Communes {
			if c := apptest.CanaryOf(slug); !strings.Contains(m.From, "@"+slug+".example") && (strings.Contains(string(m.Raw), c.Public) || strings.Contains(m.Text+m.Subject, c.People)) {
				w.t.Errorf("a mail from %s holds the canary of %s", m.From, slug)
			}
		}
	}
	rec := httptest.NewRecorder()
	w.ops.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for what, text := range map[string]string{"log": w.log.String(), "metrics": rec.Body.String()} {
		if !strings.Contains(text, "bellinzona") {
			w.t.Errorf("the %s does not name the communes: it was not looked at", what)
		}
		for _, slug := range apptest.Communes {
			for _, word := range []string{apptest.CanaryOf(slug).Public, apptest.CanaryOf(slug).People, "anna.esempi", w.ids[slug]["token"]} {
				if at := strings.Index(text, word); at >= 0 {
					w.t.Errorf("the %s holds %q: %.200s", what, word, text[max(0, at-100):])
				}
			}
		}
	}
	w.t.Logf("%d canaries looked for in every answer, %d mails, the log (%d KB), the metrics, Redis and the file store; left out: %s",
		canaries, len(mails), len(w.log.String())/1024, strings.Join(apptest.CanaryExceptions(), "; "))
}

// explain says how many probes failed, and what the log says of faults.
func (w *world) explain() {
	for group, n := range w.failures {
		w.t.Logf("%s: %d probes failed", group, n)
	}
	told := map[string]bool{}
	for _, line := range strings.Split(w.log.String(), "\n") {
		_, what, _ := strings.Cut(line, "error=")
		if strings.Contains(line, "level=ERROR") && !told[what] && len(told) < 10 {
			told[what] = true
			w.t.Log(line)
		}
	}
}

// redisAfter reads every key: each belongs to one commune or the entity, and
// holds nothing of another's.
func (w *world) redisAfter() {
	ctx := context.Background()
	keys := w.Redis.Scan(ctx, 0, "*", 1000).Iterator()
	n := 0
	for keys.Next(ctx) {
		n++
		key := keys.Val()
		value, err := w.Redis.Dump(ctx, key).Result()
		if err != nil {
			continue // expired meanwhile
		}
		owner := ""
		switch {
		case strings.HasPrefix(key, "entity:"), strings.HasPrefix(key, "entitylimit:"):
			owner = "ente"
		case strings.HasPrefix(key, "rate:entity"):
			owner = "ente"
		case strings.HasPrefix(key, "asynq:"):
			owner = "asynq"
			if i := strings.Index(key, ":t:"); i >= 0 { // a task: its id begins with its commune
				owner, _, _ = strings.Cut(key[i+3:], ":")
			}
		}
		for _, slug := range apptest.Communes {
			if strings.HasPrefix(strings.TrimPrefix(key, "rate:"), "t:"+slug+":") {
				owner = slug
			}
		}
		if owner == "" {
			w.t.Errorf("the key %q in Redis belongs to nobody", key)
		}
		for _, slug := range apptest.Communes {
			c := apptest.CanaryOf(slug)
			if owner != slug && (strings.Contains(value+key, c.Public) || strings.Contains(value+key, c.People)) {
				w.t.Errorf("%s in Redis is %s's and holds the canary of %s", key, owner, slug)
			}
		}
	}
	if err := keys.Err(); err != nil || n < 20 {
		w.t.Errorf("%d keys in Redis: %v", n, err)
	}
}

// filesAfter reads every file: each lies under its commune and holds nothing of
// another's.
func (w *world) filesAfter() {
	n := 0
	err := filepath.WalkDir(w.blobs, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		n++
		rel, err := filepath.Rel(w.blobs, path)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		owner, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
		text := rel + w.readable(b)
		for _, slug := range apptest.Communes {
			c := apptest.CanaryOf(slug)
			if owner != slug && (strings.Contains(text, c.Public) || strings.Contains(text, c.People)) {
				w.t.Errorf("the file %s holds the canary of %s", rel, slug)
			}
		}
		if owner != "lugano" && owner != "bellinzona" {
			w.t.Errorf("the file %s lies under no commune", rel)
		}
		return nil
	})
	if err != nil || n < 4 {
		w.t.Errorf("%d files: %v", n, err)
	}
}
