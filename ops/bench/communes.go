package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/sportello-ticino/sportello/pkg/devstack"
)

// communes measures the personal page and the submission, each request in the
// next commune, with few communes and with many; beside each a bare handler that
// does the same statements in the same communes.
func communes(ctx context.Context, out io.Writer, s settings, w *world, pg *devstack.Postgres, rec *recorder) error {
	counts := []int{5, s.communes}
	var pages, cases [2]float64
	for i, n := range counts {
		fleet, err := w.fleet(ctx, n)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(fleet, func(o *world) bool { return o.tenant.Slug() == w.tenant.Slug() })
		if at < 0 {
			return errors.New("the commune that is recorded is not among those measured")
		}
		got, floor, err := pageOfMany(ctx, s, fleet, at, pg, rec)
		if err != nil {
			return fmt.Errorf("page with %d communes: %w", n, err)
		}
		line(out, "personal page", n, got, floor)
		pages[i] = got.PerSecond
		if got, floor, err = submissionsOfMany(ctx, s, fleet, at, pg, rec); err != nil {
			return fmt.Errorf("submission with %d communes: %w", n, err)
		}
		line(out, "submission", n, got, floor)
		cases[i] = got.PerSecond
	}
	_, err := fmt.Fprintf(out, "%d communes ÷ %d: page %.2f, submission %.2f\n", counts[1], counts[0], pages[1]/pages[0], cases[1]/cases[0])
	return err
}

func line(out io.Writer, name string, n int, got, floor figures) {
	fmt.Fprintf(out, "\n%s, %d communes: %.0f per second, p50 %s, p99 %s, failed %d; gin+pgx %.0f: %.2f", name, n,
		got.PerSecond, round(got.P50), round(got.P99), got.Failed, floor.PerSecond, got.PerSecond/floor.PerSecond)
	if name == "submission" {
		fmt.Fprintln(out)
	}
}

func pageOfMany(ctx context.Context, s settings, fleet []*world, at int, pg *devstack.Postgres, rec *recorder) (got, floor figures, err error) {
	visitors, err := visitors(ctx, fleet)
	if err != nil {
		return got, floor, err
	}
	var turn atomic.Int64
	ask := func(ctx context.Context) (*http.Request, error) {
		i := int(turn.Add(1)) % len(fleet)
		return fleet[i].area(ctx, visitors[i])
	}
	one := func(ctx context.Context) (*http.Request, error) { return fleet[at].area(ctx, visitors[at]) }
	status, contentType, body, err := fetch(ctx, one)
	if err != nil || status != http.StatusOK {
		return got, floor, fmt.Errorf("the page answers %d (%w)", status, err)
	}
	list, err := rec.page(ctx, func() error { _, _, _, err := fetch(ctx, one); return err })
	if err != nil {
		return got, floor, err
	}
	turns := make([][]transaction, len(fleet))
	for i := range fleet {
		turns[i] = elsewhere(list, fleet[at].tenant.Slug(), fleet[i].tenant.Slug(), visitors[at].ID.String(), visitors[i].ID.String())
	}
	url, stop, err := startFloor(ctx, floorPlan{URL: pg.URL(devstack.Admin, devstack.Database), PoolSize: 8, Status: http.StatusOK,
		ContentType: contentType, Body: body, Turns: turns})
	if err != nil {
		return got, floor, err
	}
	defer stop()
	results, err := inTurns(ctx, s, []func(context.Context) (*http.Request, error){ask, func(ctx context.Context) (*http.Request, error) {
		return http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	}})
	if err != nil {
		return got, floor, err
	}
	return results[0], results[1], nil
}

// visitors are one signed-in person of each commune.
func visitors(ctx context.Context, fleet []*world) ([]person, error) {
	var out []person
	for _, w := range fleet {
		list, err := w.people(ctx, 1, 1, submitted, submittedAnswers)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

func (w *world) area(ctx context.Context, p person) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base+"/area", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Cookie", p.header())
	return req, nil
}

// elsewhere is what was recorded in one commune, done in another; pairs are
// further values and what stands in their place.
func elsewhere(list []transaction, from, to string, pairs ...string) []transaction {
	r := strings.NewReplacer(append([]string{"t_" + from, "t_" + to}, pairs...)...)
	out := make([]transaction, len(list))
	for i, t := range list {
		for _, st := range t {
			next := statement{SQL: r.Replace(st.SQL), Prepared: st.Prepared}
			for _, a := range st.Args {
				if text, ok := a.(string); ok {
					a = r.Replace(text)
				}
				next.Args = append(next.Args, a)
			}
			out[i] = append(out[i], next)
		}
	}
	return out
}

// dealt deals people to communes by turns: the n-th is of commune n modulo their
// number.
type dealt struct {
	fleet  []*world
	people []person
}

func deal(ctx context.Context, fleet []*world, n int) (dealt, error) {
	each := (n + len(fleet) - 1) / len(fleet)
	all := make([][]person, len(fleet))
	for i, w := range fleet {
		var err error
		if all[i], err = w.people(ctx, each, 1, submitted, submittedAnswers); err != nil {
			return dealt{}, err
		}
	}
	d := dealt{fleet: fleet}
	for i := range each * len(fleet) {
		d.people = append(d.people, all[i%len(fleet)][i/len(fleet)])
	}
	return d, nil
}

func (d dealt) submit() func(context.Context) (*http.Request, error) {
	var turn atomic.Int64
	return func(ctx context.Context) (*http.Request, error) {
		i := int(turn.Add(1) - 1)
		if i >= len(d.people) {
			return nil, errors.New("nobody is left who could submit")
		}
		return d.fleet[i%len(d.fleet)].submit(ctx, &queue{list: d.people[i : i+1]})
	}
}

// warmRounds is how often each commune is asked of the floor before it counts:
// each of its eight connections must meet each commune's tables once.
const warmRounds = 12

func submissionsOfMany(ctx context.Context, s settings, fleet []*world, at int, pg *devstack.Postgres, rec *recorder) (got, floor figures, err error) {
	home := fleet[at]
	recorded, err := home.people(ctx, 4, 1, submitted, submittedAnswers)
	if err != nil {
		return got, floor, err
	}
	var hands [3]dealt
	for i, n := range []int{2 * len(fleet), s.submissions, s.submissions} { // to warm up, for the product, for the floor
		if hands[i], err = deal(ctx, fleet, n); err != nil {
			return got, floor, err
		}
	}
	resume, err := home.pauseWorker()
	if err != nil {
		return got, floor, err
	}
	defer func() { err = errors.Join(err, resume()) }()
	list, body, err := home.recordSubmission(ctx, rec, recorded)
	if err != nil {
		return got, floor, err
	}
	if _, err := sendEach(ctx, s.clients, len(hands[0].people), http.StatusSeeOther, hands[0].submit()); err != nil {
		return got, floor, err
	}
	if got, err = sendEach(ctx, s.clients, len(hands[1].people), http.StatusSeeOther, hands[1].submit()); err != nil {
		return got, floor, err
	}
	turns := make([][]transaction, len(fleet))
	for i := range fleet {
		turns[i] = elsewhere(list, home.tenant.Slug(), fleet[i].tenant.Slug())
	}
	address, stop, err := startFloor(ctx, floorPlan{URL: pg.URL(devstack.Admin, devstack.Database), PoolSize: 8, Status: http.StatusSeeOther,
		ContentType: "text/html", Body: body, Turns: turns, People: values(hands[2].people)})
	if err != nil {
		return got, floor, err
	}
	defer stop()
	if _, err := sendEach(ctx, s.clients, warmRounds*len(fleet), http.StatusSeeOther, func(ctx context.Context) (*http.Request, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, nil)
		if err == nil {
			req.Header.Set(warmHeader, "1")
		}
		return req, err
	}); err != nil {
		return got, floor, err
	}
	floor, err = sendEach(ctx, s.clients, len(hands[2].people), http.StatusSeeOther, func(ctx context.Context) (*http.Request, error) {
		return http.NewRequestWithContext(ctx, http.MethodPost, address, nil)
	})
	return got, floor, err
}
