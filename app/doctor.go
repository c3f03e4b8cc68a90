package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/sportello-ticino/sportello/app/doctor"
	"github.com/sportello-ticino/sportello/pkg/config"
	"github.com/sportello-ticino/sportello/pkg/mail"
	"github.com/sportello-ticino/sportello/pkg/scan"
)

// DoctorOptions say how `sportello doctor` looks and tells.
type DoctorOptions struct {
	Need doctor.Need
	JSON bool
}

// Doctor prints the settings, secrets hidden, and examines the deployment. Each
// failure is one sentence with the next step. Errors: that something fails;
// warnings are none.
func Doctor(ctx context.Context, cfg config.Config, o DoctorOptions, out io.Writer) error {
	found := examine(ctx, cfg, o.Need)
	var failed, warned int
	for _, f := range found {
		switch f.Level {
		case doctor.Failure:
			failed++
		case doctor.Warning:
			warned++
		}
	}
	if o.JSON {
		if err := json.NewEncoder(out).Encode(struct {
			Failed   int              `json:"failed"`
			Warned   int              `json:"warned"`
			Findings []doctor.Finding `json:"findings"`
		}{failed, warned, found}); err != nil {
			return err
		}
	} else {
		for _, s := range cfg.Redacted() {
			fmt.Fprintf(out, "%-40s %-50v %s\n", s.Env, s.Value, s.Source)
		}
		for _, f := range found {
			fmt.Fprintln(out, inOneLine(f))
		}
		fmt.Fprintf(out, "%d checks, %d failed, %d to see to\n", len(found), failed, warned)
	}
	if failed > 0 {
		return fmt.Errorf("%d checks failed", failed)
	}
	return nil
}

func inOneLine(f doctor.Finding) string {
	what := strings.TrimSpace(f.Commune + " " + f.Check)
	if f.Cluster != "" {
		what = "cluster " + f.Cluster + ": " + f.Check
	}
	line := fmt.Sprintf("%-4s  %s", map[doctor.Level]string{doctor.Well: "ok", doctor.Warning: "WARN", doctor.Failure: "FAIL"}[f.Level], what)
	if f.Says != "" {
		line += ": " + strings.TrimSuffix(f.Says, ".")
		if f.Runbook != "" {
			line += " (" + f.Runbook + ")"
		}
	}
	return line
}

// examine builds what the doctor looks at; what cannot even be built is its only
// finding.
func examine(ctx context.Context, cfg config.Config, need doctor.Need) []doctor.Finding {
	refused := func(err error) []doctor.Finding {
		return []doctor.Finding{{Check: "settings", Level: doctor.Failure, Says: fmt.Sprintf("the product cannot be built (%v); correct the setting that is named", err)}}
	}
	a, err := New(ctx, cfg, Options{})
	if err != nil {
		return refused(err)
	}
	defer a.Close()
	relay, err := mail.NewSMTP(mail.SMTPOptions{Addr: orDefault(cfg.Mail.SMTPAddr, "127.0.0.1:25"), TLS: cfg.Mail.TLS,
		Username: cfg.Mail.Username, Password: cfg.Mail.Password, Timeout: cfg.Mail.Timeout})
	if err != nil {
		return refused(err)
	}
	return doctor.Examine(ctx, doctor.Deps{Config: cfg, DB: a.DB, Keys: a.Keys, Masters: a.Masters, Redis: a.Redis, Mail: relay,
		Scanner: scan.New(cfg.Scanner.ClamdAddr, cfg.Scanner.Timeout), HTTP: a.guard.Client(), Clock: a.Clock, Need: need})
}
