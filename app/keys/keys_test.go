package keys_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/keys"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
	"github.com/sportello-ticino/sportello/pkg/egress"
	"github.com/sportello-ticino/sportello/pkg/kms"
	"github.com/sportello-ticino/sportello/pkg/kms/kmstest"
	"github.com/sportello-ticino/sportello/pkg/secret"
)

// process is the keys of another process on the same data.
func process(t testing.TB, e *tenancytest.Env, masters *kms.Chain) *keys.Ring {
	t.Helper()
	db, err := tenancy.Open(e.RuntimeURL, tenancytest.MasterKey, "localhost", tenancy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	r, err := keys.NewRing(db, masters, tenancytest.MasterKey)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func of(t testing.TB, r *keys.Ring, c tenancy.Tenant) *keys.Commune {
	t.Helper()
	k, err := r.For(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestWhatOneCommuneSealsNobodyElseOpens(t *testing.T) {
	e := tenancytest.New(t)
	here, there := of(t, e.Keys, e.Lugano), of(t, e.Keys, e.Chiasso)
	sealed, err := here.Seal([]byte("756.9217.0769.85"), "residents/1")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := of(t, process(t, e, tenancytest.Masters()), e.Lugano).Open(sealed, "residents/1"); err != nil || string(got) != "756.9217.0769.85" {
		t.Fatalf("another process: %q, %v", got, err)
	}
	for name, f := range map[string]func() ([]byte, error){
		"the neighbour":    func() ([]byte, error) { return there.Open(sealed, "residents/1") },
		"another row":      func() ([]byte, error) { return here.Open(sealed, "residents/2") },
		"a changed one":    func() ([]byte, error) { return here.Open(append(bytes.Clone(sealed), 0), "residents/1") },
		"nothing":          func() ([]byte, error) { return here.Open(nil, "residents/1") },
		"the old form cut": func() ([]byte, error) { return here.Open([]byte{1, 2, 3}, "payments/lugano") },
	} {
		if _, err := f(); !errors.Is(err, keys.ErrOpen) {
			t.Errorf("%s: %v", name, err)
		}
	}
	a, _ := here.Index("7569217076985", "residents")
	b, _ := here.Index("7569217076985", "accounts")
	c, _ := there.Index("7569217076985", "residents")
	d, _ := of(t, process(t, e, tenancytest.Masters()), e.Lugano).Index("7569217076985", "residents")
	if len(a) != 32 || bytes.Equal(a, b) || bytes.Equal(a, c) || !bytes.Equal(a, d) {
		t.Errorf("indexes: %x %x %x %x", a, b, c, d)
	}
}

func TestWhatWasSealedBeforeStillOpens(t *testing.T) {
	e := tenancytest.New(t)
	box, err := secret.New(tenancytest.MasterKey, "payments")
	if err != nil {
		t.Fatal(err)
	}
	old, err := box.Seal([]byte("provider's key"), "payments/lugano/postfinance")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := of(t, e.Keys, e.Lugano).Open(old, "payments/lugano/postfinance"); err != nil || string(got) != "provider's key" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := of(t, e.Keys, e.Lugano).Open(old, "payments/chiasso/postfinance"); !errors.Is(err, keys.ErrOpen) {
		t.Errorf("elsewhere: %v", err)
	}
}

func TestNumbersInDocumentsAreSealedAndTheRestIsNot(t *testing.T) {
	e := tenancytest.New(t)
	k := of(t, e.Keys, e.Lugano)
	doc := `{"avs":"756.9217.0769.85","n":[{"x":"il mio numero è 7569217076985"},3.50,true,null],"motivo":"trasloco","typed":"sealed:AQID","g":"756 9217 0769 85"}`
	sealed, err := k.SealJSON([]byte(doc), "cases/1")
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"7569217076985", "756.9217", "756 9217", "numero"} {
		if bytes.Contains(sealed, []byte(gone)) {
			t.Errorf("%s is still there: %s", gone, sealed)
		}
	}
	for _, kept := range []string{"trasloco", "3.50", "null"} {
		if !bytes.Contains(sealed, []byte(kept)) {
			t.Errorf("%s is gone: %s", kept, sealed)
		}
	}
	opened, err := k.OpenJSON(sealed, "cases/1")
	if err != nil {
		t.Fatal(err)
	}
	for _, back := range []string{`"avs":"756.9217.0769.85"`, `"il mio numero è 7569217076985"`, `"sealed:AQID"`, `3.50`} {
		if !bytes.Contains(opened, []byte(back)) {
			t.Errorf("%s does not come back: %s", back, opened)
		}
	}
	if _, err := k.OpenJSON(sealed, "cases/2"); !errors.Is(err, keys.ErrOpen) {
		t.Errorf("in another case: %v", err)
	}
}

func TestStreamsAreBoundToTheirName(t *testing.T) {
	e := tenancytest.New(t)
	k := of(t, e.Keys, e.Lugano)
	content := bytes.Repeat([]byte("a line of a backup\n"), 200_000)
	var b bytes.Buffer
	w, err := k.EncryptingWriter(&b, "backup/lugano/1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	read := func(k *keys.Commune, sealed []byte, name string) ([]byte, error) {
		r, err := k.DecryptingReader(bytes.NewReader(sealed), name)
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	}
	if got, err := read(k, b.Bytes(), "backup/lugano/1"); err != nil || !bytes.Equal(got, content) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	for name, f := range map[string]func() ([]byte, error){
		"another name":  func() ([]byte, error) { return read(k, b.Bytes(), "backup/lugano/2") },
		"the neighbour": func() ([]byte, error) { return read(of(t, e.Keys, e.Chiasso), b.Bytes(), "backup/lugano/1") },
		"cut":           func() ([]byte, error) { return read(k, b.Bytes()[:b.Len()-100], "backup/lugano/1") },
	} {
		if _, err := f(); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}

func TestAKeySetCopiedToAnotherCommuneDoesNotUnwrap(t *testing.T) {
	e := tenancytest.New(t)
	owner(t, e, "update keysets k set wrapped = (select wrapped from keysets where slug = 'lugano' and purpose = k.purpose) where slug = 'chiasso'")
	if _, err := process(t, e, tenancytest.Masters()).For(t.Context(), e.Chiasso); err == nil {
		t.Fatal("the neighbour's keys were taken for one's own")
	}
}

func TestCommunesHaveNoHandOnKeys(t *testing.T) {
	e := tenancytest.New(t)
	err := e.DB.In(t.Context(), e.Lugano, func(tx *tenancy.Tx) error {
		_, err := tx.Exec("select wrapped from platform.keysets")
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("a commune's role reads keys: %v", err)
	}
	err = e.DB.Platform(t.Context(), func(tx *tenancy.PlatformTx) error {
		_, err := tx.Exec("update keysets set destroyed_at = now(), wrapped = null")
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("what faces the web destroys keys: %v", err)
	}
}

// owner runs a statement on the platform schema with the owner's credential.
func owner(t testing.TB, e *tenancytest.Env, sql string, args ...any) {
	t.Helper()
	if err := e.Owner.Platform(context.Background(), func(tx pgx.Tx) error {
		_, err := tx.Exec(context.Background(), sql, args...)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestMasterKeyIsReplacedWithoutTouchingWhatIsSealed(t *testing.T) {
	e := tenancytest.New(t)
	k := of(t, e.Keys, e.Lugano)
	sealed, err := k.Seal([]byte("kept"), "place")
	if err != nil {
		t.Fatal(err)
	}
	box := kmstest.NewTransit(t)
	vault, err := kms.NewTransit(kms.TransitOptions{URL: box.KeyURL(), Token: kmstest.Token, HTTP: egress.LocalClient()})
	if err != nil {
		t.Fatal(err)
	}
	both := kms.NewChain(vault, tenancytest.Masters().Current())
	// Processes with both keys read before, while and after.
	during := process(t, e, both)
	if _, err := of(t, during, e.Lugano).Open(sealed, "place"); err != nil {
		t.Fatal(err)
	}
	n, err := keys.NewOwner(e.Owner, both, nil).Rewrap(t.Context())
	if err != nil || n != 8 { // two communes of three, the deployment's two
		t.Fatalf("%d rewrapped, %v", n, err)
	}
	if n, err := keys.NewOwner(e.Owner, both, nil).Rewrap(t.Context()); err != nil || n != 0 {
		t.Errorf("again: %d, %v", n, err)
	}
	alone := process(t, e, kms.NewChain(vault))
	for name, r := range map[string]*keys.Ring{"both": process(t, e, both), "the new one": alone, "already running": during, "only the old one, running": e.Keys} {
		if got, err := of(t, r, e.Lugano).Open(sealed, "place"); err != nil || string(got) != "kept" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := process(t, e, tenancytest.Masters()).For(t.Context(), e.Lugano); !errors.Is(err, kms.ErrOtherKey) {
		t.Errorf("the old one alone: %v", err)
	}
	// The logins' passwords have not changed.
	if key, err := alone.LoginKey(t.Context()); err != nil || !bytes.Equal(key, tenancytest.MasterKey) {
		t.Errorf("login key: %v", err)
	}
	// The key service goes: who is in memory goes on, who is not waits.
	box.Away(true)
	if _, err := of(t, alone, e.Lugano).Open(sealed, "place"); err != nil {
		t.Errorf("in memory: %v", err)
	}
	owner(t, e, "update keysets set rev = rev + 1")
	time.Sleep(1100 * time.Millisecond)
	if _, err := of(t, alone, e.Lugano).Open(sealed, "place"); err != nil {
		t.Errorf("in memory, and something has changed: %v", err)
	}
	if _, err := process(t, e, kms.NewChain(vault)).For(t.Context(), e.Lugano); !errors.Is(err, kms.ErrUnavailable) {
		t.Errorf("a fresh process: %v", err)
	}
	box.Away(false)
	if _, err := of(t, alone, e.Chiasso).Seal(nil, "x"); err != nil {
		t.Errorf("back again: %v", err)
	}
}
