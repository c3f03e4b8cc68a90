package forms

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/sportello-ticino/sportello/app/forms/view"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// versionStep is the address of the page on which a draft moves to the version
// that is offered now. No step can be called so: identifiers have no hyphen.
const versionStep = "nuova-versione"

// The choices on that page.
const (
	versionName = "versione"
	versionMove = "nuova"
	versionStay = "mia"
)

// mustMove reports whether the version the draft was begun with is not taken any
// more.
func (o *opened) mustMove() bool { return o.offer.Newer != nil && o.offer.Newer.Required }

// reads what the person has said to newer versions; the same one is not pointed at
// twice.
func (m *Module) stays(ctx context.Context, by identity.Actor, o *opened) (from string, err error) {
	err = m.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		return tx.QueryRow("select stays_from from drafts where id = $1 and account_id = $2", o.ID, by.AccountID()).Scan(&from)
	})
	return from, err
}

// pointAtNewer says on every page of a draft that a newer version is offered,
// until the person has chosen to stay.
func (m *Module) pointAtNewer(r *web.Request, o *opened, frame *view.Frame) error {
	if o.offer.Newer == nil {
		return nil
	}
	from, err := m.stays(r.Ctx(), r.Actor(), o)
	if err != nil {
		return err
	}
	frame.Newer, frame.NewerURL = i18n.T(r.Ctx(), "forms.version.newer"), o.path(versionStep)
	if from == o.offer.Newer.Hash {
		frame.Newer = ""
	}
	return nil
}

// Unfit is an answer that the newer version has no place for.
type Unfit struct {
	Field *Field
	Value string
}

// moved reads the draft's answers as the newer version does. unfit are those it
// does not ask for any more, or asks for in another way.
func (o *opened) moved(ctx context.Context) (answers Answers, unfit []Unfit, err error) {
	raw, err := json.Marshal(o.Answers)
	if err != nil {
		return nil, nil, fmt.Errorf("forms: answers: %w", err)
	}
	next := o.offer.Newer.Form
	answers = next.Salvage(raw)
	sections, err := o.offer.Form.Review(ctx, o.Answers, namesByField(o.uploads), o.in)
	if err != nil {
		return nil, nil, err
	}
	for _, section := range sections {
		for _, row := range section.Rows {
			old, known := o.offer.Form.Field(row.Field)
			now, stays := next.Field(row.Field)
			given := o.Answers[row.Field] != nil || len(row.Files) > 0
			lost := !stays || known && now.Kind != old.Kind || o.Answers[row.Field] != nil && answers[row.Field] == nil
			if !known || !given || !lost {
				continue
			}
			delete(answers, row.Field)
			u := Unfit{Field: old, Value: row.Value}
			for i, name := range row.Files {
				if i > 0 {
					u.Value += ", "
				}
				u.Value += name
			}
			unfit = append(unfit, u)
		}
	}
	return answers, unfit, nil
}

// Move lets a draft go on with the version that is offered now. Answers that it
// has no place for are left behind, with their files. Errors: ErrNoDraft.
func (m *Module) move(ctx context.Context, by identity.Actor, o *opened) error {
	answers, unfit, err := o.moved(ctx)
	if err != nil {
		return err
	}
	for _, u := range unfit {
		if u.Field.Kind != "file" {
			continue
		}
		for _, file := range append([]Upload(nil), o.uploads...) {
			if file.Field != u.Field.ID {
				continue
			}
			if _, err := m.detach(ctx, by, o, file.ID); err != nil {
				return err
			}
		}
	}
	next, now := o.offer.Newer, m.Clock.Now()
	draft := o.Draft
	draft.Answers, draft.ServiceVersion, draft.ServiceHash, draft.Step = answers, next.Version, next.Hash, ""
	draft.UpdatedAt, draft.ExpiresAt = now, now.Add(m.Deps.Keep)
	return m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		if err := m.Services.Keep(ctx, tx, next.ID, next.Hash); err != nil {
			return err
		}
		return updateDraft(tx, draft)
	})
}

// stay notes that the person goes on with the version the draft was begun with.
func (m *Module) stay(ctx context.Context, by identity.Actor, o *opened) error {
	return m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		n, err := tx.Exec("update drafts set stays_from = $3 where id = $1 and account_id = $2 and submitted_at is null", o.ID, by.AccountID(), o.offer.Newer.Hash)
		if err == nil && n == 0 {
			err = ErrNoDraft
		}
		return err
	})
}

// versionPage is GET /area/bozze/{id}/nuova-versione: what changed, and the choice.
func (m *Module) versionPage(r *web.Request) error {
	o, err := m.opened(r)
	if err != nil {
		return m.gone(r, err)
	}
	if o.offer.Newer == nil {
		return r.Redirect("/area/bozze/" + o.ID.String())
	}
	ctx := r.Ctx()
	_, unfit, err := o.moved(ctx)
	if err != nil {
		return err
	}
	pages, err := o.offer.Form.Pages(ctx, o.Answers, o.in)
	if err != nil {
		return err
	}
	frame, err := m.frame(r, &o, pages, -1)
	if err != nil {
		return err
	}
	frame.Newer = ""
	page := view.VersionPage{Frame: frame, Title: i18n.T(ctx, "forms.version.title"), Intro: i18n.T(ctx, "forms.version.intro"),
		Changes: o.offer.Newer.Changes(ctx), Action: o.path(versionStep), Name: versionName,
		Move: i18n.T(ctx, "forms.version.move"), MoveValue: versionMove}
	if len(page.Changes) == 0 {
		page.None = i18n.T(ctx, "forms.version.none")
	}
	for _, u := range unfit {
		page.Unfit = append(page.Unfit, ui.Answer{Question: u.Field.Label.For(ctx), Values: []string{u.Value}})
	}
	if o.mustMove() {
		page.Intro = i18n.T(ctx, "forms.version.required")
	} else {
		page.Stay, page.StayValue = i18n.T(ctx, "forms.version.stay"), versionStay
		page.StayNote = i18n.T(ctx, "forms.version.stay_note", "day", i18n.LongDate(ctx, o.ExpiresAt))
	}
	return r.Page(http.StatusOK, page.Title+" – "+frame.ServiceTitle, view.Version(page))
}

// chooseVersion is POST of the same page.
func (m *Module) chooseVersion(r *web.Request) error {
	typed, err := r.Form()
	if err != nil {
		return err
	}
	o, err := m.opened(r)
	if err != nil {
		return m.gone(r, err)
	}
	home := "/area/bozze/" + o.ID.String()
	if o.offer.Newer == nil { // chosen in another window
		return r.Redirect(home)
	}
	switch {
	case typed.Get(versionName) == versionMove:
		err = m.move(r.Ctx(), r.Actor(), &o)
	case typed.Get(versionName) == versionStay && !o.mustMove():
		err = m.stay(r.Ctx(), r.Actor(), &o)
	default:
		return r.Redirect(o.path(versionStep))
	}
	if err != nil {
		return err
	}
	return r.Redirect(home)
}
