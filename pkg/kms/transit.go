package kms

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
	"strings"
	"time"
)

// Transit is a key of the transit engine of HashiCorp Vault or OpenBao. The key
// stays there; we send what is to be wrapped. Source: the engine's HTTP API,
// POST /v1/<mount>/encrypt/<key> and decrypt/<key>, with associated_data (the key's
// type must be an AEAD one: aes256-gcm96, the engine's default, or
// chacha20-poly1305).
type Transit struct {
	o    TransitOptions
	name string
	base string
}

// TransitOptions say where the key is.
type TransitOptions struct {
	// URL is the address of the key: https://vault.example:8200/v1/transit/keys/sportello,
	// or the same without /v1. An empty mount is "transit".
	URL string
	// Token is sent as X-Vault-Token. Its policy needs update on encrypt/<key> and
	// decrypt/<key> and nothing else.
	Token string
	// Namespace of an enterprise server; "" for none.
	Namespace string
	// HTTP reaches the service; it should go through pkg/egress.
	HTTP *http.Client
	// Patience bounds one call (default 5 s).
	Patience time.Duration
}

// maxAnswer bounds what is read of an answer: a wrapped keyset has a few hundred bytes.
const maxAnswer = 1 << 20

// NewTransit checks the address and dials nothing.
func NewTransit(o TransitOptions) (*Transit, error) {
	u, err := url.Parse(o.URL)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil {
		return nil, errors.New("kms: the address must look like https://vault.example:8200/transit/keys/sportello")
	}
	path := strings.Trim(strings.TrimPrefix(strings.Trim(u.Path, "/"), "v1/"), "/")
	mount, key, ok := strings.Cut(path, "/keys/")
	if !ok || mount == "" || key == "" || strings.Contains(key, "/") {
		return nil, errors.New("kms: the address must end in <mount>/keys/<name of the key>")
	}
	if o.Token == "" {
		return nil, errors.New("kms: a token is needed")
	}
	if o.HTTP == nil {
		return nil, errors.New("kms: no HTTP client was given")
	}
	if o.Patience == 0 {
		o.Patience = 5 * time.Second
	}
	return &Transit{o: o, name: "transit:" + u.Host + "/" + mount + "/" + key,
		base: u.Scheme + "://" + u.Host + "/v1/" + mount + "/%s/" + key}, nil
}

// Name is "transit:" with host, mount and key.
func (t *Transit) Name() string { return t.name }

// EncryptWithContext wraps. The result is the engine's own text, "vault:v1:…",
// which names the version of the key. Errors: ErrUnavailable, ErrRefused.
func (t *Transit) EncryptWithContext(ctx context.Context, plain, associated []byte) ([]byte, error) {
	var out struct{ Ciphertext string }
	err := t.call(ctx, "encrypt", map[string]string{
		"plaintext":       base64.StdEncoding.EncodeToString(plain),
		"associated_data": base64.StdEncoding.EncodeToString(associated),
	}, &out)
	if err == nil && out.Ciphertext == "" {
		err = fmt.Errorf("%w: an answer without a ciphertext", ErrUnavailable)
	}
	return []byte(out.Ciphertext), err
}

// DecryptWithContext unwraps. Errors: ErrUnavailable, ErrRefused, ErrOpen.
func (t *Transit) DecryptWithContext(ctx context.Context, sealed, associated []byte) ([]byte, error) {
	var out struct{ Plaintext string }
	err := t.call(ctx, "decrypt", map[string]string{
		"ciphertext":      string(sealed),
		"associated_data": base64.StdEncoding.EncodeToString(associated),
	}, &out)
	if err != nil {
		return nil, err
	}
	plain, err := base64.StdEncoding.DecodeString(out.Plaintext)
	if err != nil {
		return nil, fmt.Errorf("%w: an answer that is not base64", ErrUnavailable)
	}
	return plain, nil
}

func (t *Transit) call(ctx context.Context, verb string, in map[string]string, out any) error {
	ctx, cancel := context.WithTimeout(ctx, t.o.Patience)
	defer cancel()
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf(t.base, verb), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Vault-Token", t.o.Token)
	req.Header.Set("X-Vault-Request", "true") // the engine's own defence against forged requests asks for it
	if t.o.Namespace != "" {
		req.Header.Set("X-Vault-Namespace", t.o.Namespace)
	}
	resp, err := t.o.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if resp.StatusCode != http.StatusOK {
		return refusal(verb, resp.StatusCode, raw)
	}
	var answer struct{ Data json.RawMessage }
	if err := json.Unmarshal(raw, &answer); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err := json.Unmarshal(answer.Data, out); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// refusal reads the engine's errors. A ciphertext it cannot open is 400, as is a
// key that does not exist; 403 is the token's, 503 a sealed server.
func refusal(verb string, status int, raw []byte) error {
	var answer struct{ Errors []string }
	_ = json.Unmarshal(raw, &answer) // what is no JSON has no words for us
	words := strings.Join(answer.Errors, "; ")
	switch {
	case status == http.StatusForbidden || status == http.StatusNotFound:
		return fmt.Errorf("%w: HTTP %d %s", ErrRefused, status, words)
	case status == http.StatusBadRequest && strings.Contains(words, "key not found"):
		return fmt.Errorf("%w: %s", ErrRefused, words)
	case status == http.StatusBadRequest && verb == "decrypt":
		return fmt.Errorf("%w: %s", ErrOpen, words)
	case status == http.StatusBadRequest:
		return fmt.Errorf("%w: %s", ErrRefused, words)
	}
	return fmt.Errorf("%w: HTTP %d %s", ErrUnavailable, status, words)
}
