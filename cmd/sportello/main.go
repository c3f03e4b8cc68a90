// Command sportello is the whole product in one binary: the desk's web server,
// the worker, the migrations, the life of a commune, and a demonstration of
// all of it with invented people.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/pkg/config"
)

// Exit codes that scripts rely on.
const (
	exitFailed = 1
	exitUsage  = 2
)

// usageError marks a mistake in how the command was called.
type usageError struct{ error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := root().ExecuteContext(ctx)
	stderr.Flush()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sportello:", err)
		os.Exit(exitCode(err))
	}
}

func exitCode(err error) int {
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

func root() *cobra.Command {
	c := &cobra.Command{
		Use: "sportello", Short: "Municipal online desk for several communes",
		Version: app.Version, SilenceUsage: true, SilenceErrors: true, Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	c.AddCommand(demoCommand(), serveCommand(), workerCommand(), migrateCommand(), tenantCommand(),
		catalogueCommand(), userCommand(), keysCommand(), doctorCommand(), readyCommand(), routesCommand(), auditCommand())
	return c
}

// group is a command that only holds others: an unknown one among them is wrong
// use, none at all asks for help.
func group(use, short string) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args(cobra.NoArgs), RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
}

// args wraps a cobra check so that a wrong number of arguments exits with 2.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, a []string) error {
		if err := check(c, a); err != nil {
			return usageError{err}
		}
		return nil
	}
}

// settings reads the settings, whatever the command needs of them.
func settings() (config.Config, error) {
	cfg, err := config.Load(os.Environ())
	if err != nil {
		return cfg, usageError{err}
	}
	return cfg, nil
}

// load reads the settings a command needs.
func load(cmd config.Command) (config.Config, error) {
	cfg, err := settings()
	if err != nil {
		return cfg, err
	}
	if err := cfg.For(cmd); err != nil {
		return cfg, usageError{err}
	}
	return cfg, nil
}
