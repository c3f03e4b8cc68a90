// Package kmstest proves master keys: one conformance suite for all kinds, and a
// server that speaks the transit engine's HTTP API as Vault and OpenBao do.
package kmstest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Token is what the sandbox lets in.
const Token = "s.sandbox-token-of-the-tests"

// Transit is a transit engine in memory with one key, "sportello", under the mount
// "transit".
type Transit struct {
	*httptest.Server
	mu       sync.Mutex
	versions []cipher.AEAD
	away     bool
	calls    int
}

// NewTransit starts a sandbox that ends with the test.
func NewTransit(t testing.TB) *Transit {
	s := &Transit{}
	s.Rotate()
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

// KeyURL is the address of the key.
func (s *Transit) KeyURL() string { return s.URL + "/v1/transit/keys/sportello" }

// Rotate adds a version of the key, as `vault write -f transit/keys/sportello/rotate`.
func (s *Transit) Rotate() {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	s.versions = append(s.versions, aead)
	s.mu.Unlock()
}

// Away makes the service answer like a sealed server, or answer again.
func (s *Transit) Away(yes bool) {
	s.mu.Lock()
	s.away = yes
	s.mu.Unlock()
}

// Calls is how many calls were answered.
func (s *Transit) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

func fail(w http.ResponseWriter, status int, words ...string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": words})
}

func (s *Transit) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	var in struct {
		Plaintext, Ciphertext string
		AssociatedData        string `json:"associated_data"`
	}
	verb, key, found := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/transit/"), "/")
	switch {
	case s.away:
		fail(w, http.StatusServiceUnavailable, "Vault is sealed")
		return
	case r.Header.Get("X-Vault-Token") != Token:
		fail(w, http.StatusForbidden, "permission denied")
		return
	case !found || !strings.HasPrefix(r.URL.Path, "/v1/transit/") || verb != "encrypt" && verb != "decrypt":
		fail(w, http.StatusNotFound, "no handler for route")
		return
	case r.Method != http.MethodPost && r.Method != http.MethodPut:
		fail(w, http.StatusMethodNotAllowed)
		return
	case key != "sportello":
		fail(w, http.StatusBadRequest, "encryption key not found")
		return
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	data, err := s.answer(verb, in.Plaintext, in.Ciphertext, in.AssociatedData)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"request_id": "00000000-0000-0000-0000-000000000000", "lease_id": "", "renewable": false, "data": data})
}

func (s *Transit) answer(verb, plaintext, ciphertext, associated string) (map[string]any, error) {
	ad, err := base64.StdEncoding.DecodeString(associated)
	if err != nil {
		return nil, fmt.Errorf("failed to base64-decode associated_data")
	}
	if verb == "encrypt" {
		plain, err := base64.StdEncoding.DecodeString(plaintext)
		if err != nil {
			return nil, fmt.Errorf("failed to base64-decode plaintext")
		}
		version := len(s.versions)
		aead := s.versions[version-1]
		nonce := make([]byte, aead.NonceSize())
		_, _ = rand.Read(nonce) // never fails
		sealed := aead.Seal(nonce, nonce, plain, ad)
		return map[string]any{"ciphertext": fmt.Sprintf("vault:v%d:%s", version, base64.StdEncoding.EncodeToString(sealed)), "key_version": version}, nil
	}
	parts := strings.SplitN(ciphertext, ":", 3)
	if len(parts) != 3 || parts[0] != "vault" {
		return nil, fmt.Errorf("invalid ciphertext: no prefix")
	}
	version, err := strconv.Atoi(strings.TrimPrefix(parts[1], "v"))
	if err != nil || version < 1 || version > len(s.versions) {
		return nil, fmt.Errorf("invalid ciphertext: version is too new")
	}
	sealed, err := base64.StdEncoding.DecodeString(parts[2])
	aead := s.versions[version-1]
	if err != nil || len(sealed) < aead.NonceSize() {
		return nil, fmt.Errorf("invalid ciphertext: could not decode base64")
	}
	plain, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], ad)
	if err != nil {
		return nil, fmt.Errorf("cipher: message authentication failed")
	}
	return map[string]any{"plaintext": base64.StdEncoding.EncodeToString(plain)}, nil
}
