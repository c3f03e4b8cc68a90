package catalogue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sportello-ticino/sportello/app/catalogue/definition"
	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// errandShared lets a commune look at what was published.
const errandShared = "catalogue.shared"

// sharedPostcodes stand for "here" in the examples of a shared service.
var sharedPostcodes = []string{"6500"}

// maxWhy is how long the reason for a version may be, in characters.
const maxWhy = 1000

// Candidate is a definition that is to become the next shared version.
type Candidate struct {
	Tree      Tree
	File      string // names it in errors; "" for what was pasted
	Why       string // in Italian: the changelog
	Size      Size
	OfferedBy string
	// NextVersion gives it the number after the last, whatever it says itself: on
	// the console nobody counts.
	NextVersion bool
}

// Proposal is a candidate beside what it would replace.
type Proposal struct {
	Service string
	Before  *SharedVersion // nil: new
	After   SharedVersion
	// Same tells that nothing would change.
	Same bool
	// Examples is how many were run; Problems is why it cannot be published, one
	// line each: file, line or example, and what is wrong.
	Examples int
	Problems []string
}

// Trees are the definitions before and after; before is empty for a new service.
func (p Proposal) Trees() (before, after Tree) {
	if p.Before != nil {
		before = p.Before.tree
	}
	return before, p.After.tree
}

// Propose compiles a candidate, runs its examples and compares it with the newest
// version. It changes nothing. Errors: those of the database.
func (m *Module) Propose(ctx context.Context, c Candidate) (p Proposal, err error) {
	id, _ := c.Tree["id"].(string)
	p.Service = id
	tree := overlay.Clone(c.Tree).(Tree)
	last := 0
	if err := m.DB.Platform(ctx, func(tx *tenancy.PlatformTx) (err error) {
		if last, err = lastVersion(tx, id); err != nil {
			return err
		}
		before, err := sharedAt(tx, id, 0)
		if errors.Is(err, ErrNotShared) {
			return nil
		}
		p.Before = &before
		return err
	}); err != nil {
		return p, err
	}
	problem := func(format string, args ...any) {
		p.Problems = append(p.Problems, c.where()+fmt.Sprintf(format, args...))
	}
	version := 0
	if v, ok := tree["version"].(float64); ok {
		version = int(v)
	}
	if p.Before != nil {
		tree["version"] = float64(p.Before.Version)
		p.Same = overlay.Same(tree, p.Before.tree)
		switch {
		case p.Same:
			version = p.Before.Version
		case c.NextVersion:
			version = last + 1
		case version <= last:
			problem("version %d is published already with another content: write version: %d", last, last+1)
		}
	} else if c.NextVersion && version <= last {
		version = last + 1
	} else if last > 0 && version <= last {
		problem("version %d was withdrawn: write version: %d", last, last+1)
	}
	tree["version"] = float64(version)
	p.After = SharedVersion{Service: id, Version: version, Title: textIn(i18n.Reference, tree["title"]), Why: strings.TrimSpace(c.Why), Size: c.Size, OfferedBy: c.OfferedBy, tree: tree}
	engine, err := m.Engine("")
	if err != nil {
		return p, err
	}
	if text, err := tree.Canonical(); err != nil || strings.Contains(string(text), `\u0000`) {
		problem("a sign that no text may hold (U+0000)")
	}
	n, err := definition.Examine(ctx, tree, engine, sharedPostcodes)
	p.Examples = n
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			problem("%s", line)
		}
	}
	if c.Size == Small && p.Before != nil && !p.Same {
		for _, d := range overlay.Deltas(p.Before.tree, tree) {
			if !small(d) && !silent(d) {
				problem("%s is no small change: publish it as a large one, so that every commune decides", strings.Join(d.Trail, "."))
			}
		}
	}
	return p, nil
}

func (c Candidate) where() string {
	if c.File == "" {
		return ""
	}
	return c.File + ": "
}

// wordsOnly are the keys of a definition that a small change may touch, and those
// of pages and fields.
var (
	wordsOnly = []string{"title", "summary", "keywords", "life_events", "minutes", "who", "who_list", "needs", "note", "examples"}
	fieldOnly = []string{"title", "intro", "label", "help", "missing"}
)

// small reports whether a change is one of words alone.
func small(d overlay.Delta) bool {
	if slices.Contains(wordsOnly, d.Trail[0]) {
		return true
	}
	if d.Trail[0] != "form" {
		return false
	}
	key := last(d.Trail)
	if slices.Contains(i18n.Languages, key) && len(d.Trail) > 1 {
		key = d.Trail[len(d.Trail)-2]
	}
	return slices.Contains(fieldOnly, key)
}

// Publish makes candidates the next versions of the shared catalogue, all or none,
// and lets every commune know. What is published already is left out. Errors:
// ErrNotPublishable with the problems, ErrWhy without a reason.
func (m *Module) Publish(ctx context.Context, by identity.Actor, list []Candidate) ([]SharedVersion, error) {
	var fresh []SharedVersion
	var problems []string
	for _, c := range list {
		p, err := m.Propose(ctx, c)
		if err != nil {
			return nil, err
		}
		problems = append(problems, p.Problems...)
		if p.Same {
			continue
		}
		if n := len([]rune(p.After.Why)); n < 3 || n > maxWhy {
			return nil, ErrWhy
		}
		p.After.By, p.After.At = by.Name(), m.Clock.Now()
		fresh = append(fresh, p.After)
	}
	if len(problems) > 0 {
		return nil, ErrNotPublishable.With("problems", problems)
	}
	if len(fresh) == 0 {
		return nil, nil
	}
	return fresh, m.publish(ctx, by, fresh, func(*tenancy.PlatformTx) error { return nil })
}

// publish inserts versions, notes them and sends word to the communes, in one
// transaction with what do does.
func (m *Module) publish(ctx context.Context, by identity.Actor, fresh []SharedVersion, do func(*tenancy.PlatformTx) error) error {
	all, err := m.DB.Directory().All(ctx)
	if err != nil {
		return err
	}
	return m.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		ids := make([]string, 0, len(fresh))
		for _, v := range fresh {
			inserted, err := insertShared(tx, v)
			if err != nil {
				return err
			}
			if !inserted {
				return ErrPublishedMeanwhile
			}
			ids = append(ids, v.Service)
			if err := identity.Note(tx, by, "catalogue.published", "service:"+v.Service, map[string]any{"version": v.Version, "why": v.Why, "size": string(v.Size)}); err != nil {
				return err
			}
		}
		for _, t := range all {
			if err := m.Outbox.Errand(tx, t, errandShared, published{Services: ids}); err != nil {
				return err
			}
		}
		return do(tx)
	})
}

// published is the errand's payload.
type published struct {
	Services []string `json:"services"`
}

// firstWhy is the changelog's first line of what a folder brings.
const firstWhy = "Prima versione, dalla cartella del catalogo condiviso."

// PublishFolder takes the definitions of a folder into the shared catalogue that
// are not in it, or there in an older version. It returns a line for each that it
// published, and for each that differs from the version of its number. Errors:
// ErrNotPublishable.
func (m *Module) PublishFolder(ctx context.Context, by identity.Actor, folder map[string]Tree) ([]string, error) {
	known, err := m.SharedTrees(ctx)
	if err != nil {
		return nil, err
	}
	gone, err := m.withdrawals(ctx)
	if err != nil {
		return nil, err
	}
	var lines []string
	var fresh []Candidate
	for _, id := range slices.Sorted(maps.Keys(folder)) {
		version, _ := folder[id]["version"].(float64)
		have, is := known[id]
		switch {
		case is && overlay.Same(have.tree, folder[id]):
		case gone[versionKey{id, int(version)}].Why != "":
			lines = append(lines, fmt.Sprintf("%s: version %d was withdrawn: %s", id, int(version), gone[versionKey{id, int(version)}].Why))
		case is && int(version) <= have.Version:
			if int(version) == have.Version {
				lines = append(lines, fmt.Sprintf("%s: the folder's version %d is not the published one: raise its version and run `sportello catalogue publish`", id, int(version)))
			}
		default:
			fresh = append(fresh, Candidate{Tree: folder[id], File: "shared/services/" + id + ".yaml", Why: firstWhy, Size: Large})
		}
	}
	if len(fresh) == 0 {
		return lines, nil
	}
	done, err := m.Publish(ctx, by, fresh)
	if errors.Is(err, ErrPublishedMeanwhile) { // another commune was being opened: the same folder
		return lines, nil
	}
	for _, v := range done {
		lines = append(lines, fmt.Sprintf("%s: version %d published", v.Service, v.Version))
	}
	return lines, err
}

// SharedTrees are the newest versions of all shared services that are offered, with
// their definitions.
func (m *Module) SharedTrees(ctx context.Context) (map[string]SharedVersion, error) {
	out := map[string]SharedVersion{}
	err := m.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		rows, err := tx.Query(strings.Replace(strings.Replace(sharedRows, "\n\tfrom", ", definition\n\tfrom", 1), "select ", "select distinct on (service_id) ", 1) +
			" where w.withdrawn_at is null order by service_id, version desc")
		if err != nil {
			return fmt.Errorf("catalogue: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var raw string
			v, err := scanShared(rows.Scan, &raw)
			if err != nil {
				return err
			}
			if v.tree, err = overlay.Parse([]byte(raw)); err != nil {
				return err
			}
			out[v.Service] = v
		}
		return rows.Err()
	})
	return out, err
}
