//go:build !linux

package e2e

import (
	"os/exec"
	"syscall"
)

// launch starts the demo in a process group of its own.
func launch(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd.Start()
}
