package web

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// How many pages for visitors a process keeps, how long, and how large one may
// be: a list of 140 services has 60 KiB. At most 64 MiB, in practice a tenth.
const (
	sharedPages = 512
	sharedFor   = 20 * time.Second
	sharedBytes = 128 << 10
)

// Shared says that a page is the same for everybody who has not signed in, as
// long as nothing it shows has changed: the commune's face and the given topics
// (tenancy.Tx.Bump). Such a page is written once and kept in memory for a few
// seconds. It may set no cookie and no header of its own, and must not depend on
// anything but commune, host, path and language: a request with a query is always
// answered anew, as is everybody who has a session.
func Shared(topics ...string) RouteOption {
	return func(o *routeOptions) { o.shared = append([]string{siteTopic}, topics...) }
}

const siteTopic = "site"

// sharedKey names a page. Two requests with one key get the same page but for
// the nonce of the content security policy, which is every answer's own.
type sharedKey struct {
	commune, host, main, path, lang string
}

// sharedPage is a page between two occurrences of its nonce.
type sharedPage struct {
	revisions []int64
	until     time.Time
	parts     [][]byte
}

// shelf keeps pages for visitors.
type shelf struct {
	pages *lru.Cache[sharedKey, *sharedPage]
}

func newShelf() *shelf {
	pages, err := lru.New[sharedKey, *sharedPage](sharedPages)
	if err != nil {
		panic(err) // only a size below one
	}
	return &shelf{pages}
}

// shareable reports whether the request's page may come from the shelf or be put
// there, and under which key.
func (r *Request) shareable() (sharedKey, []int64, bool) {
	topics := r.route.opts.shared
	u := r.c.Request.URL
	if topics == nil || r.c.Request.Method != http.MethodGet || !r.tenant.Valid() || r.hasToken ||
		!r.actor.Anonymous() || r.degraded || u.RawQuery != "" || u.ForceQuery {
		return sharedKey{}, nil, false
	}
	revisions := make([]int64, len(topics))
	for i, topic := range topics {
		rev, err := r.srv.DB.Revision(r.Ctx(), r.tenant, topic)
		if err != nil {
			return sharedKey{}, nil, false
		}
		revisions[i] = rev
	}
	_, mark := r.announcements() // an announcement that begins or ends makes another page
	revisions = append(revisions, mark)
	return sharedKey{r.tenant.Slug(), r.c.Request.Host, r.tenant.MainHost(), u.EscapedPath(), r.lang}, revisions, true
}

// fromShelf answers with a kept page; false when there is none that still holds.
func (r *Request) fromShelf() bool {
	key, revisions, ok := r.shareable()
	if !ok {
		return false
	}
	r.sharedKey, r.sharedRevisions = key, revisions
	p, ok := r.srv.shelf.pages.Get(key)
	if !ok || !slices.Equal(p.revisions, revisions) || time.Now().After(p.until) {
		shelfMiss.Inc()
		return false
	}
	shelfHit.Inc()
	buf := buffers.Get().(*bytes.Buffer)
	defer func() { buf.Reset(); buffers.Put(buf) }()
	for i, part := range p.parts {
		if i > 0 {
			buf.WriteString(r.nonce)
		}
		buf.Write(part)
	}
	r.write(http.StatusOK, buf.Bytes())
	return true
}

// keep puts a page that was just written on the shelf. The revisions are those
// from before it was made: a change in between makes it stale at once.
func (r *Request) keep(page []byte) {
	if r.sharedRevisions == nil || len(page) > sharedBytes || r.c.Writer.Header().Get("Set-Cookie") != "" {
		return
	}
	parts := bytes.Split(bytes.Clone(page), []byte(r.nonce))
	r.srv.shelf.pages.Add(r.sharedKey, &sharedPage{revisions: r.sharedRevisions, until: time.Now().Add(sharedFor), parts: parts})
}

var (
	htmlType     = []string{"text/html; charset=utf-8"}
	privateCache = []string{"private, no-cache"}
	personal     = []string{"private, no-store"}
)

// kept says whether a browser may keep the page: what somebody saw who has signed
// in must not come back with the back button on a shared machine.
func (r *Request) kept() []string {
	if r.actor.Anonymous() {
		return privateCache
	}
	return personal
}

// write sends a page with its length, so that it goes out in one piece.
func (r *Request) write(status int, page []byte) {
	h := r.c.Writer.Header()
	h["Content-Type"] = htmlType
	h["Content-Length"] = []string{strconv.Itoa(len(page))}
	h["Cache-Control"] = r.kept()
	r.c.Writer.WriteHeader(status)
	_, _ = r.c.Writer.Write(page) // the visitor closed the window: no fault of ours
}
