package audit

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/auditchain"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// Anchors keeps heads of the communes' chains outside their schemas: in a table
// of the platform that no commune's role can reach, and in a file outside the
// database when a folder is given. The worker reads the head in the commune's
// transaction and writes it as the platform login, for a commune may live on
// another cluster.
type Anchors struct {
	DB    *tenancy.DB
	Clock clock.Clock
	Dir   string // folder of the file; "" for none
}

// AnchorFile is the name of the file in Dir.
const AnchorFile = "audit-anchors.jsonl"

// AnchorEvery is how often the worker looks whether a day has ended.
const AnchorEvery = 10 * time.Minute

// Daily anchors a commune once for every day that has ended; it is called again
// and again, and does nothing when that has been done.
func (a *Anchors) Daily(ctx context.Context, t tenancy.Tenant) error {
	day := a.Clock.Now().In(i18n.Zurich).AddDate(0, 0, -1).Format(time.DateOnly)
	var done bool
	if err := a.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		return tx.QueryRow("select exists (select from audit_anchors where slug = $1 and day = $2::date)", t.Slug(), day).Scan(&done)
	}); err != nil || done {
		return err
	}
	_, err := a.make(ctx, t, &day)
	return err
}

// Now anchors a commune at once. A commune without a single line has no head
// and gets no anchor: seq is 0.
func (a *Anchors) Now(ctx context.Context, t tenancy.Tenant) (auditchain.Anchor, error) {
	return a.make(ctx, t, nil)
}

func (a *Anchors) make(ctx context.Context, t tenancy.Tenant, day *string) (auditchain.Anchor, error) {
	for { // what has been written by now belongs to it
		n := 0
		if err := a.DB.In(ctx, t, func(tx *tenancy.Tx) (err error) {
			n, err = Chain(tx)
			return err
		}); err != nil {
			return auditchain.Anchor{}, err
		}
		if n < chainBatch {
			break
		}
	}
	head := auditchain.Anchor{Slug: t.Slug()}
	var hash []byte
	err := a.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
		return tx.QueryRow(`select c.seq, c.hash, a.at, (select count(*) from audit_chain)
			from audit_chain c join audit a on a.id = c.audit_id order by c.seq desc limit 1`).Scan(&head.Seq, &hash, &head.HeadAt, &head.Lines)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return head, nil
	}
	if err != nil {
		return head, err
	}
	head.Hash = hex.EncodeToString(hash)
	err = a.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		return tx.QueryRow(`insert into audit_anchors (slug, day, seq, lines, hash, head_at) values ($1, $2::date, $3, $4, $5, $6)
			on conflict do nothing returning id, at`, t.Slug(), day, head.Seq, head.Lines, hash, head.HeadAt).Scan(&head.ID, &head.At)
	})
	if errors.Is(err, pgx.ErrNoRows) { // another worker was quicker
		return head, nil
	}
	if err != nil {
		return head, err
	}
	if err := a.file(ctx); err != nil {
		return head, err
	}
	return head, a.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		return Record(tx, identity.System(t), ActionAnchored, "audit", map[string]any{"seq": head.Seq, "lines": head.Lines})
	})
}

// ActionAnchored is the line that an anchor leaves on the commune's audit.
const ActionAnchored = "audit.anchored"

// fileBack is how many of the newest anchors are looked at when the file is
// written: what a crash kept out of it is written the next time.
const fileBack = 2000

func (a *Anchors) file(ctx context.Context) error {
	if a.Dir == "" {
		return nil
	}
	list, err := a.list(ctx, "", fileBack)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(a.Dir, 0o750); err != nil {
		return fmt.Errorf("audit: folder of anchors: %w", err)
	}
	if _, err := auditchain.AppendAnchors(filepath.Join(a.Dir, AnchorFile), list); err != nil {
		return fmt.Errorf("audit: file of anchors: %w", err)
	}
	return nil
}

// list reads the newest anchors, oldest first; slug "" for all communes.
func (a *Anchors) list(ctx context.Context, slug string, limit int) (list []auditchain.Anchor, err error) {
	err = a.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		rows, err := tx.Query(`select * from (select id, slug, seq, lines, encode(hash, 'hex'), head_at, at from audit_anchors
			where $1 = '' or slug = $1 order by id desc limit $2) newest order by id`, slug, limit)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[auditchain.Anchor])
		return err
	})
	return list, err
}

// Last is a commune's newest anchor; ok is false when there is none.
func (a *Anchors) Last(ctx context.Context, slug string) (last auditchain.Anchor, ok bool, err error) {
	list, err := a.list(ctx, slug, 1)
	if err != nil || len(list) == 0 {
		return last, false, err
	}
	return list[0], true, nil
}
