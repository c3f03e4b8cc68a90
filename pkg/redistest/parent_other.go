//go:build !linux

package redistest

import "syscall"

// diesWithParent has no counterpart here: a killed test leaves its redis-server.
func diesWithParent() *syscall.SysProcAttr { return nil }
