package apptest

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/egress"
	"github.com/sportello-ticino/sportello/pkg/htmlcheck"
)

// Client is a visitor with a browser: it keeps cookies per host (also Secure
// ones, as browsers do on *.localhost), says where it comes from, and follows
// redirects.
type Client struct {
	t       testing.TB
	e       *Env
	slug    string
	http    *http.Client
	cookies map[string]map[string]string // host → name → value
}

// Visit opens a browser on a commune's host.
func (e *Env) Visit(t testing.TB, slug string) *Client {
	c := &Client{t: t, e: e, slug: slug, http: egress.LocalClient(), cookies: map[string]map[string]string{}}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http.Timeout = 30 * time.Second
	return c
}

// As opens a browser in which a persona has signed in.
func (e *Env) As(t testing.TB, slug, persona string) *Client {
	t.Helper()
	c := e.Visit(t, slug)
	res := c.Send(http.MethodPost, "/dev/personas/"+persona, "", nil)
	if res.StatusCode != http.StatusSeeOther {
		t.Fatalf("become %s in %s: %s", persona, slug, res.Status)
	}
	return c
}

// Copy is a second device of the same person, signed in anew.
func (c *Client) Copy(persona string) *Client { return c.e.As(c.t, c.slug, persona) }

func (c *Client) address(path string) string {
	if strings.HasPrefix(path, "http") {
		return path
	}
	return c.e.URLOf(c.slug, path)
}

// Do sends a request with the host's cookies, and keeps those that come back.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	host := req.URL.Hostname()
	for name, value := range c.cookies[host] {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	if req.Method != http.MethodGet && req.Header.Get("Sec-Fetch-Site") == "" {
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	for _, k := range res.Cookies() {
		if c.cookies[host] == nil {
			c.cookies[host] = map[string]string{}
		}
		if k.MaxAge < 0 {
			delete(c.cookies[host], k.Name)
		} else {
			c.cookies[host][k.Name] = k.Value
		}
	}
	if res.StatusCode == http.StatusSeeOther || res.StatusCode == http.StatusFound {
		if req.Header.Get("X-Test-Stay") == "" {
			to, err := req.URL.Parse(res.Header.Get("Location"))
			if err != nil {
				return nil, err
			}
			_ = res.Body.Close()
			next, err := http.NewRequestWithContext(req.Context(), http.MethodGet, to.String(), nil)
			if err != nil {
				return nil, err
			}
			return c.Do(next)
		}
	}
	return res, nil
}

// Send sends one request and does not follow a redirect. The body is read and
// may be read again.
func (c *Client) Send(method, path, contentType string, body []byte, header ...string) *http.Response {
	c.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, c.address(path), bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("X-Test-Stay", "1")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := c.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	all, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	_ = res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(all))
	return res
}

// Get opens a page, following redirects, and fails unless it has the status.
func (c *Client) Get(path string, status int) *htmlcheck.Page {
	c.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, c.address(path), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.page(req, status)
}

func (c *Client) page(req *http.Request, status int) *htmlcheck.Page {
	c.t.Helper()
	res, err := c.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != status {
		body, _ := io.ReadAll(res.Body)
		c.t.Fatalf("%s %s: %s, want %d\n%.2000s", req.Method, req.URL, res.Status, status, strip(string(body)))
	}
	p := htmlcheck.Response(c.t, res)
	return p
}

// Post sends a form, following the redirect, and fails unless it has the status.
func (c *Client) Post(path string, form url.Values, status int) *htmlcheck.Page {
	c.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, c.address(path), strings.NewReader(form.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.page(req, status)
}

// File is a file of an upload.
type File struct {
	Field, Name string
	Data        []byte
}

// Upload sends a form with files.
func (c *Client) Upload(path string, form url.Values, files []File, status int) *htmlcheck.Page {
	c.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, values := range form {
		for _, v := range values {
			if err := w.WriteField(name, v); err != nil {
				c.t.Fatal(err)
			}
		}
	}
	for _, f := range files {
		part, err := w.CreateFormFile(f.Field, f.Name)
		if err != nil {
			c.t.Fatal(err)
		}
		_, _ = part.Write(f.Data)
	}
	_ = w.Close()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, c.address(path), &b)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	return c.page(req, status)
}

// Bytes downloads a file.
func (c *Client) Bytes(path string, status int) []byte {
	c.t.Helper()
	res := c.Send(http.MethodGet, path, "", nil)
	if res.StatusCode != status {
		c.t.Fatalf("GET %s: %s, want %d", path, res.Status, status)
	}
	b, _ := io.ReadAll(res.Body)
	return b
}

// Eventually tries until ok or fails after ten seconds.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(25 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("not within ten seconds: %s", what)
}

func strip(html string) string {
	if i := strings.Index(html, "<main"); i >= 0 {
		html = html[i:]
	}
	return html
}

// CarryCookies sends one host's cookies to another as well, as a thief would.
func (c *Client) CarryCookies(from, to string) {
	c.cookies[to+".localhost"] = c.cookies[from+".localhost"]
}

// SetSession gives the browser a session on a commune's host.
func (c *Client) SetSession(slug, token string) {
	c.cookies[slug+".localhost"] = map[string]string{web.SessionCookie: token}
}

// SetCookie gives the browser a cookie of a host.
func (c *Client) SetCookie(slug, name, value string) {
	host := slug + ".localhost"
	if c.cookies[host] == nil {
		c.cookies[host] = map[string]string{}
	}
	c.cookies[host][name] = value
}
