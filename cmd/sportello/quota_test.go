package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/quotas"
)

// The command grants, takes back and shows, as a table and for a program; what it
// cannot read it refuses as a mistake of the call, and grants nothing.
func TestTenantQuota(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	for name, value := range map[string]string{
		"DATABASE_URL": e.Config.Database.URL, "OWNER_DATABASE_URL": e.OwnerURL, "MASTER_KEY": e.Config.Keys.MasterKey,
		"REDIS_URL": e.Config.Redis.URL, "DATA": t.TempDir(), "BLOB_URL": "mem://",
	} {
		t.Setenv("SPORTELLO_"+name, value)
	}
	run := func(args ...string) (string, error) {
		t.Helper()
		var out bytes.Buffer
		c := root()
		c.SetOut(&out)
		c.SetErr(&out)
		c.SetArgs(append([]string{"tenant", "quota"}, args...))
		err := c.ExecuteContext(t.Context())
		return out.String(), err
	}
	type line struct {
		Kind    string
		Quota   int64
		Default bool
	}
	granted := func(args ...string) map[string]line {
		t.Helper()
		out, err := run(append(args, "--json")...)
		if err != nil {
			t.Fatal(err)
		}
		var list []line
		if err := json.Unmarshal([]byte(out), &list); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		got := map[string]line{}
		for _, l := range list {
			got[l.Kind] = l
		}
		return got
	}
	if got := granted("lugano"); len(got) != 3 || got[quotas.Storage].Quota != 50*quotas.GB || !got[quotas.Mails].Default {
		t.Errorf("at first %+v", got)
	}
	got := granted("lugano", "--storage", "80GB", "--mails", "200000", "--api", "0")
	if got[quotas.Storage].Quota != 80*quotas.GB || got[quotas.Mails].Quota != 200_000 || got[quotas.API].Quota != 0 || got[quotas.API].Default {
		t.Errorf("granted %+v", got)
	}
	if got := granted("lugano", "--mails", "default"); !got[quotas.Mails].Default || got[quotas.Storage].Quota != 80*quotas.GB {
		t.Errorf("taken back %+v", got)
	}
	if got := granted("bellinzona"); !got[quotas.Storage].Default {
		t.Errorf("the neighbour has %+v", got)
	}
	if out, err := run("lugano"); err != nil || !bytes.Contains([]byte(out), []byte("80000000000")) {
		t.Errorf("the table: %v %s", err, out)
	}
	for _, wrong := range [][]string{{"lugano", "--storage", "tanto"}, {"lugano", "--mails", "-1"}, {"lugano", "--api", "1.5"}, {"lugano", "--storage", "99999999TB"}, {}} {
		var usage usageError
		if out, err := run(wrong...); !errors.As(err, &usage) {
			t.Errorf("%v: %v %s", wrong, err, out)
		}
	}
	if _, err := run("nessuno"); err == nil {
		t.Error("a commune that does not exist has quotas")
	}
	if got := granted("lugano"); got[quotas.Storage].Quota != 80*quotas.GB {
		t.Errorf("after the mistakes %+v", got)
	}
}
