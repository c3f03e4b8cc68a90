package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
)

// TestMain lets the test's own binary be the program, so that exit codes are
// those a script gets.
func TestMain(m *testing.M) {
	if os.Getenv("AS_THE_PROGRAM") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// run starts the program with settings and returns what it wrote and how it ended.
func run(t *testing.T, environ []string, args ...string) (out, wrong string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append([]string{"AS_THE_PROGRAM=1", "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, environ...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

func deployment(t *testing.T) []string {
	t.Helper()
	e := tenancytest.New(t)
	data := t.TempDir()
	return []string{"SPORTELLO_DATABASE_URL=" + e.RuntimeURL, "SPORTELLO_OWNER_DATABASE_URL=" + e.OwnerURL, "SPORTELLO_REDIS_URL=" + e.RedisURL,
		"SPORTELLO_MASTER_KEY=" + base64.StdEncoding.EncodeToString(tenancytest.MasterKey), "SPORTELLO_DATA=" + data, "SPORTELLO_OPS_ADDR=127.0.0.1:1", "SPORTELLO_LOG_LEVEL=error"}
}

// TestExitCodes: 0 done, 1 failed, 2 wrong use.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	here := deployment(t)
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"tenant", "list"}, 0, "lugano"},
		{[]string{"tenant", "list", "--json"}, 0, `"slug":"chiasso","name":"Chiasso","state":"active","cluster":"main"`},
		{[]string{"tenant", "status", "lugano"}, 0, "0 waiting, 0 given up"},
		{[]string{"tenant", "status", "nowhere"}, 1, "there is no commune \"nowhere\": `sportello tenant list` names them"},
		{[]string{"tenant", "status"}, 2, "accepts 1 arg"},
		{[]string{"tenant", "suspend", "lugano"}, 2, "give --reason"},
		{[]string{"tenant", "suspend", "nowhere", "--reason", "x"}, 1, "there is no commune"},
		{[]string{"tenant", "backup", "nowhere"}, 1, "there is no commune"},
		{[]string{"tenant", "backups", "lugano"}, 0, "no backup yet"},
		{[]string{"tenant", "archive", "lugano"}, 2, "cannot be undone"},
		{[]string{"tenant", "check", "chiasso"}, 0, "nothing wrong"},
		{[]string{"tenant", "check", "nowhere"}, 1, "nowhere: has no folder"},
		{[]string{"tenant", "move", "lugano"}, 2, "accepts 2 arg"},
		{[]string{"tenant", "bogus"}, 2, "unknown command"},
		{[]string{"tenant", "list", "--bogus"}, 2, "unknown flag"},
		{[]string{"bogus"}, 2, "unknown command"},
		{[]string{"tenant"}, 0, "export"},
		{[]string{"migrate", "status"}, 0, "chiasso"},
		{[]string{"ready"}, 1, "nobody answers on 127.0.0.1:1"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			out, wrong, code := run(t, here, c.args...)
			if code != c.code || !strings.Contains(out+wrong, c.says) {
				t.Errorf("exit %d, want %d; says %q, want %q", code, c.code, out+wrong, c.says)
			}
			if strings.Contains(out+wrong, "only-on-the-test-server") {
				t.Error("tells a password")
			}
		})
	}
	if _, wrong, code := run(t, nil, "tenant", "list"); code != 2 || !strings.Contains(wrong, "SPORTELLO_OWNER_DATABASE_URL must be set") {
		t.Errorf("without settings: exit %d, %q", code, wrong)
	}
	if _, wrong, code := run(t, append(here, "SPORTELLO_LOG_LEVEL=loud"), "doctor"); code != 2 || !strings.Contains(wrong, "SPORTELLO_LOG_LEVEL") {
		t.Errorf("with a setting that cannot be: exit %d, %q", code, wrong)
	}
}

// TestDoctorsExitCode: warnings are 0, a failure is 1, and machines are told.
func TestDoctorsExitCode(t *testing.T) {
	t.Parallel()
	here := deployment(t)
	look := func(environ []string) (failed, warned, code int) {
		out, wrong, code := run(t, environ, "doctor", "--json", "--processes", "1")
		var report struct {
			Failed, Warned int
			Findings       []struct{ Check, Level, Says string }
		}
		if err := json.Unmarshal([]byte(out), &report); err != nil || len(report.Findings) < 20 {
			t.Fatalf("%v: %s%s", err, out, wrong)
		}
		return report.Failed, report.Warned, code
	}
	if failed, warned, code := look(here); failed != 0 || warned == 0 || code != 0 {
		t.Errorf("%d failed, %d warned, exit %d", failed, warned, code)
	}
	if failed, _, code := look(append(here, "SPORTELLO_REDIS_URL=redis://127.0.0.1:1")); failed != 1 || code != 1 {
		t.Errorf("without Redis: %d failed, exit %d", failed, code)
	}
	if out, _, _ := run(t, here, "doctor"); !strings.Contains(out, "SPORTELLO_MASTER_KEY") || !strings.Contains(out, "WARN  scanner: uploads are not scanned") || strings.Contains(out, "only-on-the-test-server") {
		t.Errorf("in words: %s", out)
	}
}

// TestACommunesLifeOnTheCommandLine goes through what a person types.
func TestACommunesLifeOnTheCommandLine(t *testing.T) {
	t.Parallel()
	here := deployment(t)
	must := func(args ...string) map[string]any {
		t.Helper()
		out, wrong, code := run(t, here, append(args, "--json")...)
		var got map[string]any
		if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 {
			t.Fatalf("%v: exit %d, %v\n%s%s", args, code, err, out, wrong)
		}
		return got
	}
	must("tenant", "suspend", "lugano", "--reason", "Si trasloca")
	s := must("tenant", "status", "lugano")
	if s["state"] != "suspended" || s["reason"] != "Si trasloca" || s["backup"] != nil || s["schema_version"] != s["schema_wanted"] {
		t.Errorf("suspended: %v", s)
	}
	if n := must("tenant", "status", "chiasso"); n["state"] != "active" {
		t.Errorf("the neighbour: %v", n)
	}
	must("tenant", "resume", "lugano")
	out, wrong, code := run(t, here, "tenant", "backup", "lugano", "--json")
	if code != 0 {
		t.Fatalf("backup: %s%s", out, wrong)
	}
	var label struct {
		File string `json:"file"`
	}
	if err := json.Unmarshal([]byte(out), &label); err != nil {
		t.Fatal(err)
	}
	// In a log every step is a line of its own, and nothing moves the cursor.
	if lines := strings.Split(strings.TrimSpace(wrong), "\n"); len(lines) < 5 || !strings.HasPrefix(lines[0], "lugano ") || strings.ContainsAny(wrong, "\r\x1b") {
		t.Errorf("progress in a log: %q", wrong)
	}
	s = must("tenant", "status", "lugano")
	if b, ok := s["backup"].(map[string]any); !ok || b["state"] != "done" || s["state"] != "active" {
		t.Errorf("after the backup: %v", s)
	}
	if label.File != "" {
		must("tenant", "restore", "lugano", filepath.Base(label.File))
	}
}

// TestWhatIsExportedIsWhatIsSet: a folder written back is read again, nothing in
// it is wrong, and applying it changes nothing.
func TestWhatIsExportedIsWhatIsSet(t *testing.T) {
	t.Parallel()
	here := deployment(t)
	must := func(environ []string, args ...string) string {
		t.Helper()
		out, wrong, code := run(t, environ, args...)
		if code != 0 {
			t.Fatalf("%v: exit %d\n%s%s", args, code, out, wrong)
		}
		return out
	}
	must(here, "tenant", "apply", "chiasso")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../tenants")); err != nil {
		t.Fatal(err)
	}
	if _, wrong, code := run(t, here, "tenant", "export-config", "chiasso", "--into", dir); code != 1 || !strings.Contains(wrong, "give --overwrite") {
		t.Errorf("files that exist: exit %d, %s", code, wrong)
	}
	for _, name := range []string{"tenant.yaml", "services.yaml", "brand"} { // what is compared is what was written
		if err := os.RemoveAll(filepath.Join(dir, "chiasso", name)); err != nil {
			t.Fatal(err)
		}
	}
	if out := must(here, "tenant", "export-config", "chiasso", "--into", dir); strings.Count(out, dir) != 4 {
		t.Errorf("written: %s", out)
	}
	there := append(here, "SPORTELLO_TENANTS_DIR="+dir)
	if out := must(there, "tenant", "check", "chiasso"); !strings.Contains(out, "services, nothing wrong") || strings.Contains(out, " 0 services") {
		t.Errorf("check: %s", out)
	}
	for line := range strings.Lines(must(there, "tenant", "apply", "chiasso")) {
		if strings.Contains(line, "taken from the folder") || strings.Contains(line, "→") || strings.Contains(line, "new, version") || strings.Contains(line, "no longer") {
			t.Errorf("applying what was exported changes: %s", line)
		}
	}
}
