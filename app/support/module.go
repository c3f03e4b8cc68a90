package support

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// The actions of this module.
const (
	ActionOwn    access.Action = "support.own"
	ActionSee    access.Action = "support.see"
	ActionAnswer access.Action = "support.answer"
	ActionTimes  access.Action = "support.times"
)

// Module serves both sides.
type Module struct{ *Service }

// Mount adds the routes.
func (m *Module) Mount(r *web.Router) {
	c, o := r.Console, r.Operator
	c.GET("/assistenza", ActionOwn, m.own)
	c.POST("/assistenza", ActionOwn, m.ask)
	c.GET("/assistenza/:request", ActionOwn, m.ownOne)
	c.POST("/assistenza/:request", ActionOwn, m.reply)
	o.GET("/assistenza", ActionSee, m.all)
	o.POST("/assistenza/tempi", ActionTimes, m.setTimes)
	o.GET("/assistenza/:request", ActionSee, m.one)
	o.POST("/assistenza/:request", ActionAnswer, m.answer)
}

func stateOf(ctx context.Context, r Request, now time.Time) *ui.State {
	if r.Overdue(now) {
		return &ui.State{Tone: ui.Danger, Text: i18n.T(ctx, "support.state.late")}
	}
	tone := map[string]ui.Tone{Open: ui.Warning, Answered: ui.Info, Solved: ui.Success}[r.State]
	return &ui.State{Tone: tone, Text: i18n.T(ctx, "support.state."+r.State)}
}

func chat(ctx context.Context, list []Message, entity bool) []ui.Message {
	var out []ui.Message
	for _, m := range list {
		out = append(out, ui.Message{Text: m.Text, Mine: m.Entity == entity, From: m.Author + ", " + i18n.DateTime(ctx, m.At)})
	}
	return out
}

func facts(ctx context.Context, r Request) []ui.Fact {
	fact := func(key, value, note string) ui.Fact {
		return ui.Fact{Term: i18n.T(ctx, "support.fact."+key), Value: value, Note: note}
	}
	moment := func(t *time.Time) string {
		if t == nil {
			return "–"
		}
		return i18n.DateTime(ctx, *t)
	}
	agreed := func(t time.Time) string { return i18n.T(ctx, "support.fact.agreed", "when", i18n.DateTime(ctx, t)) }
	return []ui.Fact{fact("priority", i18n.T(ctx, "support.priority."+r.Priority), ""), fact("by", r.By, i18n.DateTime(ctx, r.At)),
		fact("first", moment(r.FirstAnswer), agreed(r.FirstDue)), fact("solved", moment(r.Solved), agreed(r.SolveDue))}
}

func words(ctx context.Context, typed url.Values, wrong string) ui.Input {
	return ui.Input{Kind: ui.Textarea, Name: "text", Label: i18n.T(ctx, "support.field.text"), Value: typed.Get("text"), Rows: 5, MaxLength: 5000, Required: true, Error: wrong}
}

// hours writes a working time: "2 ore", "45 minuti".
func hours(ctx context.Context, d time.Duration) string {
	if d < time.Hour {
		return i18n.T(ctx, "support.minutes", "n", int(d.Minutes()))
	}
	return i18n.T(ctx, "support.hours", "n", strconv.FormatFloat(d.Hours(), 'f', 1, 64))
}

func share(part, whole int) string {
	if whole == 0 {
		return "–"
	}
	return fmt.Sprintf("%d %%", (100*part+whole/2)/whole)
}

func idOf(r *web.Request) (uuid.UUID, error) {
	id, err := uuid.Parse(r.Param("request"))
	if err != nil {
		return id, web.NotFound()
	}
	return id, nil
}

// refused is the sentence of an input that was refused, "" for other errors.
func refused(r *web.Request, err error) string {
	var p *problem.Error
	if errors.As(err, &p) && p.Kind == problem.KindInvalid {
		return r.Words(p)
	}
	return ""
}
