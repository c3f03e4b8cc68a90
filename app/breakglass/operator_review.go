package breakglass

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/operator"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// countEvery is how often the reads under current grants are counted, and
// countFor for how long after their end: worker or cluster may be away when a
// grant ends, and its last minutes count too.
const (
	countEvery = time.Minute
	countFor   = "30 days"
)

// count brings how much was read under each current grant to the entity's record:
// a number, never what. It is counted on the commune's audit, which the guest
// cannot avoid.
func (s *Service) count(ctx context.Context, t tenancy.Tenant) error {
	var grants []Grant
	var read map[string]int64
	if err := s.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
		rows, err := tx.Query("select " + columns + " from access_grants where granted_until > now() - interval '" + countFor + "'")
		if err != nil {
			return err
		}
		if grants, err = pgx.CollectRows(rows, scan); err != nil || len(grants) == 0 {
			return err
		}
		var refs []string
		for _, g := range grants {
			refs = append(refs, g.ref())
		}
		read, err = audit.CountByActors(tx, refs, actionEntered)
		return err
	}); err != nil || len(grants) == 0 {
		return err
	}
	return s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		for _, g := range grants {
			// Only for what the entity itself has asked: the commune's row is not the
			// entity's word for its own record.
			tx.Queue(`insert into access_reads (request_id, slug, n, counted_at)
				select id, slug, $3, $4 from access_requests where id = $1 and slug = $2
				on conflict (request_id) do update set n = greatest(access_reads.n, excluded.n), counted_at = excluded.counted_at`, g.ID, t.Slug(), read[g.ref()], s.Clock.Now())
		}
		return nil
	})
}

// reviewed is a request as the entity's auditor sees it: who, when, what kind,
// how much; neither the reason nor the case.
type reviewed struct {
	ID        uuid.UUID
	Slug, Who string
	Scope     identity.Scope
	AskedAt   time.Time
	Granted   *time.Time
	Entered   int64
	Reads     *int64
	Counted   *time.Time
}

// reviewMax is how many requests the page lists, newest first.
const reviewMax = 500

// Review lists the entity's requests of a year, of one commune or ("") of all,
// from the entity's own record: it answers with the communes away.
func (s *Service) Review(ctx context.Context, slug string) (list []reviewed, err error) {
	err = s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		rows, err := tx.Query(`select r.id, r.slug, r.staff_name, r.scope, r.asked_at,
			(select min(e.at) from access_events e where e.request_id = r.id and e.event = 'granted'),
			(select count(*) from access_events e where e.request_id = r.id and e.event like 'entered%'), c.n, c.counted_at
			from access_requests r left join access_reads c on c.request_id = r.id
			where ($1 = '' or r.slug = $1) and r.asked_at > $2 order by r.asked_at desc limit $3`, slug, s.Clock.Now().AddDate(-1, 0, 0), reviewMax)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[reviewed])
		return err
	})
	return list, err
}

// reviewSum is what was asked, granted and read in one commune within a year.
type reviewSum struct {
	Slug                  string
	Asked, Granted, Reads int64
}

// ReviewSums adds the requests of a year up by commune, however many there are.
func (s *Service) ReviewSums(ctx context.Context, slug string) (list []reviewSum, err error) {
	err = s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		rows, err := tx.Query(`select r.slug, count(*), count(*) filter (where exists (select from access_events e where e.request_id = r.id and e.event = 'granted')),
			coalesce(sum(c.n), 0)::bigint from access_requests r left join access_reads c on c.request_id = r.id
			where ($1 = '' or r.slug = $1) and r.asked_at > $2 group by r.slug order by max(r.asked_at) desc`, slug, s.Clock.Now().AddDate(-1, 0, 0))
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[reviewSum])
		return err
	})
	return list, err
}

// review is /accessi: how much the entity has read in the communes.
func (m *Module) review(r *web.Request) error {
	ctx, slug := r.Ctx(), r.Query("comune")
	name := func(slug string) string {
		if t, err := m.DB.Directory().BySlug(ctx, slug); err == nil {
			return t.Name()
		}
		return slug // archived since
	}
	list, err := m.Review(ctx, slug)
	if err != nil {
		return err
	}
	perCommune, err := m.ReviewSums(ctx, slug)
	if err != nil {
		return err
	}
	if _, err := m.DB.Directory().BySlug(ctx, slug); slug != "" && len(perCommune) == 0 && errors.Is(err, tenancy.ErrUnknown) {
		return web.NotFound() // neither a commune nor one that was archived
	}
	page := ui.Sheet{Side: operator.Side(r, "/accessi"), Title: i18n.T(ctx, "access.review.title"), Lead: i18n.T(ctx, "access.review.lead")}
	if slug != "" {
		page.Crumbs = []ui.Link{{Text: page.Title, URL: "/accessi"}, {Text: name(slug)}}
		page.Title += ": " + name(slug)
	}
	col := func(key string, num bool) ui.Column {
		return ui.Column{Title: i18n.T(ctx, "access.review."+key), Label: i18n.T(ctx, "access.review."+key), Num: num}
	}
	sums := ui.Grid{Caption: i18n.T(ctx, "access.review.communes"), Columns: []ui.Column{{Title: i18n.T(ctx, "access.review.commune")}, col("asked", true), col("granted", true), col("reads", true)}}
	each := ui.Grid{Caption: i18n.T(ctx, "access.review.each"), Columns: []ui.Column{{Title: i18n.T(ctx, "access.review.commune")}, col("who", false), col("scope", false), col("when", false), col("entered", true), col("reads", true)}}
	for _, x := range list {
		granted, reads := i18n.T(ctx, "access.review.not-granted"), "–"
		if x.Granted != nil {
			granted = i18n.T(ctx, "access.review.granted-at", "when", i18n.DateTime(ctx, *x.Granted))
		}
		counted := ""
		if x.Reads != nil {
			reads, counted = i18n.Number(*x.Reads), i18n.T(ctx, "access.review.counted", "when", i18n.DateTime(ctx, *x.Counted))
		}
		each.Rows = append(each.Rows, []ui.Cell{{Text: name(x.Slug), Strong: true}, {Text: x.Who}, {Text: i18n.T(ctx, "access.choice."+string(x.Scope))},
			{Text: i18n.DateTime(ctx, x.AskedAt), Small: granted}, {Text: i18n.Number(x.Entered), Num: true}, {Text: reads, Num: true, Small: counted}})
	}
	for _, s := range perCommune {
		sums.Rows = append(sums.Rows, []ui.Cell{{Text: name(s.Slug), URL: "/accessi?comune=" + s.Slug, Strong: true}, {Text: i18n.Number(s.Asked), Num: true}, {Text: i18n.Number(s.Granted), Num: true}, {Text: i18n.Number(s.Reads), Num: true}})
	}
	page.Sections = []ui.Section{{ID: "comuni", Title: sums.Caption, Grid: &sums, Empty: i18n.T(ctx, "access.review.none")}}
	if len(each.Rows) > 0 {
		page.Sections = append(page.Sections, ui.Section{ID: "singoli", Title: each.Caption, Grid: &each})
	}
	return r.Page(200, page.Title, ui.SheetPage(page), web.Here("/"))
}
