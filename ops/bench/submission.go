package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/devstack"
)

// A request to an office, free of charge: the form is checked, the rules are
// asked, and a case with its history, audit line, mail and job is stored.
const (
	submitted        = "accesso-documenti-ufficiali"
	submittedAnswers = `{"documento": "La perizia sul traffico del quartiere, presentata al Municipio nel 2024", "forma": "file"}`
	submissionTarget = .5
)

// submission measures the review page's POST. Every request is another person's:
// nobody has two open drafts of a service. The worker stands still meanwhile, for
// the floors have none.
func submission(ctx context.Context, out io.Writer, s settings, w *world, pg *devstack.Postgres, rec *recorder) (err error) {
	const recorded, warm = 4, 200
	people, err := w.people(ctx, recorded+3*(warm+s.submissions), 1, submitted, submittedAnswers)
	if err != nil {
		return err
	}
	part := func(n int) []person {
		mine := people[:n]
		people = people[n:]
		return mine
	}
	resume, err := w.pauseWorker()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, resume()) }()
	list, body, err := w.recordSubmission(ctx, rec, part(recorded))
	if err != nil {
		return err
	}
	send := func(q *queue) func(context.Context) (*http.Request, error) {
		return func(ctx context.Context) (*http.Request, error) { return w.submit(ctx, q) }
	}
	if _, err := sendEach(ctx, s.clients, warm, http.StatusSeeOther, send(&queue{list: part(warm)})); err != nil {
		return err
	}
	got, err := sendEach(ctx, s.clients, s.submissions, http.StatusSeeOther, send(&queue{list: part(s.submissions)}))
	if err != nil {
		return err
	}
	database := pg.URL(devstack.Admin, devstack.Database)
	address, stop, err := startFloor(ctx, floorPlan{URL: database, PoolSize: 8, Status: http.StatusSeeOther, ContentType: "text/html", Body: body,
		Transactions: list, People: values(part(warm + s.submissions))})
	if err != nil {
		return err
	}
	ask := func(ctx context.Context) (*http.Request, error) {
		return http.NewRequestWithContext(ctx, http.MethodPost, address, nil)
	}
	_, err = sendEach(ctx, s.clients, warm, http.StatusSeeOther, ask)
	var floor figures
	if err == nil {
		floor, err = sendEach(ctx, s.clients, s.submissions, http.StatusSeeOther, ask)
	}
	stop()
	if err != nil {
		return err
	}
	bench := "–"
	if program := findPgbench(); program != "" {
		tps, err := pgbenchEach(ctx, program, database, list, values(people), s.clients)
		if err != nil {
			return err
		}
		bench = fmt.Sprintf("%.0f", tps)
	}
	row(out, "case submission", got, floor, nil, bench, list, len(body), submissionTarget)
	return nil
}

func (w *world) submit(ctx context.Context, q *queue) (*http.Request, error) {
	p, ok := q.next()
	if !ok {
		return nil, errors.New("nobody is left who could submit")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.base+"/area/bozze/"+p.draft.String()+"/riepilogo",
		strings.NewReader(url.Values{"confermo": {"true"}}.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("Cookie", p.header())
	return req, nil
}

// The words that stand in a recorded statement for what differs from one request
// to the next.
var markers = []string{"{draft}", "{account}", "{email}", "{case}", "{ref}"}

func values(people []person) []map[string]string {
	out := make([]map[string]string, len(people))
	for i, p := range people {
		out[i] = map[string]string{"{draft}": p.draft.String(), "{account}": p.ID.String(), "{email}": p.Email}
	}
	return out
}

// complete adds what a floor invents itself.
func complete(person map[string]string) map[string]string {
	out := maps.Clone(person)
	out["{case}"], out["{ref}"] = uuid.NewString(), "BENCH-"+uuid.NewString()
	return out
}

// recordSubmission records a few submissions, takes the one with the fewest
// statements, and puts markers in place of what was its own.
func (w *world) recordSubmission(ctx context.Context, rec *recorder, people []person) ([]transaction, []byte, error) {
	var best []transaction
	var body []byte
	fewest := 0
	for _, p := range people {
		all, err := rec.record(ctx, func() error {
			status, _, page, err := fetch(ctx, func(ctx context.Context) (*http.Request, error) { return w.submit(ctx, &queue{list: []person{p}}) })
			if err == nil && status != http.StatusSeeOther {
				err = fmt.Errorf("submitting answers %d: %.300s", status, page)
			}
			body = page
			return err
		})
		if err != nil {
			return nil, nil, err
		}
		own := map[string]string{p.draft.String(): "{draft}", p.ID.String(): "{account}", p.Email: "{email}"}
		if err := w.DB.Read(ctx, w.tenant, func(tx *tenancy.Tx) error {
			var id, ref string
			if err := tx.QueryRow("select id::text, ref from cases where draft_id = $1", p.draft).Scan(&id, &ref); err != nil {
				return err
			}
			own[id], own[ref] = "{case}", "{ref}"
			return nil
		}); err != nil {
			return nil, nil, err
		}
		var mine []transaction
		n := 0
		for _, t := range all {
			if marked := t.mark(own); marked {
				mine = append(mine, t)
				n += len(t)
			}
		}
		if best == nil || n < fewest {
			best, fewest = mine, n
		}
	}
	return best, body, nil
}

// mark puts the markers; it reports whether there was any, for a transaction
// without one is not the person's.
func (t transaction) mark(own map[string]string) bool {
	found := false
	for _, s := range t {
		for i, a := range s.Args {
			text, ok := a.(string)
			if !ok {
				continue
			}
			for value, marker := range own {
				if strings.Contains(text, value) {
					text, found = strings.ReplaceAll(text, value, marker), true
				}
			}
			s.Args[i] = text
		}
	}
	return found
}

// sendEach asks n times in all, with a number of workers at once.
func sendEach(ctx context.Context, workers, n, want int, ask func(context.Context) (*http.Request, error)) (figures, error) {
	c := client(workers)
	defer c.CloseIdleConnections()
	tickets := make(chan struct{}, n)
	for range n {
		tickets <- struct{}{}
	}
	close(tickets)
	var (
		mu     sync.Mutex
		took   []time.Duration
		failed int
		first  error
		wg     sync.WaitGroup
	)
	start := time.Now()
	for range workers {
		wg.Go(func() {
			for range tickets {
				req, err := ask(ctx)
				if err == nil {
					began := time.Now()
					var status int
					if status, err = do(c, req); err == nil && status == want {
						mu.Lock()
						took = append(took, time.Since(began))
						mu.Unlock()
						continue
					}
					if err == nil {
						err = fmt.Errorf("status %d", status)
					}
				}
				mu.Lock()
				if failed++; first == nil {
					first = err
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(start)
	if len(took) == 0 {
		return figures{}, fmt.Errorf("no request of %d succeeded: %w", failed, first)
	}
	slices.Sort(took)
	return summary(took, failed, elapsed), nil
}
