package sandbox

import (
	"crypto/subtle"
	_ "embed" // page and style
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

//go:embed page.html
var pageHTML string

//go:embed stile.css
var styleCSS []byte

var page = template.Must(template.New("page").Parse(pageHTML))

// methods are what the page offers; the key is the form's value.
var methods = []struct{ Key, Name string }{
	{"twint", "TWINT"}, {"postfinance", "PostFinance Pay"}, {"visa", "Visa"}, {"mastercard", "Mastercard"},
}

type pageData struct {
	Merchant, Reference, Total string
	Lines                      []pageLine
	Methods                    []struct{ Key, Name string }
	Open                       bool
	Back                       string
}

type pageLine struct{ Name, Amount string }

func stylesheet(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(styleCSS)
}

// paying finds the transaction that a payment page is for. The caller holds the lock.
func (s *Server) paying(r *http.Request) (*transaction, Space, bool) {
	spaceID, _ := strconv.ParseInt(r.PathValue("space"), 10, 64)
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	t := s.state.Transactions[id]
	token := r.URL.Query().Get("securityToken")
	if t == nil || t.LinkedSpaceID != spaceID || subtle.ConstantTimeCompare([]byte(token), []byte(t.Token)) != 1 {
		return nil, Space{}, false
	}
	return t, s.state.Spaces[spaceID], true
}

func (s *Server) payPage(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, space, ok := s.paying(r)
	if !ok {
		http.Error(w, "Pagamento non trovato.", http.StatusNotFound)
		return
	}
	if t.State == "PENDING" {
		s.advance(t, "CONFIRMED")
	}
	data := pageData{
		Merchant: space.Name, Reference: t.MetaData["caseReference"], Total: "CHF " + t.AuthorizationAmount.String(),
		Methods: methods, Open: open(t), Back: s.target(t),
	}
	for _, l := range t.LineItems {
		data.Lines = append(data.Lines, pageLine{l.Name, "CHF " + amount(rat(l.AmountIncludingTax)).String()})
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	// The answer to the form is a redirect to the merchant, which browsers
	// measure by form-action too.
	h.Set("Content-Security-Policy", fmt.Sprintf("default-src 'none'; style-src 'self'; form-action 'self' %s %s; frame-ancestors 'none'; base-uri 'none'",
		origin(t.SuccessURL), origin(t.FailedURL)))
	if err := page.Execute(w, data); err != nil {
		s.options.Log.Error("sandbox page", "error", err)
	}
}

func (s *Server) payDecision(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<14)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "Dati non validi.", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, _, ok := s.paying(r)
	if !ok {
		http.Error(w, "Pagamento non trovato.", http.StatusNotFound)
		return
	}
	s.decide(t, r.PostForm.Get("esito"), r.PostForm.Get("mezzo"))
	http.Redirect(w, r, s.target(t), http.StatusSeeOther)
}

// decide acts on the payer's button; a second click finds the transaction
// closed and changes nothing. The caller holds the lock.
func (s *Server) decide(t *transaction, outcome, method string) {
	if !open(t) {
		return
	}
	if t.State == "PENDING" {
		s.advance(t, "CONFIRMED")
	}
	if i := slices.IndexFunc(methods, func(m struct{ Key, Name string }) bool { return m.Key == method }); i >= 0 {
		t.Connector = &connector{Name: methods[i].Name}
	}
	switch outcome {
	case "paga":
		s.walk(t, "PROCESSING", "AUTHORIZED", "COMPLETED", "FULFILL")
	case "rifiuta":
		t.UserFailureMessage = "Il pagamento è stato rifiutato."
		s.walk(t, "PROCESSING", "FAILED")
	default:
		t.UserFailureMessage = "Il pagamento è stato annullato."
		s.advance(t, "FAILED")
	}
}

// walk takes several steps, at once or with the configured pause between them.
// The caller holds the lock.
func (s *Server) walk(t *transaction, states ...string) {
	if s.options.Step == 0 {
		for _, to := range states {
			s.advance(t, to)
		}
		return
	}
	s.advance(t, states[0]) // at once: it closes the page
	s.done.Add(1)
	go func() {
		defer s.done.Done()
		for _, to := range states[1:] {
			select {
			case <-s.stop:
				return
			case <-time.After(s.options.Step):
			}
			s.mu.Lock()
			s.advance(t, to)
			s.mu.Unlock()
		}
	}()
}

// target is where the payer goes when done.
func (s *Server) target(t *transaction) string {
	if t.State == "FAILED" || t.State == "DECLINE" || t.State == "VOIDED" {
		return t.FailedURL
	}
	return t.SuccessURL
}

func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
