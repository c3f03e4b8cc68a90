package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

// A certificate that answers by itself: paid on the provider's page, sealed by the
// worker.
const (
	paid           = "certificato-domicilio"
	paidAnswers    = `{"per_chi": "me", "motivo": "locazione", "lingua": "it", "consegna": "casella"}`
	documentTarget = time.Second
	documentsAside = 4 // people who pay at the same time
)

// documents measures from the payer's click on the provider's page to the sealed
// document: webhook, transition, job, PDF, seal. Everything runs as in the demo.
func documents(ctx context.Context, out io.Writer, s settings, w *world) error {
	people, err := w.people(ctx, s.payments, 3, paid, paidAnswers)
	if err != nil {
		return err
	}
	took := make([]time.Duration, len(people))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(documentsAside)
	for i, p := range people {
		g.Go(func() (err error) {
			took[i], err = w.payAndWait(ctx, p)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	slices.Sort(took)
	got := summary(took, 0, time.Second)
	_, err = fmt.Fprintf(out, "\nfrom the payer's click to the sealed document, %d payments, %d at a time: p50 %s, p95 %s, longest %s (target: p95 under %s)\n",
		len(took), documentsAside, round(got.P50), round(got.P95), round(took[len(took)-1]), documentTarget)
	return err
}

func (w *world) payAndWait(ctx context.Context, p person) (time.Duration, error) {
	c := client(1)
	defer c.CloseIdleConnections()
	req, err := w.submit(ctx, &queue{list: []person{p}})
	if err != nil {
		return 0, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	page := resp.Header.Get("Location")
	if resp.StatusCode != http.StatusSeeOther || !strings.Contains(page, "/pay/") {
		return 0, fmt.Errorf("submitting answers %s and leads to %q, not to the payment page", resp.Status, page)
	}
	if err := expect(ctx, c, http.MethodGet, page, "", http.StatusOK); err != nil {
		return 0, err
	}
	var id uuid.UUID
	if err := w.DB.Read(ctx, w.tenant, func(tx *tenancy.Tx) error {
		return tx.QueryRow("select id from cases where draft_id = $1", p.draft).Scan(&id)
	}); err != nil {
		return 0, err
	}
	start := time.Now()
	if err := expect(ctx, c, http.MethodPost, page, "esito=paga", http.StatusSeeOther); err != nil {
		return 0, err
	}
	for time.Since(start) < 20*time.Second {
		var there []bool
		var reads tenancy.Reads
		tenancy.Collect(&reads, &there, pgx.RowTo[bool], "select exists (select from documents where case_id = $1 and sha256 <> '')", id)
		if err := w.DB.ReadTogether(ctx, w.tenant, &reads); err != nil {
			return 0, err
		}
		if there[0] {
			return time.Since(start), nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	return 0, fmt.Errorf("no document 20 s after the payment of case %s", id)
}

func expect(ctx context.Context, c *http.Client, method, url, form string, want int) error {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(form))
	if err != nil {
		return err
	}
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	status, err := do(c, req)
	if err == nil && status != want {
		err = fmt.Errorf("%s %s answers %d", method, url, status)
	}
	return err
}
