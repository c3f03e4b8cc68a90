// Package clamdtest starts a real clamd for a test, with one signature of its
// own: the EICAR test file. It needs no database from the network.
package clamdtest

import (
	"crypto/md5" //nolint:gosec // the form of ClamAV's .hdb files
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/pkg/scan"
)

// EICAR is the anti-malware test file (eicar.org), in two parts so that a
// scanner on the developer's machine does not take this source for it.
var EICAR = []byte(`X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-` + `STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`)

// Name is what the daemon calls EICAR.
const Name = "Test.EICAR.UNOFFICIAL"

// MaxStream is the largest file in bytes that the daemon scans.
const MaxStream = 1 << 20

// Start runs clamd until the test ends and returns the path of its socket.
func Start(t testing.TB) string {
	t.Helper()
	program, err := exec.LookPath("clamd")
	if err != nil {
		program = "/usr/sbin/clamd" // not on everybody's PATH
	}
	// A Unix socket's path has little room: t.TempDir carries the test's name.
	dir, err := os.MkdirTemp("", "clamd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	sum := md5.Sum(EICAR)
	socket := filepath.Join(dir, "s")
	write(t, filepath.Join(dir, "local.hdb"), fmt.Sprintf("%s:%d:Test.EICAR\n", hex.EncodeToString(sum[:]), len(EICAR)))
	conf := filepath.Join(dir, "clamd.conf")
	write(t, conf, strings.Join([]string{
		"Foreground yes", "LocalSocket " + socket, "DatabaseDirectory " + dir, "StreamMaxLength " + fmt.Sprint(MaxStream), "MaxThreads 2",
		"LogTime no", "SelfCheck 0", "",
	}, "\n"))
	var log strings.Builder
	cmd := exec.Command(program, "--config-file="+conf)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatalf("clamdtest: %v (install it: sh ops/bootstrap test)", err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // ended already: nothing to do
		<-ended
	})
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if (scan.Clamd{Addr: socket}).Ping(t.Context()) == nil {
			return socket
		}
		select {
		case <-ended:
			t.Fatalf("clamdtest: clamd ended at once:\n%s", log.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("clamdtest: clamd does not answer")
		}
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
