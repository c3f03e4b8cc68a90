package kms_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/sportello-ticino/sportello/pkg/egress"
	"github.com/sportello-ticino/sportello/pkg/kms"
	"github.com/sportello-ticino/sportello/pkg/kms/kmstest"
)

func local(t *testing.T, fill byte) kms.Master {
	t.Helper()
	m, err := kms.NewLocal(bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestLocal(t *testing.T) {
	kmstest.Conformance(t, kmstest.Kind{Master: local(t, 1), Other: local(t, 2), Same: local(t, 1)})
	if _, err := kms.NewLocal(make([]byte, 16)); err == nil {
		t.Error("a short key was taken")
	}
}

func transit(t *testing.T, address, token string, client *http.Client) kms.Master {
	t.Helper()
	m, err := kms.NewTransit(kms.TransitOptions{URL: address, Token: token, HTTP: client})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTransit(t *testing.T) {
	box, other := kmstest.NewTransit(t), kmstest.NewTransit(t)
	c := egress.LocalClient()
	kmstest.Conformance(t, kmstest.Kind{
		Master: transit(t, box.KeyURL(), kmstest.Token, c), Same: transit(t, box.URL+"/transit/keys/sportello/", kmstest.Token, c),
		Other: transit(t, other.KeyURL(), kmstest.Token, c), Away: box.Away, Rotate: box.Rotate,
	})
	ctx := context.Background()
	for name, m := range map[string]kms.Master{
		"wrong token": transit(t, box.KeyURL(), "s.wrong", c),
		"no such key": transit(t, box.URL+"/v1/transit/keys/absent", kmstest.Token, c),
		"no such way": transit(t, box.URL+"/v1/elsewhere/keys/sportello", kmstest.Token, c),
	} {
		if err := kms.NewChain(m).Check(ctx); !errors.Is(err, kms.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	box.CloseClientConnections()
	box.Close()
	if err := kms.NewChain(transit(t, box.KeyURL(), kmstest.Token, c)).Check(ctx); !errors.Is(err, kms.ErrUnavailable) {
		t.Errorf("nobody listens: %v", err)
	}
	for _, bad := range []string{"", "vault.example", "ftp://x/transit/keys/k", "https://x/transit/k", "https://u:p@x/transit/keys/k", "https://x/transit/keys/a/b"} {
		if _, err := kms.NewTransit(kms.TransitOptions{URL: bad, Token: "t", HTTP: c}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestChainFindsTheMasterByName(t *testing.T) {
	old, now := local(t, 1), local(t, 2)
	c := kms.NewChain(now, old)
	for _, m := range []kms.Master{old, now} {
		if got, err := c.Named(m.Name()); err != nil || got != m {
			t.Errorf("%s: %v, %v", m.Name(), got, err)
		}
	}
	if _, err := c.Named("local:000000000000"); !errors.Is(err, kms.ErrOtherKey) {
		t.Errorf("a stranger's: %v", err)
	}
	if c.Current() != now {
		t.Error("the first wraps")
	}
}
