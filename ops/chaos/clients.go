package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/sportello-ticino/sportello/app/web"
)

// clients is how many people do something at the same time.
const clients = 16

// crowd files requests until it is told to stop.
type crowd struct {
	*deployment
	number  int // crowds are counted, each has people of its own
	numbers numbers
	http    *http.Client
	patient bool // sends again what was not answered; otherwise every failure counts

	mu     sync.Mutex
	people []*person
	again  int     // requests that were sent again
	errs   []error // answers that nobody may get, whatever is down
}

func newCrowd(ctx context.Context, d *deployment, patient bool) (*crowd, error) {
	d.crowds++
	c := &crowd{deployment: d, number: d.crowds, patient: patient, numbers: numbers{left: map[string][]string{}}}
	c.http = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: clients},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, slug := range communes {
		t, err := d.tenant(ctx, slug)
		if err != nil {
			return nil, err
		}
		if c.numbers.left[slug], err = d.register(ctx, t, c.number); err != nil {
			return nil, fmt.Errorf("residents of %s: %w", slug, err)
		}
	}
	return c, nil
}

// prefix begins the addresses of this crowd's people.
func (c *crowd) prefix() string { return fmt.Sprintf("guasto-%d-", c.number) }

// run keeps n people at work until stop ends; who has begun goes on to the end,
// unless ctx ends.
func (c *crowd) run(ctx, stop context.Context, n int) {
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for stop.Err() == nil && ctx.Err() == nil {
				c.one(ctx)
				wait(stop, time.Duration(50+rand.IntN(200))*time.Millisecond)
			}
		})
	}
	wg.Wait()
}

// one person files one request, and pays for it where it costs something.
func (c *crowd) one(ctx context.Context) {
	slug := communes[rand.IntN(len(communes))]
	avs := ""
	if slug != unpaid && rand.IntN(2) == 0 {
		avs, _ = c.numbers.next(slug)
	}
	p := newPerson(c.prefix(), slug, avs)
	c.mu.Lock()
	c.people = append(c.people, p)
	c.mu.Unlock()
	if !c.insist(ctx, func() error { return c.prepare(ctx, p) }) || !c.insist(ctx, func() error { return c.signIn(ctx, p) }) {
		return
	}
	var to string
	if !c.insist(ctx, func() (err error) {
		to, err = c.post(ctx, p, "/area/bozze/"+p.draft.String()+"/riepilogo", "confermo=true")
		return err
	}) {
		return
	}
	c.mu.Lock()
	p.filed = true
	c.mu.Unlock()
	if rand.IntN(4) == 0 { // and presses twice
		_, _ = c.post(ctx, p, "/area/bozze/"+p.draft.String()+"/riepilogo", "confermo=true")
	}
	if p.pays {
		c.settle(ctx, p, to)
	}
}

var refIn = regexp.MustCompile(`[A-Z]{3}-\d{4}-[0-9A-Z]{4}-[0-9A-Z]`)

// settle goes to the provider's page and pays.
func (c *crowd) settle(ctx context.Context, p *person, to string) {
	for !strings.Contains(to, "/pay/") && ctx.Err() == nil { // the page could not be made: the case offers to pay again
		ref := refIn.FindString(to)
		if ref == "" {
			c.wrong(fmt.Errorf("a request that costs something leads to %q", to))
			return
		}
		if !c.insist(ctx, func() (err error) { to, err = c.post(ctx, p, "/area/pratiche/"+ref+"/paga", ""); return err }) {
			return
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(url.Values{"esito": {"paga"}, "mezzo": {"TWINT"}}.Encode()))
	if err != nil {
		c.wrong(err)
		return
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := c.http.Do(req)
	if err != nil {
		c.wrong(fmt.Errorf("the provider's page: %w", err))
		return
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		c.wrong(fmt.Errorf("the provider's page answers %s", res.Status))
		return
	}
	c.mu.Lock()
	p.settled = true
	c.mu.Unlock()
}

// insist does something until it succeeds: patient people for as long as ctx
// lasts, others once.
func (c *crowd) insist(ctx context.Context, do func() error) bool {
	for ctx.Err() == nil {
		err := do()
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		c.mu.Lock()
		c.again++
		c.mu.Unlock()
		if !c.patient {
			c.wrong(err)
			return false
		}
		wait(ctx, 250*time.Millisecond)
	}
	return false
}

func (c *crowd) wrong(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.errs) < 20 {
		c.errs = append(c.errs, err)
	}
}

// post sends a form as the person and says where the answer leads. Somebody
// whose session is gone signs in again.
func (c *crowd) post(ctx context.Context, p *person, path, form string) (string, error) {
	_, port, _ := net.SplitHostPort(c.proxy.addr)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.proxy.addr+path, strings.NewReader(form))
	if err != nil {
		return "", err
	}
	req.Host = p.slug + ".localhost:" + port
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("X-Forwarded-For", p.address()) // limits count people, not this machine
	req.Header.Set("Cookie", web.SessionCookie+"="+p.cookie)
	res, err := c.http.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	to := res.Header.Get("Location")
	switch {
	case res.StatusCode == http.StatusUnauthorized, res.StatusCode == http.StatusSeeOther && strings.Contains(to, "/accedi"):
		_ = c.signIn(ctx, p) // and sends again
		return "", fmt.Errorf("%s: signed out", path)
	case res.StatusCode == http.StatusSeeOther:
		return to, nil
	case res.StatusCode < http.StatusInternalServerError && res.StatusCode != http.StatusTooManyRequests:
		c.wrong(fmt.Errorf("%s of %s answers %s: %.300s", path, p.slug, res.Status, text(body)))
	}
	return "", fmt.Errorf("%s of %s answers %s: %.200s", path, p.slug, res.Status, text(body))
}

var tags = regexp.MustCompile(`(?s)<[^>]*>|\s+`)

// text is what a page says, for an error.
func text(page []byte) string {
	s := string(page)
	if i := strings.Index(s, "<main"); i >= 0 {
		s = s[i:]
	}
	return strings.TrimSpace(regexp.MustCompile(` +`).ReplaceAllString(tags.ReplaceAllString(s, " "), " "))
}
