package devstack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ErrNoPostgres means that no PostgreSQL server programs were found.
var ErrNoPostgres = errors.New("no PostgreSQL server found (looked for postgres and initdb on PATH and in /usr/lib/postgresql/*/bin): " +
	"run `sh ops/bootstrap demo`, or set SPORTELLO_DATABASE_URL and SPORTELLO_OWNER_DATABASE_URL")

// minPostgres is the oldest major version accepted: 14 brought what the
// product's SQL uses, 15 is what it is measured on.
const minPostgres = 14

// places of server programs, beside PATH: Debian and Ubuntu, Red Hat, Homebrew.
var binDirs = []string{
	"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin",
	"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
}

type postgresBin struct {
	dir   string
	major int
}

var versionLine = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// findPostgres returns the programs of the given major version, or the newest
// when major is 0.
func findPostgres(major int) (postgresBin, error) {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	for _, pattern := range binDirs {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return postgresBin{}, err
		}
		dirs = append(dirs, found...)
	}
	var bins []postgresBin
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
			continue
		}
		out, err := exec.Command(filepath.Join(dir, "postgres"), "--version").Output()
		if err != nil {
			continue
		}
		m := versionLine.FindSubmatch(out)
		if m == nil {
			continue
		}
		if v, err := strconv.Atoi(string(m[1])); err == nil && v >= minPostgres {
			bins = append(bins, postgresBin{dir, v})
		}
	}
	if len(bins) == 0 {
		return postgresBin{}, ErrNoPostgres
	}
	if major == 0 {
		return slices.MaxFunc(bins, func(a, b postgresBin) int { return a.major - b.major }), nil
	}
	for _, b := range bins {
		if b.major == major {
			return b, nil
		}
	}
	return postgresBin{}, fmt.Errorf("the data was written by PostgreSQL %d, which is no longer installed: install it, or forget the data with `make demo-reset`", major)
}

// dataVersion is the major version that wrote the data folder; 0 if there is none.
func dataVersion(data string) (int, error) {
	b, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(b)))
}
