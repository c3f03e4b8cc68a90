package sandbox

import (
	"fmt"
	"net"
	"net/http"
	"sort"
	"strconv"
)

// controls are for tests and for the person at the demonstration; they answer
// this machine alone.
func (s *Server) controls() {
	local := func(pattern string, h http.HandlerFunc) {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			host, _, err := net.SplitHostPort(r.RemoteAddr)
			if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
				fail(w, http.StatusForbidden, "forbidden", "controls answer this machine only")
				return
			}
			h(w, r)
		})
	}
	local("GET /sandbox/spaces/{space}/transactions", func(w http.ResponseWriter, r *http.Request) {
		space, _ := strconv.ParseInt(r.PathValue("space"), 10, 64)
		reply(w, http.StatusOK, s.transactionsOf(space))
	})
	local("PUT /sandbox/spaces/{space}", func(w http.ResponseWriter, r *http.Request) {
		var space Space
		id, _ := strconv.ParseInt(r.PathValue("space"), 10, 64)
		err := read(r, &space)
		if space.ID = id; err == nil {
			err = s.AddSpace(space)
		}
		if err != nil {
			fail(w, http.StatusUnprocessableEntity, "validation", err.Error())
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	local("POST /sandbox/transactions/{id}/decide", func(w http.ResponseWriter, r *http.Request) {
		id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err := s.Decide(id, r.FormValue("esito"), r.FormValue("mezzo")); err != nil {
			fail(w, http.StatusNotFound, "not_found", err.Error())
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	local("POST /sandbox/webhooks/hold", func(w http.ResponseWriter, _ *http.Request) {
		s.Hold()
		w.WriteHeader(http.StatusNoContent)
	})
	local("POST /sandbox/webhooks/release", func(w http.ResponseWriter, r *http.Request) {
		times, _ := strconv.Atoi(r.FormValue("times"))
		s.Release(min(times, 20), r.FormValue("order") == "reverse")
		w.WriteHeader(http.StatusNoContent)
	})
	local("POST /sandbox/webhooks/drop", func(w http.ResponseWriter, _ *http.Request) {
		s.Drop()
		w.WriteHeader(http.StatusNoContent)
	})
}

// Decide acts as the payer: outcome "paga", "rifiuta" or "annulla".
func (s *Server) Decide(id int64, outcome, method string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.state.Transactions[id]
	if t == nil {
		return fmt.Errorf("sandbox: no transaction %d", id)
	}
	s.decide(t, outcome, method)
	return nil
}

// Advance takes one step of the state machine, for tests of what lies between.
func (s *Server) Advance(id int64, to string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.state.Transactions[id]
	if t == nil || !s.advance(t, to) {
		return fmt.Errorf("sandbox: transaction %d cannot go to %s", id, to)
	}
	return nil
}

// Seen is a transaction as the controls show it.
type Seen struct {
	ID                int64  `json:"id"`
	State             string `json:"state"`
	MerchantReference string `json:"merchantReference"`
	CaseReference     string `json:"caseReference"`
	Amount            string `json:"amount"`
	Refunded          string `json:"refunded"`
}

func (s *Server) transactionsOf(space int64) []Seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Seen{}
	for _, t := range s.state.Transactions {
		if t.LinkedSpaceID == space {
			out = append(out, Seen{t.ID, t.State, t.MerchantReference, t.MetaData["caseReference"], t.AuthorizationAmount.String(), t.RefundedAmount.String()})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

// Transactions lists what a space has, oldest first.
func (s *Server) Transactions(space int64) []Seen { return s.transactionsOf(space) }

// SignedBy makes the X-Signature that this sandbox would send for a body, for
// tests of what a receiver does with it.
func (s *Server) SignedBy(body []byte) (string, error) { return s.sign(body) }
