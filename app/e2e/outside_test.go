package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/pkg/mail"
)

// mailsAbout is the raw mails whose subject names something.
func mailsAbout(t *testing.T, what string) []string {
	t.Helper()
	all, err := mail.ReadFolder(filepath.Join(demo.dir, "mail"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range all {
		if strings.Contains(m.Subject, what) {
			out = append(out, string(m.Raw))
		}
	}
	return out
}

// paidOnce asks the payment provider: for this case money was taken once.
func paidOnce(t *testing.T, commune, ref string) {
	t.Helper()
	taken := 0
	for _, x := range transactions(t, commune) {
		if x.Case == ref && x.State == "FULFILL" && (x.Refunded == "" || strings.Trim(x.Refunded, "0.") == "") {
			taken++
		}
	}
	if taken != 1 {
		t.Errorf("the provider took money %d times for %s, want once", taken, ref)
	}
}

// ready asks the desk whether it answers.
func ready() bool {
	res, err := http.Get("http://" + demo.addr + "/readyz")
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// transaction is one of the provider's sandbox.
type transaction struct {
	State    string `json:"state"`
	Case     string `json:"caseReference"`
	Refunded string `json:"refunded"`
}

// transactions are those of a commune's own place at the provider.
func transactions(t *testing.T, commune string) []transaction {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../tenants", commune, "tenant.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(b), "space_id: ")
	space, _, _ := strings.Cut(after, "\n")
	res, err := http.Get(demo.pay + "/sandbox/spaces/" + strings.TrimSpace(space) + "/transactions")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var all []transaction
	if err := json.NewDecoder(res.Body).Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all
}
