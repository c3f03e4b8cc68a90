package takeover

import (
	"context"
	"io"
	"maps"
	"mime/multipart"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/console"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/takeover/view"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/sheetcsv"
)

// ActionConsole lets a commune's administrators bring in another desk's people and
// cases.
const ActionConsole access.Action = "console.takeover"

const (
	path     = "/console/ripresa"
	maxBytes = 32 << 20 // both files together; larger ones come in on the command line
	shown    = 100      // problems on the page; the file has all
)

// Module serves the page.
type Module struct{ *Service }

// Mount adds the routes.
func (m *Module) Mount(r *web.Router) {
	c := r.Console
	c.GET("/ripresa", ActionConsole, m.page)
	c.POST("/ripresa", ActionConsole, m.try, web.MaxBody(maxBytes))
	c.GET("/ripresa/modello/:file", ActionConsole, m.sample)
	c.GET("/ripresa/:id", ActionConsole, m.run)
	c.POST("/ripresa/:id", ActionConsole, m.keep)
	c.GET("/ripresa/:id/numeri.csv", ActionConsole, m.numbers)
	c.GET("/ripresa/:id/problemi.csv", ActionConsole, m.problems)
}

// Jobs registers the worker's part.
func (m *Module) Jobs(reg *outbox.Registry) {
	reg.HandleLong(jobRun, m.Service.run)
	reg.Every("takeover.expire", 24*time.Hour, m.expire)
}

// Samples are the two files as they must begin, with a line of an invented person.
var samples = map[string][][]string{
	"persone.csv":  {append(slices.Clone(PeopleColumns), PeopleOptional...), {"rita.prova@persone.example", "Rita", "Prova", "", "+41 91 000 00 00", "", "it"}},
	"pratiche.csv": {append(append(slices.Clone(CaseColumns), CaseOptional...), "Luogo"), {"V-17", "suolo-occupazione-temporanea", "rita.prova@persone.example", "2026-01-07", "2026-02-07", "in_review", "Piazza della Prova"}},
}

func (m *Module) sample(r *web.Request) error {
	rows, ok := samples[r.Param("file")]
	if !ok {
		return web.NotFound()
	}
	return sendCSV(r, r.Param("file"), rows)
}

func sendCSV(r *web.Request, name string, rows [][]string) error {
	data, err := sheetcsv.Write(rows[0], rows[1:])
	if err != nil {
		return err
	}
	return r.Blob(name, "text/csv; charset=utf-8", data, false)
}

func (m *Module) page(r *web.Request) error { return m.form(r, 200, "", nil) }

func (m *Module) form(r *web.Request, code int, desk string, wrong map[string]string) error {
	ctx := r.Ctx()
	var list []Run
	if err := m.DB.Read(ctx, r.Tenant(), func(tx *tenancy.Tx) (err error) {
		list, err = newest(tx)
		return err
	}); err != nil {
		return err
	}
	field := func(in ui.Input) ui.Input {
		in.Label, in.Help = i18n.T(ctx, "takeover.field."+in.Name), i18n.T(ctx, "takeover.field."+in.Name+"-help")
		if key := wrong[in.Name]; key != "" {
			in.Error = i18n.T(ctx, key)
		}
		return in
	}
	page := view.FormPage{Side: console.Side(r, path), Action: path,
		Fields: []ui.Input{field(ui.Input{Kind: ui.Text, Name: "desk", Value: desk, Required: true, MaxLength: 60}),
			field(ui.Input{Kind: ui.File, Name: "people", Accept: ".csv,text/csv"}), field(ui.Input{Kind: ui.File, Name: "cases", Accept: ".csv,text/csv"})}}
	for _, name := range slices.Sorted(maps.Keys(samples)) {
		page.Samples = append(page.Samples, ui.Link{Text: i18n.T(ctx, "takeover.sample", "file", name), URL: path + "/modello/" + name})
	}
	for _, x := range list {
		st := stateOf(ctx, x)
		page.Runs = append(page.Runs, ui.Row{Title: x.Desk, URL: path + "/" + x.ID.String(), State: &st, Note: i18n.DateTime(ctx, x.AskedAt) + ", " + x.AskedBy})
	}
	return r.Page(code, i18n.T(ctx, "takeover.title"), view.Form(page), web.Here("/console"))
}

func stateOf(ctx context.Context, x Run) ui.State {
	tone := map[State]ui.Tone{Trying: ui.Info, Keeping: ui.Info, Kept: ui.Success, Failed: ui.Danger, Tried: ui.Warning}[x.State]
	key := string(x.State)
	if x.State == Tried && !x.Good() {
		key, tone = "wrong", ui.Danger
	}
	return ui.State{Tone: tone, Text: i18n.T(ctx, "takeover.state."+key)}
}

// try is the POST of the form.
func (m *Module) try(r *web.Request) error {
	form, err := r.Form()
	if err != nil {
		return err
	}
	desk, wrong := strings.Join(strings.Fields(form.Get("desk")), " "), map[string]string{}
	if desk == "" || len(desk) > 60 {
		wrong["desk"] = "takeover.error.desk"
	}
	people, cases := r.Files("people"), r.Files("cases")
	if len(people)+len(cases) == 0 {
		wrong["people"] = "takeover.error.files"
	}
	if len(wrong) > 0 {
		return m.form(r, 422, desk, wrong)
	}
	var in [2]io.Reader
	for i, list := range [][]*multipart.FileHeader{people, cases} {
		if len(list) == 0 {
			continue
		}
		f, err := list[0].Open()
		if err != nil {
			return err
		}
		defer f.Close()
		in[i] = f
	}
	id, err := m.Try(r.Ctx(), r.Actor(), desk, in[0], in[1])
	if err != nil {
		return err
	}
	return r.Redirect(path + "/" + id.String())
}

func (m *Module) read(r *web.Request) (x Run, err error) {
	id, err := uuid.Parse(r.Param("id"))
	if err != nil {
		return x, web.NotFound()
	}
	err = m.DB.Read(r.Ctx(), r.Tenant(), func(tx *tenancy.Tx) error {
		x, err = one(tx, id, "")
		return err
	})
	return x, err
}

// run is one take-over: its progress, what would come in, what is wrong.
func (m *Module) run(r *web.Request) error {
	ctx := r.Ctx()
	x, err := m.read(r)
	if err != nil {
		return err
	}
	here := path + "/" + x.ID.String()
	page := view.RunPage{Side: console.Side(r, path), BackURL: path, Desk: x.Desk, State: stateOf(ctx, x), Busy: x.Busy(), Percent: x.Progress,
		Asked: i18n.T(ctx, "takeover.asked", "when", i18n.DateTime(ctx, x.AskedAt), "who", x.AskedBy)}
	var opts []web.PageOption
	if x.Busy() {
		opts = append(opts, web.Refresh(2))
	} else {
		tile := func(n int, key string) ui.Tile {
			return ui.Tile{Value: i18n.Number(n), Label: i18n.T(ctx, "takeover.tile."+key)}
		}
		page.Tiles = []ui.Tile{tile(x.Report.People, "people"), tile(x.Report.KnownPeople, "known-people"), tile(x.Report.Cases, "cases"), tile(x.Report.KnownCases, "known-cases")}
	}
	if x.Good() {
		page.KeepURL = here
	}
	if x.State == Kept && len(x.Report.Refs) > 0 {
		page.Numbers = &ui.Link{Text: i18n.T(ctx, "takeover.numbers"), URL: here + "/numeri.csv"}
	}
	if x.State == Tried && len(x.Report.Problems) == 0 && !x.Good() {
		page.Nothing = i18n.T(ctx, "takeover.nothing")
	}
	if n := len(x.Report.Problems); n > 0 {
		page.ProblemsTitle = i18n.N(ctx, "takeover.problems", n)
		page.AllProblems = &ui.Link{Text: i18n.T(ctx, "takeover.all-problems"), URL: here + "/problemi.csv"}
		page.Problems = ui.Grid{Caption: page.ProblemsTitle, Columns: []ui.Column{{Title: i18n.T(ctx, "takeover.column.file")},
			{Title: i18n.T(ctx, "takeover.column.line"), Label: i18n.T(ctx, "takeover.column.line"), Num: true}, {Title: i18n.T(ctx, "takeover.column.why")}}}
		for _, p := range x.Report.Problems[:min(n, shown)] {
			page.Problems.Rows = append(page.Problems.Rows, []ui.Cell{{Text: fileName(ctx, p)}, {Text: i18n.Number(p.Line), Num: true}, {Text: inWords(ctx, p)}})
		}
	}
	return r.Page(200, x.Desk, view.Run(page), append(opts, web.Here("/console"))...)
}

func fileName(ctx context.Context, p Problem) string { return i18n.T(ctx, "takeover.file."+p.File) }

func inWords(ctx context.Context, p Problem) string {
	return i18n.T(ctx, "takeover.problem."+p.Code, "about", p.About)
}

// keep is the POST of a take-over: bring everything in.
func (m *Module) keep(r *web.Request) error {
	x, err := m.read(r)
	if err != nil {
		return err
	}
	if err := m.Keep(r.Ctx(), r.Actor(), x.ID); err != nil {
		return err
	}
	return r.Redirect(path + "/" + x.ID.String())
}

// numbers tells which number each case has here.
func (m *Module) numbers(r *web.Request) error {
	x, err := m.read(r)
	if err != nil {
		return err
	}
	rows := [][]string{{i18n.T(r.Ctx(), "takeover.column.there"), i18n.T(r.Ctx(), "takeover.column.here")}}
	if x.State != Kept {
		x.Report.Refs = nil // those of a try were never given
	}
	for _, there := range slices.Sorted(maps.Keys(x.Report.Refs)) {
		rows = append(rows, []string{there, x.Report.Refs[there]})
	}
	return sendCSV(r, "numeri.csv", rows)
}

// problems is the list to correct the files by.
func (m *Module) problems(r *web.Request) error {
	x, err := m.read(r)
	if err != nil {
		return err
	}
	ctx := r.Ctx()
	rows := [][]string{{i18n.T(ctx, "takeover.column.file"), i18n.T(ctx, "takeover.column.line"), i18n.T(ctx, "takeover.column.why")}}
	for _, p := range x.Report.Problems {
		rows = append(rows, []string{fileName(ctx, p), strconv.Itoa(p.Line), inWords(ctx, p)})
	}
	return sendCSV(r, "problemi.csv", rows)
}
