package e2e

import (
	"os/exec"
	"runtime"
	"syscall"
)

// launch starts the demo so that it stops by itself should this process die (a
// test that runs out of time ends without cleaning up). The signal follows the
// thread that started it, which therefore stays.
func launch(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		started <- cmd.Start()
		select {}
	}()
	return <-started
}
