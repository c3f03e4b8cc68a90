package sandbox

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// maxAge is how old or how early a request's token may be.
const maxAge = 10 * time.Minute

// authenticate checks the token of a request and answers the space it may use.
func (s *Server) authenticate(r *http.Request) (Space, error) {
	id, err := strconv.ParseInt(r.Header.Get("Space"), 10, 64)
	if err != nil {
		return Space{}, errors.New("header Space is missing")
	}
	s.mu.Lock()
	space, known := s.state.Spaces[id]
	s.mu.Unlock()
	if !known {
		return Space{}, errors.New("unknown user or key")
	}
	raw, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return Space{}, errors.New("bearer token is missing")
	}
	claims := jwt.MapClaims{}
	token, err := jwt.ParseWithClaims(raw, claims, func(*jwt.Token) (any, error) {
		return base64.StdEncoding.DecodeString(space.Key)
	}, jwt.WithValidMethods([]string{"HS256"}), jwt.WithoutClaimsValidation())
	if err != nil {
		return Space{}, errors.New("unknown user or key")
	}
	issued, err := claims.GetIssuedAt()
	age := maxAge + 1
	if err == nil && issued != nil {
		age = s.options.Now().Sub(issued.Time).Abs()
	}
	switch {
	case fmt.Sprint(token.Header["ver"]) != "1":
		return Space{}, errors.New("token header ver must be 1")
	case claims["sub"] != strconv.FormatInt(space.UserID, 10):
		return Space{}, errors.New("unknown user or key")
	case age > maxAge:
		return Space{}, errors.New("token too old or from the future")
	case claims["requestMethod"] != r.Method:
		return Space{}, errors.New("token is for another method")
	case claims["requestPath"] != r.URL.RequestURI():
		return Space{}, errors.New("token is for another path")
	}
	return space, nil
}

func (s *Server) createTransaction(w http.ResponseWriter, r *http.Request, space Space) {
	t := &transaction{}
	if err := read(r, t); err != nil {
		fail(w, http.StatusBadRequest, "bad_request", err.Error())
		return
	}
	total, err := sum(t.LineItems)
	switch {
	case err != nil:
	case t.Currency != "CHF":
		err = errors.New("currency: CHF expected")
	case total.Sign() <= 0:
		err = errors.New("lineItems: total must be positive")
	case len(t.MerchantReference) > 100:
		err = errors.New("merchantReference: at most 100 characters")
	case !isURL(t.SuccessURL) || !isURL(t.FailedURL):
		err = errors.New("successUrl and failedUrl must be addresses")
	}
	if err != nil {
		fail(w, http.StatusUnprocessableEntity, "validation", err.Error())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t.ID, t.LinkedSpaceID, t.State, t.Version, t.CreatedOn = s.newID(), space.ID, "CREATE", 1, s.options.Now()
	t.AuthorizationAmount, t.CompletedAmount, t.RefundedAmount = amount(total), "0.00", "0.00"
	t.Token, t.Connector, t.UserFailureMessage = rand.Text(), nil, ""
	s.state.Transactions[t.ID] = t
	s.advance(t, "PENDING")
	reply(w, http.StatusCreated, t)
}

func (s *Server) find(w http.ResponseWriter, r *http.Request, space Space) *transaction {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	t := s.state.Transactions[id]
	if t == nil || t.LinkedSpaceID != space.ID {
		fail(w, http.StatusNotFound, "not_found", "no such transaction")
		return nil
	}
	return t
}

func (s *Server) readTransaction(w http.ResponseWriter, r *http.Request, space Space) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.find(w, r, space); t != nil {
		reply(w, http.StatusOK, t)
	}
}

func (s *Server) searchTransactions(w http.ResponseWriter, r *http.Request, space Space) {
	field, value, ok := strings.Cut(r.URL.Query().Get("query"), ":")
	if !ok || field != "merchantReference" {
		fail(w, http.StatusUnprocessableEntity, "validation", "query: merchantReference:<value> expected")
		return
	}
	value = strings.Trim(value, `"`)
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []*transaction{}
	for _, t := range s.state.Transactions {
		if t.LinkedSpaceID == space.ID && t.MerchantReference == value {
			found = append(found, t)
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].ID < found[j].ID })
	reply(w, http.StatusOK, map[string]any{"data": found, "hasMore": false, "limit": len(found), "offset": 0})
}

func (s *Server) paymentPageURL(w http.ResponseWriter, r *http.Request, space Space) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.find(w, r, space)
	if t == nil {
		return
	}
	if !open(t) {
		fail(w, http.StatusConflict, "conflict", "transaction is in state "+t.State)
		return
	}
	base := s.options.BaseURL
	if base == "" {
		base = "http://" + r.Host
	}
	w.Header().Set("Content-Type", "text/plain;charset=utf-8")
	_, _ = fmt.Fprintf(w, "%s/s/%d/pay/%d?securityToken=%s", base, space.ID, t.ID, t.Token)
}

func (s *Server) voidTransaction(w http.ResponseWriter, r *http.Request, space Space) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.find(w, r, space)
	if t == nil {
		return
	}
	if t.State != "AUTHORIZED" {
		fail(w, http.StatusConflict, "conflict", "transaction is in state "+t.State)
		return
	}
	s.advance(t, "VOIDED")
	reply(w, http.StatusOK, t)
}

func (s *Server) createRefund(w http.ResponseWriter, r *http.Request, space Space) {
	in := &refund{}
	if err := read(r, in); err != nil {
		fail(w, http.StatusBadRequest, "bad_request", err.Error())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, done := range s.state.Refunds {
		if done.LinkedSpaceID == space.ID && done.ExternalID == in.ExternalID && in.ExternalID != "" {
			reply(w, http.StatusOK, done)
			return
		}
	}
	t := s.state.Transactions[in.Transaction]
	if t == nil || t.LinkedSpaceID != space.ID {
		fail(w, http.StatusUnprocessableEntity, "validation", "transaction: unknown")
		return
	}
	back, ok := new(big.Rat).SetString(in.Amount.String())
	left := new(big.Rat).Sub(rat(t.CompletedAmount), rat(t.RefundedAmount))
	if !ok || back.Sign() <= 0 || back.Cmp(left) > 0 || in.ExternalID == "" {
		fail(w, http.StatusUnprocessableEntity, "validation", "amount: more than was paid, or externalId missing")
		return
	}
	in.ID, in.LinkedSpaceID, in.State = s.newID(), space.ID, "SUCCESSFUL"
	in.Amount = amount(back)
	s.state.Refunds[in.ID] = in
	t.RefundedAmount = amount(new(big.Rat).Add(rat(t.RefundedAmount), back))
	t.Version++
	s.notify(space.ID, "Refund", in.ID, in.State)
	s.keep(entry{Refund: in, Transaction: t})
	reply(w, http.StatusCreated, in)
}

func (s *Server) readRefund(w http.ResponseWriter, r *http.Request, space Space) {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	s.mu.Lock()
	defer s.mu.Unlock()
	if done := s.state.Refunds[id]; done != nil && done.LinkedSpaceID == space.ID {
		reply(w, http.StatusOK, done)
		return
	}
	fail(w, http.StatusNotFound, "not_found", "no such refund")
}

func (s *Server) encryptionKey(w http.ResponseWriter, r *http.Request, _ Space) {
	if r.PathValue("id") != s.state.KeyID {
		fail(w, http.StatusNotFound, "not_found", "no such key")
		return
	}
	spki, err := x509.MarshalPKIXPublicKey(s.key.Public())
	if err != nil {
		fail(w, http.StatusInternalServerError, "internal", "key")
		return
	}
	w.Header().Set("Content-Type", "text/plain;charset=utf-8")
	_, _ = fmt.Fprint(w, base64.StdEncoding.EncodeToString(spki))
}

// after lists the states a transaction may go to.
var after = map[string][]string{
	"CREATE": {"PENDING"}, "PENDING": {"CONFIRMED", "FAILED"}, "CONFIRMED": {"PROCESSING", "FAILED"},
	"PROCESSING": {"AUTHORIZED", "FAILED"}, "AUTHORIZED": {"COMPLETED", "VOIDED"}, "COMPLETED": {"FULFILL", "DECLINE"},
}

func open(t *transaction) bool {
	return slices.Contains([]string{"CREATE", "PENDING", "CONFIRMED"}, t.State)
}

// advance moves a transaction one state on and tells the merchant. A step that
// the machine does not know is refused. The caller holds the lock.
func (s *Server) advance(t *transaction, to string) bool {
	if !slices.Contains(after[t.State], to) {
		return false
	}
	t.State = to
	t.Version++
	if to == "COMPLETED" {
		t.CompletedAmount = t.AuthorizationAmount
	}
	s.keep(entry{Transaction: t})
	s.notify(t.LinkedSpaceID, "Transaction", t.ID, to)
	return true
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

func sum(items []lineItem) (*big.Rat, error) {
	total := new(big.Rat)
	seen := map[string]bool{}
	for _, l := range items {
		v, ok := new(big.Rat).SetString(l.AmountIncludingTax.String())
		if !ok || l.Name == "" || l.UniqueID == "" || seen[l.UniqueID] {
			return nil, errors.New("lineItems: uniqueId, name and amountIncludingTax are needed, each uniqueId once")
		}
		seen[l.UniqueID] = true
		total.Add(total, v)
	}
	return total, nil
}

func rat(n json.Number) *big.Rat {
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		return new(big.Rat)
	}
	return r
}

func amount(r *big.Rat) json.Number { return json.Number(r.FloatString(2)) }
