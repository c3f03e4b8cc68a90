package sandbox

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// state is everything the sandbox remembers. Webhooks on their way are not
// kept over a restart: the merchant reads again anyway.
type state struct {
	KeyID        string
	Key          []byte // PKCS#8
	NextID       int64
	Spaces       map[int64]Space
	Transactions map[int64]*transaction
	Refunds      map[int64]*refund
	Webhooks     []*webhook
}

// entry is one line of the file: what was changed. Later lines win.
type entry struct {
	KeyID       string       `json:"key_id,omitempty"`
	Key         []byte       `json:"key,omitempty"`
	Space       *Space       `json:"space,omitempty"`
	Transaction *transaction `json:"transaction,omitempty"`
	Refund      *refund      `json:"refund,omitempty"`
}

// transaction has the API's names for what the API shows.
type transaction struct {
	ID                  int64             `json:"id"`
	LinkedSpaceID       int64             `json:"linkedSpaceId"`
	Version             int               `json:"version"`
	State               string            `json:"state"`
	Currency            string            `json:"currency"`
	Language            string            `json:"language"`
	MerchantReference   string            `json:"merchantReference"`
	LineItems           []lineItem        `json:"lineItems"`
	AuthorizationAmount json.Number       `json:"authorizationAmount"`
	CompletedAmount     json.Number       `json:"completedAmount"`
	RefundedAmount      json.Number       `json:"refundedAmount"`
	SuccessURL          string            `json:"successUrl"`
	FailedURL           string            `json:"failedUrl"`
	MetaData            map[string]string `json:"metaData,omitempty"`
	CreatedOn           time.Time         `json:"createdOn"`
	UserFailureMessage  string            `json:"userFailureMessage,omitempty"`
	Connector           *connector        `json:"paymentConnectorConfiguration,omitempty"`
	Token               string            `json:"securityToken"` // of the payment page
}

type connector struct {
	Name string `json:"name"`
}

type lineItem struct {
	UniqueID           string      `json:"uniqueId"`
	Name               string      `json:"name"`
	Type               string      `json:"type"`
	Quantity           json.Number `json:"quantity"`
	AmountIncludingTax json.Number `json:"amountIncludingTax"`
}

type refund struct {
	ID                int64       `json:"id"`
	LinkedSpaceID     int64       `json:"linkedSpaceId"`
	Transaction       int64       `json:"transaction"`
	ExternalID        string      `json:"externalId"`
	MerchantReference string      `json:"merchantReference"`
	Type              string      `json:"type"`
	Amount            json.Number `json:"amount"`
	State             string      `json:"state"`
}

// webhook is a signed notice on its way.
type webhook struct {
	url      string
	body     []byte
	attempts int
	next     time.Time
	held     bool
}

// load replays the file, makes a signing key at the first start, and writes
// the file anew without what was overtaken.
func (s *Server) load() error {
	s.state = state{Spaces: map[int64]Space{}, Transactions: map[int64]*transaction{}, Refunds: map[int64]*refund{}, NextID: 400_000}
	if err := s.replay(); err != nil {
		return err
	}
	if s.state.Key == nil {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return fmt.Errorf("sandbox: make key: %w", err)
		}
		if s.state.Key, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
			return fmt.Errorf("sandbox: keep key: %w", err)
		}
		s.state.KeyID = strings.ToLower(rand.Text())
	}
	parsed, err := x509.ParsePKCS8PrivateKey(s.state.Key)
	if err != nil {
		return fmt.Errorf("sandbox: key in state file: %w", err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return errors.New("sandbox: key in state file is of another kind")
	}
	s.key = key
	return s.compact()
}

func (s *Server) replay() error {
	if s.options.File == "" {
		return nil
	}
	f, err := os.Open(s.options.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sandbox: read state: %w", err)
	}
	defer func() { _ = f.Close() }()
	for d := json.NewDecoder(f); ; {
		var e entry
		if err := d.Decode(&e); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil { // a last line cut off by a kill
			s.options.Log.Warn("sandbox state ends in a broken line", "file", s.options.File, "error", err)
			return nil
		}
		if e.Key != nil {
			s.state.Key, s.state.KeyID = e.Key, e.KeyID
		}
		if e.Space != nil {
			s.state.Spaces[e.Space.ID] = *e.Space
		}
		if e.Transaction != nil {
			s.state.Transactions[e.Transaction.ID] = e.Transaction
			s.state.NextID = max(s.state.NextID, e.Transaction.ID+100) // events took numbers too
		}
		if e.Refund != nil {
			s.state.Refunds[e.Refund.ID] = e.Refund
			s.state.NextID = max(s.state.NextID, e.Refund.ID+100)
		}
	}
}

func (s *Server) compact() error {
	if s.options.File == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(s.options.File), 0o700); err != nil {
		return fmt.Errorf("sandbox: state: %w", err)
	}
	part := s.options.File + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("sandbox: write state: %w", err)
	}
	s.file = f
	s.keep(entry{Key: s.state.Key, KeyID: s.state.KeyID})
	for _, space := range s.state.Spaces {
		s.keep(entry{Space: &space})
	}
	for _, t := range s.state.Transactions {
		s.keep(entry{Transaction: t})
	}
	for _, r := range s.state.Refunds {
		s.keep(entry{Refund: r})
	}
	if err := os.Rename(part, s.options.File); err != nil {
		return fmt.Errorf("sandbox: write state: %w", err)
	}
	return nil
}

// keep appends what was changed, before the API answers. The caller holds the
// lock. A full disk is logged: the demonstration goes on from memory.
func (s *Server) keep(e entry) {
	if s.file == nil {
		return
	}
	line, err := json.Marshal(e)
	if err == nil {
		_, err = s.file.Write(append(line, '\n'))
	}
	if err != nil {
		s.options.Log.Error("sandbox state not kept", "error", err)
	}
}

func (s *Server) newID() int64 {
	s.state.NextID++
	return s.state.NextID
}

var errNotLoopback = errors.New("sandbox: webhooks go to this machine only")

func dialLoopback(dialer *net.Dialer) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, fmt.Errorf("sandbox: address: %w", err)
		}
		if host == "localhost" || strings.HasSuffix(host, ".localhost") {
			host = "127.0.0.1"
		}
		if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
			return nil, errNotLoopback
		}
		return dialer.DialContext(ctx, network, net.JoinHostPort(host, port))
	}
}
