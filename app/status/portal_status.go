package status

import (
	"context"
	"time"

	"github.com/sportello-ticino/sportello/app/bulletin"
	"github.com/sportello-ticino/sportello/app/status/view"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

var tones = map[State]ui.Tone{Works: ui.Success, Late: ui.Warning, Down: ui.Danger}

// overall is the worst of the parts: down only when the desk itself is.
func (s Snapshot) overall() (key string, tone ui.Tone) {
	if s.Parts[Desk] == Down {
		return "down", ui.Danger
	}
	for _, state := range s.Parts {
		if state != Works {
			return "degraded", ui.Warning
		}
	}
	return "fine", ui.Success
}

// page is /stato: how the desk is doing, in words for the public.
func (m *Module) page(r *web.Request) error {
	ctx, t := r.Ctx(), r.Tenant()
	now := m.Now(ctx, t)
	key, tone := now.overall()
	if s, _ := t.State(); s == tenancy.Suspended && key != "down" {
		key, tone = "suspended", ui.Warning
	}
	p := view.Page{Title: i18n.T(ctx, "health.title"), Overall: ui.State{Tone: tone, Text: i18n.T(ctx, "health."+key)}, Checked: i18n.T(ctx, "health.checked", "when", i18n.DateTime(ctx, now.At))}
	for _, part := range parts {
		p.Parts = append(p.Parts, ui.Row{Title: i18n.T(ctx, "health.part."+string(part)), State: &ui.State{Tone: tones[now.Parts[part]], Text: i18n.T(ctx, "health."+string(now.Parts[part]))}})
	}
	for _, a := range m.Board.Coming(ctx, t) {
		p.Windows = append(p.Windows, ui.Row{Title: a.Words(r.Lang()), Note: i18n.T(ctx, "health.window", "from", i18n.DateTime(ctx, a.Starts), "to", i18n.DateTime(ctx, a.Ends)), State: windowState(ctx, a, now.At)})
	}
	if now.Memory == nil {
		p.NoDays = i18n.T(ctx, "health.days.away")
	} else {
		p.Days, p.DaysText = strip(ctx, now.Memory.Days)
		p.Last = lastWords(ctx, now.Memory.Last)
	}
	return r.Page(200, p.Title, view.Status(p))
}

func windowState(ctx context.Context, a bulletin.Announcement, now time.Time) *ui.State {
	if now.Before(a.Starts) {
		return &ui.State{Tone: ui.Info, Text: i18n.T(ctx, "health.coming")}
	}
	return &ui.State{Tone: ui.Warning, Text: i18n.T(ctx, "health.current")}
}

// strip is the drawing of the days, and the same in a sentence.
func strip(ctx context.Context, days []Day) (out []view.Day, text string) {
	good, late, down := 0, 0, 0
	for _, d := range days {
		v := view.Day{Title: i18n.T(ctx, "health.day.unseen", "day", i18n.Date(d.Date)), Kind: "unseen"}
		if d.Seen {
			switch v.Kind = string(d.State()); d.State() {
			case Works:
				good++
				v.Title = i18n.T(ctx, "health.day.works", "day", i18n.Date(d.Date))
			case Late:
				late++
				v.Title = i18n.T(ctx, "health.day.late", "day", i18n.Date(d.Date), "n", d.Late)
			case Down:
				down++
				v.Title = i18n.T(ctx, "health.day.down", "day", i18n.Date(d.Date), "n", d.Down)
			}
		}
		out = append(out, v)
	}
	return out, i18n.T(ctx, "health.days.text", "good", good, "late", late, "down", down, "unseen", len(days)-good-late-down)
}

// lastWords is the last incident in a sentence.
func lastWords(ctx context.Context, last *Incident) string {
	if last == nil {
		return i18n.T(ctx, "health.last.none")
	}
	part := i18n.T(ctx, "health.part."+string(last.Part))
	if last.Ended == nil {
		return i18n.T(ctx, "health.last.open", "part", part, "from", i18n.DateTime(ctx, last.Began))
	}
	return i18n.T(ctx, "health.last.over", "part", part, "from", i18n.DateTime(ctx, last.Began), "to", i18n.DateTime(ctx, *last.Ended))
}

// machine is /stato.json: the same facts.
func (m *Module) machine(r *web.Request) error {
	ctx, t := r.Ctx(), r.Tenant()
	now := m.Now(ctx, t)
	key, _ := now.overall()
	if s, _ := t.State(); s == tenancy.Suspended && key != "down" {
		key = "suspended"
	}
	type window struct {
		From time.Time `json:"from"`
		To   time.Time `json:"to"`
		Text string    `json:"text"`
	}
	type day struct {
		Day   string `json:"day"`
		State string `json:"state"`
		Down  int    `json:"minutes_down"`
		Late  int    `json:"minutes_late"`
	}
	out := struct {
		Overall     string         `json:"overall"`
		Checked     time.Time      `json:"checked"`
		Parts       map[Part]State `json:"parts"`
		Maintenance []window       `json:"maintenance"`
		Days        []day          `json:"days"`
		Last        *Incident      `json:"last_incident"`
	}{Overall: key, Checked: now.At.UTC(), Parts: now.Parts, Maintenance: []window{}, Days: []day{}}
	for _, a := range m.Board.Coming(ctx, t) {
		out.Maintenance = append(out.Maintenance, window{a.Starts.UTC(), a.Ends.UTC(), a.Words(r.Lang())})
	}
	if now.Memory != nil {
		out.Last = now.Memory.Last
		for _, d := range now.Memory.Days {
			state := string(d.State())
			if !d.Seen {
				state = "unseen"
			}
			out.Days = append(out.Days, day{d.Date.Format(time.DateOnly), state, d.Down, d.Late})
		}
	}
	r.SetHeader("Cache-Control", "no-store")
	return r.JSON(200, out)
}
