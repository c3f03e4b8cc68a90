package backup_test

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// A cluster that is destroyed comes back as it was at a moment: what was written
// before is there, what was written after is not.
func TestRestoreToAMoment(t *testing.T) {
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_basebackup")
	if err != nil || len(bins) == 0 {
		path, err := exec.LookPath("pg_basebackup")
		if err != nil {
			t.Fatal("no pg_basebackup: install PostgreSQL's server and client programs")
		}
		bins = []string{path}
	}
	slices.Sort(bins)
	work, err := os.MkdirTemp("/var/tmp", "sportello-pitr-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(work) })
	cmd := exec.Command("/bin/sh", filepath.Join(work, "scripts", "pitr_test.sh"), filepath.Dir(bins[len(bins)-1]), work)
	// A copy of the scripts: the account of the server may not reach this folder.
	if err := os.CopyFS(filepath.Join(work, "scripts"), os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	cmd.Dir = work
	if os.Geteuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			t.Fatal("PostgreSQL does not run as root and there is no account postgres")
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		if err := os.Chown(work, uid, gid); err != nil {
			t.Fatal(err)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.HasSuffix(strings.TrimSpace(string(out)), "rows: before,A,after") {
		t.Errorf("after the restore:\n%s", out)
	}
}
