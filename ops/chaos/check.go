package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/web"
)

// tally is what was counted at the end.
type tally struct {
	Filed, Paid, Unanswered      int // acknowledged submissions and payments; cases nobody was told of
	Cases, Payments, Documents   int
	Mails, MailsTwice, Delivered int
	Jobs, Audit                  int
	wrong                        []string
}

func (t *tally) fail(format string, a ...any) { t.wrong = append(t.wrong, fmt.Sprintf(format, a...)) }

// settled waits until no job is open and nothing waits for money that was paid.
func (c *crowd) settled(ctx context.Context, limit time.Duration) error {
	last := ""
	err := until(ctx, limit, "every job is done", func() bool {
		last = ""
		for _, slug := range communes {
			t, err := c.tenant(ctx, slug)
			if err == nil {
				err = c.inside.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
					var open, starting, issuing int
					if err := tx.QueryRow(`select (select count(*) from outbox where done_at is null),
						(select count(*) from payments where state in ('starting', 'open', 'processing') and exists (select from cases c where c.id = case_id and payment = 'due')),
						(select count(*) from cases where state = 'issuing')`).Scan(&open, &starting, &issuing); err != nil {
						return err
					}
					if open+starting+issuing > 0 {
						return fmt.Errorf("%d jobs, %d payments and %d documents are open", open, starting, issuing)
					}
					return nil
				})
			}
			if err != nil {
				last += " " + slug + ": " + err.Error()
				return false
			}
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("%w:%s", err, last)
	}
	return nil
}

// count holds what was acknowledged against what is stored.
func (c *crowd) count(ctx context.Context) (*tally, error) {
	out := &tally{}
	for _, slug := range communes {
		if err := c.countIn(ctx, slug, out); err != nil {
			return nil, fmt.Errorf("%s: %w", slug, err)
		}
	}
	return out, nil
}

// stored is what a commune has of one person.
type stored struct {
	ref, state, payment                     string
	cases, fulfilled, ledger, papers, mails int
	unsent                                  int
}

func (c *crowd) countIn(ctx context.Context, slug string, out *tally) error {
	t, err := c.tenant(ctx, slug)
	if err != nil {
		return err
	}
	have := map[string]stored{}
	err = c.inside.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
		rows, err := tx.Query(`select a.id::text, a.email, coalesce(min(c.ref), ''), coalesce(min(c.state), ''), coalesce(min(c.payment), ''), count(c.id),
			coalesce(sum((select count(*) from payments p where p.case_id = c.id and p.state = 'fulfilled')), 0)::int,
			coalesce(sum((select count(*) from ledger_entries l join payments p on p.id = l.payment_id where p.case_id = c.id)), 0)::int,
			coalesce(sum((select count(*) from documents d where d.case_id = c.id and d.sha256 <> '')), 0)::int,
			(select count(*) from notifications n where n.recipient = a.email and n.sent_at is not null),
			(select count(*) from notifications n where n.recipient = a.email and n.sent_at is null)
			from accounts a left join cases c on c.applicant_id = a.id where a.email like $1 group by a.id, a.email`, c.prefix()+"%")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id, email string
			var s stored
			if err := rows.Scan(&id, &email, &s.ref, &s.state, &s.payment, &s.cases, &s.fulfilled, &s.ledger, &s.papers, &s.mails, &s.unsent); err != nil {
				return err
			}
			have[id] = s
		}
		if err := rows.Err(); err != nil {
			return err
		}
		var undone, given, jobs, audited, orphans int
		if err := tx.QueryRow(`select count(*) filter (where done_at is null), count(*) filter (where gave_up_at is not null), count(*) from outbox`).Scan(&undone, &given, &jobs); err != nil {
			return err
		}
		if undone+given > 0 {
			out.fail("%s: %d jobs are not done, %d were given up", slug, undone, given)
		}
		out.Jobs += jobs
		if err := tx.QueryRow("select count(*) from audit").Scan(&audited); err != nil {
			return err
		}
		out.Audit += audited
		if err := tx.QueryRow(`select (select count(*) from case_events e where not exists (select from cases c where c.id = e.case_id))
			+ (select count(*) from payments p where not exists (select from cases c where c.id = p.case_id))
			+ (select count(*) from documents d where not exists (select from cases c where c.id = d.case_id))
			+ (select count(*) from cases c where not exists (select from case_events e where e.case_id = c.id and e.kind = 'submitted'))`).Scan(&orphans); err != nil {
			return err
		}
		if orphans > 0 {
			out.fail("%s: %d rows belong to no case, or cases have no beginning", slug, orphans)
		}
		return nil
	})
	if err != nil {
		return err
	}
	provider := map[string]int{}
	for _, x := range c.sandbox.Transactions(c.spaces[slug]) {
		if x.State == "FULFILL" {
			provider[x.CaseReference]++
		}
	}
	mine := map[string]bool{}
	for _, p := range c.people {
		if p.slug == slug {
			mine[p.ID.String()] = true
			c.countOf(ctx, p, have[p.ID.String()], provider, out)
		}
	}
	for id, s := range have {
		if !mine[id] {
			out.fail("%s holds account %s (%d cases) of another commune", slug, id, s.cases)
		}
	}
	return nil
}

// countOf holds one person's acknowledgements against what is stored.
func (c *crowd) countOf(ctx context.Context, p *person, s stored, provider map[string]int, out *tally) {
	out.Cases += s.cases
	out.Payments += s.fulfilled
	out.Documents += s.papers
	out.Mails += s.mails
	delivered := len(c.inbox.List(p.Email))
	out.Delivered += delivered
	out.MailsTwice += max(0, delivered-s.mails)
	if s.cases > 1 {
		out.fail("%s has %d cases, one was filed", p.Email, s.cases)
	}
	switch {
	case p.filed && s.cases == 0:
		out.fail("the acknowledged request of %s is lost", p.Email)
	case p.filed:
		out.Filed++
	case s.cases > 0:
		out.Unanswered++
	}
	if s.cases == 0 {
		return
	}
	if s.unsent > 0 || delivered < s.mails {
		out.fail("%s: %d mails wait, %d of %d arrived", s.ref, s.unsent, delivered, s.mails)
	}
	if !p.pays {
		if s.mails != 1 {
			out.fail("%s has %d receipts by mail", s.ref, s.mails)
		}
		return
	}
	if took := provider[s.ref]; took != s.fulfilled || took > 1 {
		out.fail("%s: the provider took the money %d times, %d payments are booked", s.ref, took, s.fulfilled)
	}
	if !p.settled {
		return
	}
	out.Paid++
	if s.fulfilled != 1 || s.payment != "paid" || s.ledger != 2 || s.papers != 1 || s.state != "completed" || s.mails != 1 {
		out.fail("%s was paid for: %d payments, %d bookings, %d documents, %d mails, state %s, payment %q", s.ref, s.fulfilled, s.ledger, s.papers, s.mails, s.state, s.payment)
	}
}

// papers downloads some of the documents as their owners do.
func (c *crowd) papers(ctx context.Context, most int, out *tally) {
	_, port, _ := net.SplitHostPort(c.proxy.addr)
	for _, p := range c.people {
		if !p.settled || most == 0 {
			continue
		}
		most--
		t, err := c.tenant(ctx, p.slug)
		var id string
		if err == nil {
			err = c.inside.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
				return tx.QueryRow("select id::text from documents where owner_id = $1", p.ID).Scan(&id)
			})
		}
		if err == nil {
			err = c.signIn(ctx, p)
		}
		if err == nil {
			err = c.paper(ctx, p, "/area/documenti/"+id, p.slug+".localhost:"+port)
		}
		if err != nil {
			out.fail("document of %s: %v", p.Email, err)
		}
	}
}

func (c *crowd) paper(ctx context.Context, p *person, path, host string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.proxy.addr+path, nil)
	if err != nil {
		return err
	}
	req.Host = host
	req.Header.Set("Cookie", web.SessionCookie+"="+p.cookie)
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && (res.StatusCode != http.StatusOK || len(b) < 5 || string(b[:5]) != "%PDF-") {
		return fmt.Errorf("%s answers %s with %d bytes", path, res.Status, len(b))
	}
	return err
}
