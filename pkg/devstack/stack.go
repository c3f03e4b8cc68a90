package devstack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

// Options says what Start may start and where.
type Options struct {
	Dir string       // folder for everything, usually the setting server.data
	Log *slog.Logger // nil: slog.Default

	// Servers that exist already. Set, they are used and none is started; a
	// database needs both addresses.
	DatabaseURL, OwnerDatabaseURL string
	RedisURL                      string

	// Second starts a second PostgreSQL cluster too, unless the addresses above
	// are given: a deployment of several clusters, in small.
	Second bool
}

// Stack is what a program needs to run: addresses, and a way to stop what was started.
type Stack struct {
	DatabaseURL      string // account App on Database
	OwnerDatabaseURL string // account Owner on Database
	RedisURL         string

	// Postgres and Redis are the private servers; nil where Options named one.
	Postgres *Postgres
	Second   *Postgres // nil unless asked for
	Redis    *Redis

	held *os.File
}

// ErrRunning means that another program uses the folder.
var ErrRunning = errors.New("is in use by another sportello: stop that one, or set SPORTELLO_DATA to another folder")

// Start starts what the options do not name and returns when all of it answers.
// The folder is held until Stop or the end of the process: a second Start in it
// is refused with ErrRunning.
func Start(ctx context.Context, o Options) (*Stack, error) {
	if (o.DatabaseURL == "") != (o.OwnerDatabaseURL == "") {
		return nil, errors.New("set both SPORTELLO_DATABASE_URL and SPORTELLO_OWNER_DATABASE_URL, or neither")
	}
	s := &Stack{DatabaseURL: o.DatabaseURL, OwnerDatabaseURL: o.OwnerDatabaseURL, RedisURL: o.RedisURL}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, err
	}
	var err error
	if s.held, err = lock(filepath.Join(o.Dir, "lock"), false); errors.Is(err, errLocked) {
		return nil, fmt.Errorf("folder %s %w", o.Dir, ErrRunning)
	} else if err != nil {
		return nil, err
	}
	if err := s.start(ctx, o); err != nil {
		return nil, errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
	return s, nil
}

func (s *Stack) start(ctx context.Context, o Options) (err error) {
	if s.DatabaseURL == "" {
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() (err error) {
			s.Postgres, err = StartPostgres(ctx, PostgresOptions{Dir: o.Dir, Log: o.Log})
			return err
		})
		if o.Second {
			g.Go(func() (err error) {
				s.Second, err = StartPostgres(ctx, PostgresOptions{Dir: SecondDir(o.Dir), Log: o.Log})
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		s.DatabaseURL, s.OwnerDatabaseURL = s.Postgres.URL(App, Database), s.Postgres.URL(Owner, Database)
	}
	if s.RedisURL == "" {
		if s.Redis, err = StartRedis(ctx, o.Dir, o.Log); err != nil {
			return err
		}
		s.RedisURL = s.Redis.URL()
	}
	return nil
}

// SecondDir is the folder of a stack's second PostgreSQL cluster.
func SecondDir(dir string) string { return filepath.Join(dir, "second") }

// Stop stops what Start started, Redis first, and lets the folder go.
func (s *Stack) Stop(ctx context.Context) error {
	var errs []error
	if s.Redis != nil {
		errs = append(errs, s.Redis.Stop(ctx))
	}
	if s.Postgres != nil {
		errs = append(errs, s.Postgres.Stop())
	}
	if s.Second != nil {
		errs = append(errs, s.Second.Stop())
	}
	return errors.Join(append(errs, s.held.Close())...)
}
