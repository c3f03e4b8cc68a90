package devstack

import (
	"os"
	"syscall"
)

// Account is who a private server runs as: the caller, or somebody without
// rights when the caller is root.
type Account struct{ credential *syscall.Credential }

// ServerAccount finds it. It fails for root on a machine without such an account.
func ServerAccount() (*Account, error) {
	if os.Geteuid() != 0 {
		return &Account{}, nil
	}
	c, err := unprivileged()
	return &Account{c}, err
}

// Own gives the account a file or a folder of the caller's.
func (a *Account) Own(path string) error {
	if a.credential == nil {
		return nil
	}
	return os.Chown(path, int(a.credential.Uid), int(a.credential.Gid))
}

// Process lets a program run as the account.
func (a *Account) Process() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: a.credential}
}
