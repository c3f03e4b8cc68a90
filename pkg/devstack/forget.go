package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Forget stops the private servers of a folder and removes everything in it but
// the entries named in keep. A folder in use is refused with ErrRunning; one that
// does not exist is forgotten already.
func Forget(ctx context.Context, dir string, keep ...string) error {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	held, err := lock(filepath.Join(dir, "lock"), false)
	if errors.Is(err, errLocked) {
		return fmt.Errorf("folder %s %w", dir, ErrRunning)
	} else if err != nil {
		return err
	}
	defer held.Close()
	pg, err := stopPostgres(dir)
	if err != nil {
		return err
	}
	var errs []error
	if _, err := os.Stat(SecondDir(dir)); err == nil {
		second, err := stopPostgres(SecondDir(dir))
		if err != nil {
			return err
		}
		errs = append(errs, second.place.remove())
	}
	rd, err := openRedis(dir)
	if err != nil {
		return err
	}
	if rd.secrets.Port != 0 && rd.answers(ctx) {
		if err := rd.Stop(ctx); err != nil {
			return err
		}
	}
	errs = append(errs, pg.place.remove(), rd.place.remove())
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !slices.Contains(keep, e.Name()) {
			errs = append(errs, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// stopPostgres stops the server of a folder if it runs.
func stopPostgres(dir string) (*Postgres, error) {
	pg, err := openPostgres(dir)
	if err != nil {
		return nil, err
	}
	if pg.pid = pg.postmaster(); pg.pid != 0 {
		return pg, pg.Stop()
	}
	return pg, nil
}
