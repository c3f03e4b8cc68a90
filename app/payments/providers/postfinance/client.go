package postfinance

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/golang-jwt/jwt/v5"

	"github.com/sportello-ticino/sportello/app/payments"
)

// DefaultBase is the real service.
const DefaultBase = "https://checkout.postfinance.ch"

// apiPath is the version of the API that this client speaks.
const apiPath = "/api/v2.0"

const (
	callTimeout  = 8 * time.Second  // one attempt
	readPatience = 15 * time.Second // all attempts of a read
	readAttempts = 4
	maxBody      = 1 << 20
)

// Error is an answer of the service that is not a success. It wraps
// payments.ErrRefused (4xx) or payments.ErrUnavailable (429, 5xx) and never
// holds anything of the request.
type Error struct {
	Status  int
	Code    string
	Message string
}

// Error implements error.
func (e *Error) Error() string {
	return fmt.Sprintf("postfinance: status %d %s: %s", e.Status, e.Code, e.Message)
}

// Unwrap tells refusals from failures.
func (e *Error) Unwrap() error {
	if e.Status == http.StatusTooManyRequests || e.Status >= 500 {
		return payments.ErrUnavailable
	}
	return payments.ErrRefused
}

// client sends requests for any account.
type client struct {
	base *url.URL
	http *http.Client
	now  func() time.Time
}

// call is one request: method, path below the base, query, body.
type call struct {
	method, path string
	query        url.Values
	body         any
	accept       string // application/json unless set
}

// do sends a call and answers the body. Reads are repeated with growing pauses
// on network errors, 429 and 5xx; writes are never repeated: whether they took
// effect is found out by a read.
func (c *client) do(ctx context.Context, a payments.Account, q call) ([]byte, error) {
	if q.method != http.MethodGet {
		return c.once(ctx, a, q)
	}
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval = 150 * time.Millisecond
	return backoff.Retry(ctx, func() ([]byte, error) {
		data, err := c.once(ctx, a, q)
		if err != nil && !errors.Is(err, payments.ErrUnavailable) {
			return nil, backoff.Permanent(err)
		}
		return data, err
	}, backoff.WithBackOff(pause), backoff.WithMaxTries(readAttempts), backoff.WithMaxElapsedTime(readPatience))
}

func (c *client) once(ctx context.Context, a payments.Account, q call) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	target := *c.base
	target.Path = c.base.Path + q.path
	target.RawQuery = q.query.Encode()
	var body io.Reader
	if q.body != nil {
		raw, err := json.Marshal(q.body)
		if err != nil {
			return nil, fmt.Errorf("postfinance: request: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, target.String(), body)
	if err != nil {
		return nil, fmt.Errorf("postfinance: request: %w", err)
	}
	token, err := sign(a, q.method, target.RequestURI(), c.now())
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Space", strconv.FormatInt(a.SpaceID, 10))
	req.Header.Set("Accept", "application/json")
	if q.accept != "" {
		req.Header.Set("Accept", q.accept)
	}
	if q.body != nil {
		req.Header.Set("Content-Type", "application/json;charset=utf-8")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %s %s: %w", payments.ErrUnavailable, q.method, q.path, err)
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("%w: %s %s: %w", payments.ErrUnavailable, q.method, q.path, err)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return nil, refusal(res.StatusCode, data)
	}
	return data, nil
}

func refusal(status int, data []byte) *Error {
	var body struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal(data, &body) // another shape leaves the two empty
	return &Error{Status: status, Code: body.Code, Message: body.Message}
}

// get reads JSON into a value.
func (c *client) get(ctx context.Context, a payments.Account, path string, query url.Values, into any) error {
	data, err := c.do(ctx, a, call{method: http.MethodGet, path: path, query: query})
	if err != nil {
		return err
	}
	return decode(data, into)
}

func decode(data []byte, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%w: answer that cannot be read: %w", payments.ErrUnavailable, err)
	}
	return nil
}

// text reads an answer of type text/plain; some gateways quote it as JSON.
func (c *client) text(ctx context.Context, a payments.Account, path string) (string, error) {
	data, err := c.do(ctx, a, call{method: http.MethodGet, path: path, accept: "text/plain, application/json"})
	if err != nil {
		return "", err
	}
	var quoted string
	if json.Unmarshal(data, &quoted) == nil {
		return quoted, nil
	}
	return strings.TrimSpace(string(data)), nil
}

// sign makes the token of one request: HS256 over user, moment, path with
// query, and method, keyed by the decoded application user key.
func sign(a payments.Account, method, requestPath string, now time.Time) (string, error) {
	key, err := base64.StdEncoding.DecodeString(a.Secret)
	if err != nil || len(key) == 0 {
		return "", fmt.Errorf("%w: the account's key is not base64", payments.ErrRefused)
	}
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": strconv.FormatInt(a.UserID, 10), "iat": now.Unix(), "requestPath": requestPath, "requestMethod": method,
	})
	token.Header["ver"] = 1
	token.Header["type"] = "JWT" // as the SDK writes it, beside the usual typ
	signed, err := token.SignedString(key)
	if err != nil {
		return "", fmt.Errorf("postfinance: sign token: %w", err)
	}
	return signed, nil
}
