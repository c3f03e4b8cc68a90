package postfinance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sportello-ticino/sportello/app/payments"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// Provider implements payments.Provider.
type Provider struct {
	c    *client
	keys *keyring
}

// Options configure the client.
type Options struct {
	Base string       // address of the service, with or without the API's path; DefaultBase when empty
	HTTP *http.Client // the outgoing client of the house
	Now  func() time.Time
}

// New makes a provider. It connects to nothing yet.
func New(o Options) (*Provider, error) {
	if o.Base == "" {
		o.Base = DefaultBase
	}
	base, err := url.Parse(strings.TrimSuffix(o.Base, "/"))
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("postfinance: base address %q is not a URL", o.Base)
	}
	if base.Path == "" {
		base.Path = apiPath
	}
	if o.HTTP == nil {
		return nil, errors.New("postfinance: the outgoing client of the house is missing")
	}
	if o.Now == nil {
		o.Now = clock.System{}.Now
	}
	p := &Provider{c: &client{base: base, http: o.HTTP, now: o.Now}}
	p.keys = newKeyring(p.c)
	return p, nil
}

type lineItem struct {
	UniqueID           string     `json:"uniqueId"`
	Name               string     `json:"name"`
	Type               string     `json:"type"`
	Quantity           int        `json:"quantity"`
	AmountIncludingTax decimalCHF `json:"amountIncludingTax"`
}

type transactionCreate struct {
	Currency                string            `json:"currency"`
	Language                string            `json:"language"`
	MerchantReference       string            `json:"merchantReference"`
	LineItems               []lineItem        `json:"lineItems"`
	SuccessURL              string            `json:"successUrl"`
	FailedURL               string            `json:"failedUrl"`
	AutoConfirmationEnabled bool              `json:"autoConfirmationEnabled"`
	CompletionBehavior      string            `json:"completionBehavior"`
	ChargeRetryEnabled      bool              `json:"chargeRetryEnabled"`
	MetaData                map[string]string `json:"metaData,omitempty"`
}

type transaction struct {
	ID                  int64      `json:"id"`
	State               string     `json:"state"`
	MerchantReference   string     `json:"merchantReference"`
	Currency            string     `json:"currency"`
	AuthorizationAmount decimalCHF `json:"authorizationAmount"`
	RefundedAmount      decimalCHF `json:"refundedAmount"`
	Connector           struct {
		Name string `json:"name"`
	} `json:"paymentConnectorConfiguration"`
}

// decimalCHF travels as a JSON number of francs: 15.00.
type decimalCHF money.CHF

// MarshalJSON writes "15.00" without quotes.
func (d decimalCHF) MarshalJSON() ([]byte, error) { return []byte(money.CHF(d).Decimal()), nil }

// UnmarshalJSON reads a number; null is zero.
func (d *decimalCHF) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	francs, err := strconv.ParseFloat(string(data), 64)
	if err != nil {
		return fmt.Errorf("postfinance: amount %.20q: %w", data, err)
	}
	c, err := money.FromFloat(francs)
	*d = decimalCHF(c)
	return err
}

// languages of the payment page, as BCP 47 with Swiss forms.
var languages = map[string]string{"it": "it-CH", "de": "de-CH", "fr": "fr-CH", "en": "en-US"}

// Create implements payments.Provider.
func (p *Provider) Create(ctx context.Context, a payments.Account, o payments.Order) (payments.Remote, error) {
	body := transactionCreate{
		Currency: "CHF", Language: languages[o.Language], MerchantReference: o.Reference,
		SuccessURL: o.SuccessURL, FailedURL: o.FailedURL,
		AutoConfirmationEnabled: true, CompletionBehavior: "COMPLETE_IMMEDIATELY",
		ChargeRetryEnabled: false, // another try is another payment of ours, with its own record
		MetaData:           map[string]string{"caseReference": o.CaseRef},
	}
	if body.Language == "" {
		body.Language = languages["it"]
	}
	for _, l := range o.Lines {
		body.LineItems = append(body.LineItems, lineItem{
			UniqueID: l.Key, Name: short(l.Name, 150), Type: "FEE", Quantity: 1, AmountIncludingTax: decimalCHF(l.Amount),
		})
	}
	data, err := p.c.do(ctx, a, call{method: http.MethodPost, path: "/payment/transactions", body: body})
	if err != nil {
		return payments.Remote{}, err
	}
	var t transaction
	if err := decode(data, &t); err != nil {
		return payments.Remote{}, err
	}
	return t.remote()
}

// PageURL implements payments.Provider.
func (p *Provider) PageURL(ctx context.Context, a payments.Account, ref string) (string, error) {
	page, err := p.c.text(ctx, a, "/payment/transactions/"+url.PathEscape(ref)+"/payment-page-url")
	if err != nil {
		return "", err
	}
	u, err := url.Parse(page)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || (p.c.base.Scheme == "https" && u.Scheme != "https") {
		return "", fmt.Errorf("%w: payment page is no address", payments.ErrUnavailable)
	}
	return page, nil
}

// Find implements payments.Provider.
func (p *Provider) Find(ctx context.Context, a payments.Account, reference string) (payments.Remote, bool, error) {
	var found struct {
		Data []transaction `json:"data"`
	}
	query := url.Values{"query": {"merchantReference:" + reference}, "limit": {"20"}}
	if err := p.c.get(ctx, a, "/payment/transactions/search", query, &found); err != nil {
		return payments.Remote{}, false, err
	}
	for _, t := range found.Data { // the search may match more than asked for
		if t.MerchantReference == reference {
			remote, err := t.remote()
			return remote, err == nil, err
		}
	}
	return payments.Remote{}, false, nil
}

// Read implements payments.Provider.
func (p *Provider) Read(ctx context.Context, a payments.Account, ref string) (payments.Remote, error) {
	var t transaction
	if err := p.c.get(ctx, a, "/payment/transactions/"+url.PathEscape(ref), nil, &t); err != nil {
		return payments.Remote{}, err
	}
	return t.remote()
}

// states maps the provider's states; DECLINE is the merchant's own refusal to
// deliver, VOIDED a cancelled authorisation.
var states = map[string]payments.RemoteState{
	"CREATE": payments.RemoteOpen, "PENDING": payments.RemoteOpen, "CONFIRMED": payments.RemoteOpen,
	"PROCESSING": payments.RemoteProcessing, "AUTHORIZED": payments.RemoteProcessing, "COMPLETED": payments.RemoteProcessing,
	"FULFILL": payments.RemoteFulfilled,
	"FAILED":  payments.RemoteFailed, "DECLINE": payments.RemoteFailed, "VOIDED": payments.RemoteFailed,
}

func (t transaction) remote() (payments.Remote, error) {
	state, known := states[t.State]
	if !known || t.ID == 0 {
		return payments.Remote{}, fmt.Errorf("%w: transaction in unknown state %.20q", payments.ErrUnavailable, t.State)
	}
	if t.Currency != "CHF" {
		return payments.Remote{}, fmt.Errorf("%w: transaction in currency %.5q", payments.ErrUnavailable, t.Currency)
	}
	return payments.Remote{
		Ref: strconv.FormatInt(t.ID, 10), Reference: t.MerchantReference, State: state, Detail: t.State,
		Amount: money.CHF(t.AuthorizationAmount), Refunded: money.CHF(t.RefundedAmount), Method: t.Connector.Name,
	}, nil
}

type refundCreate struct {
	Transaction       int64      `json:"transaction"`
	ExternalID        string     `json:"externalId"`
	MerchantReference string     `json:"merchantReference"`
	Type              string     `json:"type"`
	Amount            decimalCHF `json:"amount"`
}

type refund struct {
	ID     int64      `json:"id"`
	State  string     `json:"state"`
	Amount decimalCHF `json:"amount"`
}

// Refund implements payments.Provider. The service answers the first refund
// again when it sees the same external id.
func (p *Provider) Refund(ctx context.Context, a payments.Account, r payments.RefundOrder) (payments.RemoteRefund, error) {
	id, err := strconv.ParseInt(r.Ref, 10, 64)
	if err != nil {
		return payments.RemoteRefund{}, fmt.Errorf("%w: transaction %q", payments.ErrRefused, r.Ref)
	}
	data, err := p.c.do(ctx, a, call{method: http.MethodPost, path: "/payment/refunds", body: refundCreate{
		Transaction: id, ExternalID: r.Key, MerchantReference: r.Key, Type: "MERCHANT_INITIATED_ONLINE", Amount: decimalCHF(r.Amount),
	}})
	if err != nil {
		return payments.RemoteRefund{}, err
	}
	var done refund
	if err := decode(data, &done); err != nil {
		return payments.RemoteRefund{}, err
	}
	return payments.RemoteRefund{
		Ref: strconv.FormatInt(done.ID, 10), Done: done.State == "SUCCESSFUL", Failed: done.State == "FAILED", Amount: money.CHF(done.Amount),
	}, nil
}

// short cuts at n characters.
func short(s string, n int) string {
	r := []rune(s)
	if len(r) > n {
		return string(r[:n])
	}
	return s
}
