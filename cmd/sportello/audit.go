package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/pkg/auditchain"
	"github.com/sportello-ticino/sportello/pkg/config"
)

// errTampered makes the command fail when a chain does not hold.
var errTampered = errors.New("the audit does not hold: see above")

func auditCommand() *cobra.Command {
	c := group("audit", "Check, export and anchor the communes' audits")
	var url, from, anchors string
	var asJSON bool
	verify := &cobra.Command{
		Use: "verify [<slug>…]", Short: "Find edited, dropped, inserted or reordered lines, a cut end, a rewritten chain",
		Long: "Reads the audits of the named communes (all without a name) from a database, with a login that may only read them,\nor one audit from a file written by `sportello audit export`. Needs no setting of the product.",
		RunE: func(c *cobra.Command, slugs []string) error {
			known, err := anchorsFrom(anchors)
			if err != nil {
				return err
			}
			if from != "" {
				if len(slugs) > 1 {
					return usageError{errors.New("a file holds one commune")}
				}
				return verifyFile(c, from, slugs, known, asJSON)
			}
			return verifyDatabase(c, auditURL(url), slugs, known, asJSON)
		},
	}
	verify.Flags().StringVar(&url, "database-url", "", "database to read (default SPORTELLO_AUDIT_DATABASE_URL, then SPORTELLO_OWNER_DATABASE_URL)")
	verify.Flags().StringVar(&from, "from", "", "an exported file instead of a database")
	verify.Flags().StringVar(&anchors, "anchors", "", "file of anchors (SPORTELLO_AUDIT_ANCHOR_DIR/audit-anchors.jsonl)")
	verify.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	export := &cobra.Command{
		Use: "export <slug>", Short: "Write a commune's audit, one line of JSON per line, with place and hash", Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error {
			conn, err := readOnly(c.Context(), auditURL(url))
			if err != nil {
				return err
			}
			defer conn.Close(context.WithoutCancel(c.Context()))
			n, err := auditchain.Export(c.Context(), conn, "t_"+a[0], c.OutOrStdout())
			if err == nil {
				fmt.Fprintf(c.ErrOrStderr(), "%s: %d lines\n", a[0], n)
			}
			return err
		},
	}
	export.Flags().StringVar(&url, "database-url", "", "as for verify")
	c.AddCommand(verify, export, anchorCommand())
	return c
}

func anchorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "anchor [<slug>…]", Short: "Keep the heads of the chains outside the communes' schemas now",
		RunE: func(c *cobra.Command, slugs []string) error {
			cfg, err := load(config.Work)
			if err != nil {
				return err
			}
			a, err := app.New(c.Context(), cfg, app.Options{Log: logger(cfg, stderr)})
			if err != nil {
				return err
			}
			defer a.Close()
			all, err := a.DB.Directory().All(c.Context())
			if err != nil {
				return err
			}
			for _, t := range all {
				if len(slugs) > 0 && !slices.Contains(slugs, t.Slug()) {
					continue
				}
				head, err := a.Anchors.Now(c.Context(), t)
				if err != nil {
					return fmt.Errorf("%s: %w", t.Slug(), err)
				}
				fmt.Fprintf(c.OutOrStdout(), "%s: %d lines, %s\n", t.Slug(), head.Lines, head.Hash)
			}
			return nil
		},
	}
}

func auditURL(given string) string {
	for _, url := range []string{given, os.Getenv("SPORTELLO_AUDIT_DATABASE_URL"), os.Getenv("SPORTELLO_OWNER_DATABASE_URL")} {
		if url != "" {
			return url
		}
	}
	return ""
}

// readOnly opens a connection on which PostgreSQL refuses every write.
func readOnly(ctx context.Context, url string) (*pgx.Conn, error) {
	if url == "" {
		return nil, usageError{errors.New("give --database-url or --from")}
	}
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, usageError{errors.New("the database address is not one")}
	}
	cfg.RuntimeParams["default_transaction_read_only"] = "on"
	cfg.RuntimeParams["application_name"] = "sportello audit"
	return pgx.ConnectConfig(ctx, cfg)
}

func anchorsFrom(path string) ([]auditchain.Anchor, error) {
	if path == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return auditchain.ReadAnchors(bytes.NewReader(raw))
}

// of keeps one commune's anchors; "" keeps all.
func of(list []auditchain.Anchor, slug string) []auditchain.Anchor {
	return slices.DeleteFunc(slices.Clone(list), func(a auditchain.Anchor) bool { return slug != "" && a.Slug != slug })
}

func verifyFile(c *cobra.Command, path string, slugs []string, anchors []auditchain.Anchor, asJSON bool) error {
	var in io.Reader = c.InOrStdin()
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	slug := strings.Join(slugs, "")
	if slug == "" && len(anchors) > 0 {
		return usageError{errors.New("name the commune of the file, so that its anchors are taken")}
	}
	rep, err := auditchain.VerifyFile(in, of(anchors, slug))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return report(c, path, rep, asJSON)
}

func verifyDatabase(c *cobra.Command, url string, slugs []string, anchors []auditchain.Anchor, asJSON bool) error {
	ctx := c.Context()
	conn, err := readOnly(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if len(slugs) == 0 {
		rows, err := conn.Query(ctx, "select slug from platform.communes where state not in ('archived', 'provisioning') order by slug")
		if err != nil {
			return err
		}
		if slugs, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			return fmt.Errorf("name the communes, or let the login read platform.communes: %w", err)
		}
	}
	var bad error
	for _, slug := range slugs {
		known := of(anchors, slug)
		rows, err := conn.Query(ctx, "select id, slug, seq, lines, encode(hash, 'hex'), head_at, at from platform.audit_anchors where slug = $1", slug)
		if err == nil { // a login that may not read the table has the file
			if table, err := pgx.CollectRows(rows, pgx.RowToStructByPos[auditchain.Anchor]); err == nil {
				known = append(known, table...)
			}
		}
		rep, err := auditchain.VerifyDatabase(ctx, conn, "t_"+slug, known)
		if err != nil {
			return fmt.Errorf("%s: %w", slug, err)
		}
		bad = errors.Join(bad, report(c, slug, rep, asJSON))
	}
	if bad != nil {
		return errTampered
	}
	return nil
}

func report(c *cobra.Command, name string, rep auditchain.Report, asJSON bool) error {
	out := c.OutOrStdout()
	if asJSON {
		if err := json.NewEncoder(out).Encode(struct {
			Audit string `json:"audit"`
			auditchain.Report
		}{name, rep}); err != nil {
			return err
		}
	} else {
		word := "whole"
		if !rep.Whole() {
			word = "NOT WHOLE"
		}
		fmt.Fprintf(out, "%s: %s, %d lines linked, %d not linked yet, %d anchors compared\n", name, word, rep.Lines, rep.Unlinked, rep.Anchors)
		for _, f := range rep.Findings {
			fmt.Fprintf(out, "  link %d: %s: %s\n", f.Seq, f.Kind, f.Why)
		}
		if rep.More > 0 {
			fmt.Fprintf(out, "  and %d findings more\n", rep.More)
		}
	}
	if !rep.Whole() {
		return errTampered
	}
	return nil
}
