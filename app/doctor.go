package app

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/sportello-ticino/sportello/app/keys"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/config"
	"github.com/sportello-ticino/sportello/pkg/scan"
)

// Doctor prints the settings, secrets hidden, and tries every connection. Each
// failure is one sentence with the next step.
func Doctor(ctx context.Context, cfg config.Config, out io.Writer) error {
	for _, s := range cfg.Redacted() {
		fmt.Fprintf(out, "%-40s %-50v %s\n", s.Env, s.Value, s.Source)
	}
	for _, name := range cfg.Unknown() {
		fmt.Fprintf(out, "%s is set and is no setting of ours\n", name)
	}
	bad := 0
	check := func(what string, err error, next string) {
		if err == nil {
			fmt.Fprintf(out, "ok    %s\n", what)
			return
		}
		bad++
		fmt.Fprintf(out, "FAIL  %s: %v. %s\n", what, err, next)
	}
	a, err := New(ctx, cfg, Options{})
	check("settings", err, "Correct the setting that is named.")
	if err != nil {
		return fmt.Errorf("%d checks failed", bad)
	}
	defer a.Close()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	err = a.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		_, err := tx.Exec("select 1 from communes limit 1")
		return err
	})
	check("database of the directory", err, "Is PostgreSQL running, and has `sportello migrate up` been run?")
	if err == nil {
		all, err := a.DB.Directory().All(ctx)
		check("directory of communes", err, "Run `sportello migrate up`.")
		for _, t := range all {
			err := a.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
				_, err := tx.Exec("select 1 from settings limit 1")
				return err
			})
			if t.Sealed() {
				_, keyErr := a.Keys.For(ctx, t)
				check("keys of "+t.Slug(), keyErr, keys.Explain(keyErr))
			}
			check("commune "+t.Slug(), err, "Run `sportello tenant apply "+t.Slug()+"`; the master key must be the one it was opened with.")
		}
	}
	err = a.Masters.Check(ctx)
	check("master key", err, keys.Explain(err))
	check("Redis", a.Redis.Ping(ctx).Err(), "Is Redis running? Without it people cannot sign in.")
	if cfg.Mail.SMTPAddr != "" {
		conn, err := (&net.Dialer{Timeout: 3 * time.Second}).DialContext(ctx, "tcp", cfg.Mail.SMTPAddr)
		if err == nil {
			_ = conn.Close()
		}
		check("mail relay", err, "Is SPORTELLO_SMTP_ADDR right? Mails wait until it answers.")
	}
	check("scanner", scan.New(cfg.Scanner.ClamdAddr, cfg.Scanner.Timeout).Ping(ctx), "Is clamd running? Uploads are refused until it answers.")
	if bad > 0 {
		return fmt.Errorf("%d checks failed", bad)
	}
	return nil
}
