package sandbox

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// listeners are the made-up ids of the webhook listeners; the entity ids are
// the service's own.
var listeners = map[string]struct{ entity, listener int64 }{
	"Transaction": {1472041829003, 1}, "Refund": {1472041839405, 2},
}

// notify queues a notice for a space. The caller holds the lock.
func (s *Server) notify(space int64, kind string, id int64, state string) {
	url := s.state.Spaces[space].WebhookURL
	if url == "" {
		return
	}
	body, err := json.Marshal(map[string]any{
		"entityId": id, "eventId": s.newID(), "listenerEntityId": listeners[kind].entity, "listenerEntityTechnicalName": kind,
		"spaceId": space, "state": state, "timestamp": s.options.Now().UTC().Format("2006-01-02T15:04:05-0700"),
		"webhookListenerId": listeners[kind].listener,
	})
	if err != nil {
		s.options.Log.Error("sandbox webhook", "error", err)
		return
	}
	s.state.Webhooks = append(s.state.Webhooks, &webhook{url: url, body: body, next: s.options.Now(), held: s.held})
	s.poke()
}

func (s *Server) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// sign makes the value of X-Signature.
func (s *Server) sign(body []byte) (string, error) {
	digest := sha256.Sum256(body)
	der, err := ecdsa.SignASN1(rand.Reader, s.key, digest[:])
	if err != nil {
		return "", fmt.Errorf("sandbox: sign webhook: %w", err)
	}
	return fmt.Sprintf("algorithm=SHA256withECDSA, keyId=%s, signature=%s", s.state.KeyID, base64.StdEncoding.EncodeToString(der)), nil
}

// deliver sends what is due, one after the other and in order, until Close.
func (s *Server) deliver() {
	defer s.done.Done()
	for {
		next := s.due()
		if next == nil {
			select {
			case <-s.stop:
				return
			case <-s.wake:
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		err := s.post(next)
		s.mu.Lock()
		next.attempts++
		switch {
		case err == nil, next.attempts > len(s.options.Retries):
			s.state.Webhooks = slices.DeleteFunc(s.state.Webhooks, func(w *webhook) bool { return w == next })
			if err != nil {
				s.options.Log.Warn("sandbox webhook given up", "url", next.url, "error", err)
			}
		default:
			next.next = s.options.Now().Add(s.options.Retries[next.attempts-1])
		}
		s.mu.Unlock()
		select {
		case <-s.stop:
			return
		default:
		}
	}
}

func (s *Server) due() *webhook {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	for _, w := range s.state.Webhooks {
		if !w.held && !w.next.After(now) {
			return w
		}
	}
	return nil
}

func (s *Server) post(w *webhook) error {
	signature, err := s.sign(w.body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(w.body))
	if err != nil {
		return fmt.Errorf("sandbox: webhook: %w", err)
	}
	req.Header.Set("Content-Type", "application/json;charset=utf-8")
	req.Header.Set("X-Signature", signature)
	res, err := s.send.Do(req)
	if err != nil {
		return fmt.Errorf("sandbox: webhook: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("sandbox: webhook answered %d", res.StatusCode)
	}
	return nil
}

// Hold keeps webhooks back from now on.
func (s *Server) Hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = true
}

// Release sends what was held, each so many times, in reverse order if asked,
// and holds no more.
func (s *Server) Release(times int, reverse bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = false
	var free, freed []*webhook
	for _, w := range s.state.Webhooks {
		if !w.held {
			free = append(free, w)
			continue
		}
		w.held = false
		for range max(times, 1) {
			again := *w
			freed = append(freed, &again)
		}
	}
	if reverse {
		slices.Reverse(freed)
	}
	s.state.Webhooks = append(free, freed...)
	s.poke()
}

// Drop forgets the webhooks that are held: they are lost on their way.
func (s *Server) Drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = false
	s.state.Webhooks = slices.DeleteFunc(s.state.Webhooks, func(w *webhook) bool { return w.held })
}

// Waiting is how many webhooks have not been taken yet.
func (s *Server) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.state.Webhooks)
}
