package sandbox

import (
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/sportello-ticino/sportello/pkg/clock"
)

// Space is one merchant: a commune. Key is the application user's key, base64.
type Space struct {
	ID         int64  `json:"id"`
	Name       string `json:"name"`
	UserID     int64  `json:"user_id"`
	Key        string `json:"key"`
	WebhookURL string `json:"webhook_url"` // loopback or *.localhost; empty: no webhooks
}

// Options configure a sandbox. The zero value works.
type Options struct {
	Spaces  []Space
	BaseURL string          // where payers reach it, without trailing slash; from the request when empty
	File    string          // JSON file that keeps the state; empty: memory alone
	Step    time.Duration   // pause between the states after the payer's decision
	Retries []time.Duration // pauses before a refused webhook is sent again
	Now     func() time.Time
	Log     *slog.Logger
}

// Server is the sandbox. It is an http.Handler; Close stops its deliveries.
type Server struct {
	options Options
	mux     *http.ServeMux
	key     *ecdsa.PrivateKey
	send    *http.Client
	file    *os.File // nil: memory alone

	mu    sync.Mutex
	state state
	held  bool
	wake  chan struct{}
	stop  chan struct{}
	done  sync.WaitGroup
}

// New makes a sandbox, reading its file when there is one.
func New(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = clock.System{}.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Retries == nil {
		o.Retries = []time.Duration{200 * time.Millisecond, time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute}
	}
	s := &Server{options: o, mux: http.NewServeMux(), wake: make(chan struct{}, 1), stop: make(chan struct{}), send: loopbackClient()}
	if err := s.load(); err != nil {
		return nil, err
	}
	for _, space := range o.Spaces {
		if err := s.AddSpace(space); err != nil {
			return nil, err
		}
	}
	s.routes()
	s.done.Add(1)
	go s.deliver()
	return s, nil
}

// Close ends the deliveries and closes the file.
func (s *Server) Close() {
	close(s.stop)
	s.done.Wait()
	if s.file != nil {
		_ = s.file.Close() // every line was written at once
	}
}

// AddSpace adds a merchant or replaces the one with the same id.
func (s *Server) AddSpace(space Space) error {
	if space.ID <= 0 || space.UserID <= 0 || space.Key == "" {
		return errors.New("sandbox: a space needs an id, a user and a key")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Spaces[space.ID] = space
	s.keep(entry{Space: &space})
	return nil
}

func (s *Server) routes() {
	api := func(pattern string, h func(http.ResponseWriter, *http.Request, Space)) {
		method, path, _ := strings.Cut(pattern, " ")
		s.mux.HandleFunc(method+" /api/v2.0"+path, func(w http.ResponseWriter, r *http.Request) {
			space, err := s.authenticate(r)
			if err != nil {
				fail(w, http.StatusUnauthorized, "unauthorized", err.Error())
				return
			}
			h(w, r, space)
		})
	}
	api("POST /payment/transactions", s.createTransaction)
	api("GET /payment/transactions/search", s.searchTransactions)
	api("GET /payment/transactions/{id}", s.readTransaction)
	api("GET /payment/transactions/{id}/payment-page-url", s.paymentPageURL)
	api("POST /payment/transactions/{id}/void-online", s.voidTransaction)
	api("POST /payment/refunds", s.createRefund)
	api("GET /payment/refunds/{id}", s.readRefund)
	api("GET /webhooks/encryption-keys/{id}", s.encryptionKey)
	s.mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		fail(w, http.StatusNotFound, "not_found", "no such resource")
	})
	s.mux.HandleFunc("GET /s/{space}/pay/{id}", s.payPage)
	s.mux.HandleFunc("POST /s/{space}/pay/{id}", s.payDecision)
	s.mux.HandleFunc("GET /stile.css", stylesheet)
	s.controls()
}

// ServeHTTP answers the API, the payment page and the controls.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller is gone: nobody to tell
}

func fail(w http.ResponseWriter, status int, code, message string) {
	reply(w, status, map[string]any{"status": status, "code": code, "message": message})
}

func read(r *http.Request, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<20))
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	return nil
}

// loopbackClient dials this machine and nothing else: names are taken as the
// browser takes them, *.localhost is 127.0.0.1, every other name is refused.
func loopbackClient() *http.Client {
	dialer := &net.Dialer{Timeout: 2 * time.Second}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dialLoopback(dialer), MaxIdleConns: 8, IdleConnTimeout: 30 * time.Second},
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
