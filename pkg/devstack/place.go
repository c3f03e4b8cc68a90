package devstack

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// place is a folder for one server, and the account that the server runs as.
type place struct {
	dir        string
	credential *syscall.Credential // nil: the caller's own account
}

// reachable begins the folders of servers that cannot reach the one asked for.
const reachable = "/var/tmp/sportello-"

// newPlace makes <dir>/<name>, or the same name under /var/tmp/sportello-<hash>
// where root must hand the server to an account that cannot reach dir.
func newPlace(dir, name string) (place, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return place{}, err
	}
	p := place{dir: filepath.Join(abs, name)}
	if os.Geteuid() != 0 {
		return p, os.MkdirAll(p.dir, 0o700)
	}
	if p.credential, err = unprivileged(); err != nil {
		return place{}, err
	}
	// The outer folder may be the caller's: 0755 lets the account pass through it.
	if err := os.MkdirAll(abs, 0o755); err != nil {
		return place{}, err
	}
	if err := p.own(p.dir); err != nil {
		return place{}, err
	}
	if p.reaches() {
		return p, nil
	}
	if err := os.Remove(p.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return place{}, fmt.Errorf("%s exists and cannot be reached by the unprivileged account: %w", p.dir, err)
	}
	sum := sha256.Sum256([]byte(abs))
	outer := reachable + hex.EncodeToString(sum[:6])
	if err := p.own(outer); err != nil {
		return place{}, err
	}
	p.dir = filepath.Join(outer, name)
	return p, p.own(p.dir)
}

// remove forgets the folder, and the one around it if that was made for it alone.
func (p place) remove() error {
	if err := os.RemoveAll(p.dir); err != nil {
		return err
	}
	if outer := filepath.Dir(p.dir); strings.HasPrefix(outer, reachable) {
		_ = os.Remove(outer) // not empty: another server's
	}
	return nil
}

// unprivileged is the account that servers of root run as.
func unprivileged() (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is neither an account postgres nor nobody")
}

// own makes a folder that belongs to the server's account alone. A folder that
// somebody else put there (names under /var/tmp can be guessed) is refused.
func (p place) own(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a folder", dir)
	}
	if p.credential == nil {
		return nil
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || (st.Uid != 0 && st.Uid != p.credential.Uid) {
		return fmt.Errorf("%s belongs to another account", dir)
	}
	return os.Chown(dir, int(p.credential.Uid), int(p.credential.Gid))
}

// reaches tells whether the server's account can enter and write its folder.
func (p place) reaches() bool {
	cmd := exec.Command("/bin/sh", "-c", `cd "$1" && test -w .`, "sh", p.dir)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.credential}
	return cmd.Run() == nil
}

// command prepares a program that runs as the server's account, in a process
// group of its own.
func (p place) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = p.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: p.credential}
	return cmd
}

// give writes a file that only the server's account can read.
func (p place) give(path string, data []byte) error {
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return err
	}
	if p.credential == nil {
		return nil
	}
	return os.Chown(path, int(p.credential.Uid), int(p.credential.Gid))
}

// secrets is what a server keeps between two starts, readable by the caller alone.
type secrets struct {
	Port      int               `json:"port"`
	Passwords map[string]string `json:"passwords"`
}

func (p place) secretsFile() string { return filepath.Join(p.dir, "secrets.json") }

// secrets reads what was kept, or makes a password for each name. Nothing is
// written: call keep once the server has accepted them.
func (p place) secrets(names ...string) (secrets, error) {
	s := secrets{Passwords: map[string]string{}}
	data, err := os.ReadFile(p.secretsFile())
	switch {
	case err == nil:
		if err := json.Unmarshal(data, &s); err != nil {
			return s, fmt.Errorf("%s: %w", p.secretsFile(), err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return s, err
	}
	for _, name := range names {
		if s.Passwords[name] == "" {
			s.Passwords[name] = rand.Text()
		}
	}
	return s, nil
}

func (p place) keep(s secrets) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	tmp := p.secretsFile() + ".new" // a crash in between must not lose the passwords
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, p.secretsFile())
}

// freePort returns wanted if nothing listens on it, else a port that the
// operating system picks. Zero wants any.
func freePort(wanted int) (int, error) {
	for _, port := range []int{wanted, 0} {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			if port == 0 {
				return 0, err
			}
			continue
		}
		got := l.Addr().(*net.TCPAddr).Port
		return got, l.Close()
	}
	return 0, errors.New("no free port on 127.0.0.1")
}

// lock takes the folder's lock and returns the file that holds it. Closing the
// file, or the death of the process, releases it. With wait false a lock held
// by another process is errLocked at once.
func lock(path string, wait bool) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	how := syscall.LOCK_EX
	if !wait {
		how |= syscall.LOCK_NB
	}
	for {
		err = syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err == nil {
		return f, nil
	}
	_ = f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errLocked
	}
	return nil, err
}

var errLocked = errors.New("locked by another process")
