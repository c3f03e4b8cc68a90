package console

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/console/view"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// publishPage is GET /console/servizi/{id}/pubblica: what would change, whether
// the examples hold, and the button.
func (m *Module) publishPage(r *web.Request) error {
	w, err := m.Catalogue.Workbench(r.Ctx(), r.Actor(), r.Param("id"))
	if err != nil {
		return err
	}
	return m.showPublish(r, http.StatusOK, w, nil, "")
}

func (m *Module) showPublish(r *web.Request, status int, w catalogue.Workbench, problems []ui.Problem, note string) error {
	ctx := r.Ctx()
	title := i18n.T(ctx, "console.publish.title")
	s := ui.Sheet{Side: Side(r, "/console/servizi"), Crumbs: serviceCrumbs(r, w, title), Title: title, Problems: problems, Lead: i18n.T(ctx, "console.publish.lead"), Notice: r.Done("console.edit.done")}
	if w.Edit == nil {
		s.Lead = i18n.T(ctx, "console.publish.none")
		return r.Page(status, title+" – "+w.Title.For(ctx), ui.SheetPage(s), web.Here("/console"))
	}
	if w.Edit.ProposedBy != "" {
		s.Lead = i18n.T(ctx, "console.publish.proposed", "who", w.Edit.ProposedBy, "note", w.Edit.Note)
	}
	s.Sections = []ui.Section{{ID: "differenze", Title: i18n.T(ctx, "console.publish.differences"), Grid: differences(ctx, w.Differences())}}
	if w.Stale() {
		s.Warning = i18n.T(ctx, "console.edit.stale")
		s.Sections = append(s.Sections, ui.Section{ID: "cambiato", Title: i18n.T(ctx, "console.publish.moved"), Note: i18n.T(ctx, "console.publish.moved-note"), Grid: differences(ctx, w.Moved)})
		if len(w.Clashes) > 0 {
			s.Sections = append(s.Sections, ui.Section{ID: "entrambi", Title: i18n.T(ctx, "console.publish.clashes"), Note: i18n.T(ctx, "console.publish.clashes-note"), Grid: differences(ctx, w.Clashes)})
		}
	}
	holds := w.Next != nil && len(catalogue.Failing(w.RunAll(ctx))) == 0
	if w.Next == nil {
		s.Sections = append(s.Sections, mistakeSection(ctx, w))
	} else {
		s.Sections = append(s.Sections, ui.Section{ID: "esempi", Title: i18n.T(ctx, "console.publish.examples"), Rows: exampleRows(ctx, w)})
	}
	gone, err := m.Catalogue.DraftsUsing(ctx, r.Actor(), w)
	if err != nil {
		return err
	}
	if len(gone) > 0 {
		drafts := ui.Section{ID: "bozze", Title: i18n.T(ctx, "updates.drafts")}
		for _, f := range gone {
			drafts.Rows = append(drafts.Rows, ui.Row{Title: f.Label, Note: i18n.N(ctx, "updates.removed", f.Drafts, "field", f.Label)})
		}
		s.Sections = append(s.Sections, drafts)
	}
	s.Sections = append(s.Sections, ui.Section{ID: "decidere", Forms: decisionForms(r, w, holds, len(gone) > 0, note)})
	return r.Page(status, title+" – "+w.Title.For(ctx), ui.SheetPage(s), web.Here("/console"))
}

func mistakeSection(ctx context.Context, w catalogue.Workbench) ui.Section {
	out := ui.Section{ID: "errori", Title: i18n.T(ctx, "console.publish.mistakes")}
	for _, mistake := range w.Problems {
		out.Rows = append(out.Rows, ui.Row{Title: partName(ctx, mistake.Where()), Note: mistake.What + ". " + mistake.Do})
	}
	return out
}

// decisionForms are what the reader may do with the edit.
func decisionForms(r *web.Request, w catalogue.Workbench, holds, drafts bool, note string) []ui.Form {
	ctx := r.Ctx()
	action := serviceURL(w.ID, "/pubblica")
	revision := ui.Input{Kind: ui.Hidden, Name: "revisione", Value: strconv.FormatInt(w.Edit.Revision, 10)}
	why := ui.Input{Kind: ui.Textarea, Name: "nota", Label: i18n.T(ctx, "console.publish.note"), Help: i18n.T(ctx, "console.publish.note-help"), Rows: 3, MaxLength: 1000, Value: note}
	publish := []ui.Input{revision, why}
	if drafts {
		publish = append(publish, ui.Input{Kind: ui.Declaration, Name: "bozze", Label: i18n.T(ctx, "updates.keep-drafts"), Required: true})
	}
	var out []ui.Form
	author := slices.Contains(w.Edit.Authors, r.Actor().AccountID().String())
	switch {
	case w.Stale():
		out = append(out, ui.Form{Action: action, Name: "fare", Value: "rebase", Submit: i18n.T(ctx, "console.publish.rebase"), Fields: []ui.Input{revision}})
	case !holds:
	case !w.TwoPersons:
		out = append(out, ui.Form{Action: action, Name: "fare", Value: "publish", Submit: i18n.T(ctx, "console.publish.do"), Fields: publish})
	case author:
		why.Required = true
		out = append(out, ui.Form{Action: action, Name: "fare", Value: "propose", Submit: i18n.T(ctx, "console.publish.propose"), Lead: i18n.T(ctx, "console.publish.two"), Fields: []ui.Input{revision, why}})
	case w.Edit.ProposedBy != "":
		out = append(out, ui.Form{Action: action, Name: "fare", Value: "publish", Submit: i18n.T(ctx, "console.publish.approve"), Fields: publish})
	}
	return append(out, ui.Form{Action: action, Name: "fare", Value: "drop", Submit: i18n.T(ctx, "console.publish.drop"), Lead: i18n.T(ctx, "console.publish.drop-lead"), Danger: true, Fields: []ui.Input{revision}})
}

// publishPost is POST /console/servizi/{id}/pubblica.
func (m *Module) publishPost(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	ctx, by, id, note := r.Ctx(), r.Actor(), r.Param("id"), clean(f.Get("nota"))
	revision, err := strconv.ParseInt(f.Get("revisione"), 10, 64)
	if err != nil {
		revision = -1 // nothing is what was looked at
	}
	done := f.Get("fare")
	switch done {
	case "publish":
		err = m.Catalogue.PublishEdit(ctx, by, id, revision, note, f.Get("bozze") == "true")
	case "propose":
		err = m.Catalogue.ProposeEdit(ctx, by, id, revision, note)
	case "rebase":
		err = m.Catalogue.RebaseEdit(ctx, by, id)
	case "drop":
		err = m.Catalogue.DropEdit(ctx, by, id)
	default:
		return web.NotFound()
	}
	var told *problem.Error
	if errors.As(err, &told) && told.Kind != problem.KindInternal && !errors.Is(err, catalogue.ErrNotOffered) {
		w, werr := m.Catalogue.Workbench(ctx, by, id)
		if werr != nil {
			return werr
		}
		return m.showPublish(r, told.Status(), w, []ui.Problem{{Text: r.Words(told)}}, note)
	}
	if err != nil {
		return err
	}
	if done == "rebase" {
		return r.Redirect(serviceURL(id, "/pubblica?fatto=rebase"))
	}
	return r.Redirect(serviceURL(id, "?fatto="+done))
}

// differences is a table of changes in words.
func differences(ctx context.Context, changes []catalogue.Change) *ui.Grid {
	column := func(key string) ui.Column {
		return ui.Column{Title: i18n.T(ctx, "console.publish.columns."+key), Label: i18n.T(ctx, "console.publish.columns."+key)}
	}
	g := &ui.Grid{Caption: i18n.T(ctx, "console.publish.differences"), Columns: []ui.Column{{Title: i18n.T(ctx, "console.publish.columns.part")}, column("before"), column("after")}}
	for _, c := range changes {
		g.Rows = append(g.Rows, []ui.Cell{{Text: partName(ctx, c.Path), Strong: true}, {Text: told(ctx, c.Path, c.Old)}, {Text: told(ctx, c.Path, c.New)}})
	}
	return g
}

const longestTold = 300

func told(ctx context.Context, path string, value any) string {
	text := readable(value)
	if n, isNumber := value.(float64); isNumber && (strings.HasSuffix(path, ".chf") || strings.HasSuffix(path, ".counter") || strings.HasSuffix(path, ".fee")) {
		if amount, err := money.Parse(strconv.FormatFloat(n, 'f', -1, 64)); err == nil {
			text = amount.String()
		}
	}
	if text == "" {
		return i18n.T(ctx, "console.edit.empty")
	}
	if runes := []rune(text); len(runes) > longestTold {
		return string(runes[:longestTold]) + "…"
	}
	return text
}

// partName is a path in words: "Tariffa, Importo «certificato»". Names of items
// stand in quotes.
func partName(ctx context.Context, path string) string {
	var out []string
	for _, step := range strings.Split(strings.TrimSuffix(path, ".chf"), ".") {
		if key := "console.part." + step; i18n.Has(ctx, key) {
			out = append(out, i18n.T(ctx, key))
		} else if len(out) > 0 {
			out[len(out)-1] += " «" + step + "»"
		} else {
			out = append(out, step)
		}
	}
	if len(out) > 2 && out[0] == i18n.T(ctx, "console.part.form") {
		out = out[1:]
	}
	return strings.Join(out, ", ")
}

const maxImport = 256 << 10

// importPage is GET /console/servizi/{id}/importa.
func (m *Module) importPage(r *web.Request) error {
	w, err := m.Catalogue.Workbench(r.Ctx(), r.Actor(), r.Param("id"))
	if err != nil {
		return err
	}
	return m.showImport(r, http.StatusOK, w, "", nil)
}

func (m *Module) showImport(r *web.Request, status int, w catalogue.Workbench, text string, problems []ui.Problem) error {
	ctx := r.Ctx()
	title := i18n.T(ctx, "console.import.title")
	return r.Page(status, title+" – "+w.Title.For(ctx), view.Editing(view.EditingPage{
		Side: Side(r, "/console/servizi"), Crumbs: serviceCrumbs(r, w, title), Title: title, Intro: i18n.T(ctx, "console.import.lead"), Problems: problems,
		Action: serviceURL(w.ID, "/importa"), Submit: i18n.T(ctx, "console.import.read"), BackURL: serviceURL(w.ID, ""),
		Groups: []view.EditingGroup{{Fields: []ui.Input{
			{Kind: ui.File, Name: "file", Label: i18n.T(ctx, "console.import.file"), Help: i18n.T(ctx, "console.import.file-help"), Accept: ".yaml,.yml"},
			{Kind: ui.Textarea, Name: "testo", Label: i18n.T(ctx, "console.import.text"), Value: text, Rows: 12},
		}}},
	}), web.Here("/console"))
}

// importPost is POST /console/servizi/{id}/importa: the file is read and tried;
// confirmed, it becomes the edit.
func (m *Module) importPost(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	ctx, by, id := r.Ctx(), r.Actor(), r.Param("id")
	w, err := m.Catalogue.Workbench(ctx, by, id)
	if err != nil {
		return err
	}
	name, text := id+".yaml", strings.ReplaceAll(f.Get("testo"), "\r\n", "\n")
	for _, file := range r.Files("file") {
		if file.Size == 0 {
			continue
		}
		opened, err := file.Open()
		if err != nil {
			return err
		}
		data, err := io.ReadAll(io.LimitReader(opened, maxImport+1))
		_ = opened.Close()
		if err != nil {
			return err
		}
		name, text = file.Filename, string(data)
	}
	if strings.TrimSpace(text) == "" {
		return m.showImport(r, http.StatusUnprocessableEntity, w, text, []ui.Problem{{Name: "testo", Text: i18n.T(ctx, "console.import.missing")}})
	}
	if f.Get("fare") == "take" {
		if err = m.Catalogue.TakeFile(ctx, by, id, name, []byte(text)); err == nil {
			return r.Redirect(serviceURL(id, "/pubblica?fatto=edit"))
		}
		return m.importRefused(r, w, text, err)
	}
	read, err := m.Catalogue.ReadFile(ctx, by, id, name, []byte(text))
	if err != nil {
		return m.importRefused(r, w, text, err)
	}
	return m.showImported(r, read, text)
}

// importRefused shows every mistake of a file with its line; the text stays.
func (m *Module) importRefused(r *web.Request, w catalogue.Workbench, text string, err error) error {
	var problems []ui.Problem
	for _, mistake := range catalogue.MistakesOf(err) {
		problems = append(problems, ui.Problem{Name: "testo", Text: mistake.Error()})
	}
	if errors.Is(err, catalogue.ErrNotAnOverlay) {
		problems = append(problems, ui.Problem{Name: "testo", Text: i18n.T(r.Ctx(), catalogue.ErrNotAnOverlay.Key)})
	}
	if len(problems) == 0 {
		return err
	}
	if len(text) > maxImport {
		text = ""
	}
	return m.showImport(r, http.StatusUnprocessableEntity, w, text, problems)
}

func (m *Module) showImported(r *web.Request, read catalogue.Imported, text string) error {
	ctx := r.Ctx()
	title := i18n.T(ctx, "console.import.title")
	s := ui.Sheet{Side: Side(r, "/console/servizi"), Crumbs: serviceCrumbs(r, read.Workbench, title), Title: title}
	if len(read.Changes) == 0 {
		s.Lead = i18n.T(ctx, "console.import.same")
		return r.Page(http.StatusOK, title, ui.SheetPage(s), web.Here("/console"))
	}
	s.Sections = []ui.Section{{ID: "differenze", Title: i18n.T(ctx, "console.publish.differences"), Grid: differences(ctx, read.Changes)}}
	if read.Next == nil {
		s.Sections = append(s.Sections, mistakeSection(ctx, read.Workbench))
	} else {
		s.Sections = append(s.Sections, ui.Section{ID: "esempi", Title: i18n.T(ctx, "console.publish.examples"), Rows: exampleRows(ctx, read.Workbench)})
	}
	s.Sections = append(s.Sections, ui.Section{Forms: []ui.Form{{
		Action: serviceURL(read.ID, "/importa"), Name: "fare", Value: "take", Submit: i18n.T(ctx, "console.import.take"), Lead: i18n.T(ctx, "console.import.take-note"),
		Cancel: serviceURL(read.ID, "/importa"), Fields: []ui.Input{{Kind: ui.Hidden, Name: "testo", Value: text}},
	}}})
	return r.Page(http.StatusOK, title+" – "+read.Title.For(ctx), ui.SheetPage(s), web.Here("/console"))
}
