// Command conformance holds what the desk says to machines against the published
// shapes of others: the services of every commune's folder as CPSV-AP 3.2.0 against
// the SHACL shapes of the profile.
//
// The shapes are not part of this repository: SPORTELLO_STANDARDS_DIR names a folder
// that holds cpsv-ap/cpsv-ap-SHACL.ttl (SEMICeu/CPSV-AP, release 3.2.0, CC-BY 4.0).
// Without it the command says so and checks nothing. The SHACL engine runs on Node
// (package.json beside this file); no engine for Go was found that could be built.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/tenants"
)

const shapes = "cpsv-ap/cpsv-ap-SHACL.ttl"

func main() {
	if err := run(context.Background(), os.Getenv("SPORTELLO_STANDARDS_DIR")); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string) error {
	if dir == "" {
		fmt.Println("SPORTELLO_STANDARDS_DIR is not set: nothing was checked. It names a folder that holds " + shapes + ".")
		return nil
	}
	file := filepath.Join(dir, shapes)
	if _, err := os.Stat(file); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "conformance-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	slugs, err := tenants.Communes(tenants.FS)
	if err != nil {
		return err
	}
	args := []string{"ops/conformance/check.mjs", file}
	for _, slug := range slugs {
		out := filepath.Join(work, slug+".ttl")
		if err := write(ctx, tenants.FS, slug, out); err != nil {
			return fmt.Errorf("%s: %w", slug, err)
		}
		args = append(args, out)
	}
	if _, err := exec.LookPath("node"); err != nil {
		return errors.New("node is not there: it runs the SHACL engine")
	}
	check := exec.CommandContext(ctx, "node", args...)
	check.Stdout, check.Stderr = os.Stdout, os.Stderr
	if err := check.Run(); err != nil {
		return fmt.Errorf("CPSV-AP: %w", err)
	}
	return nil
}

// write describes what a commune's folder offers as Turtle.
func write(ctx context.Context, root fs.FS, slug, file string) error {
	folder, err := site.ReadFolder(root, slug)
	if err != nil {
		return err
	}
	face, err := site.NewSite(folder.Profile, folder.Brand, folder.Mark)
	if err != nil {
		return err
	}
	calendar := folder.Profile.Calendar
	if calendar == "" {
		calendar = "ticino"
	}
	offer, err := catalogue.ReadFolder(ctx, root, slug, calendar)
	if err != nil {
		return err
	}
	services, err := offer.Services()
	if err != nil {
		return err
	}
	texts, err := i18n.Load(root, "shared/texts")
	if err != nil {
		return err
	}
	by := catalogue.Describer{URL: func(path string) string { return "https://" + slug + ".sportello.example" + path }, BFS: folder.Commune.BFS, Face: face, Texts: texts}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(by.Describe(services).Turtle(out), out.Close())
}
