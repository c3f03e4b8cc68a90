package forms

import (
	"net/http"

	"github.com/sportello-ticino/sportello/app/forms/view"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// meaningName is the button's name that forgets one answer; "" forgets all.
const meaningName = "risposta"

// answersPage is GET /area/risposte: what the person answered and will be offered
// again.
func (m *Module) answersPage(r *web.Request) error {
	ctx := r.Ctx()
	kept, err := m.keptAnswers(ctx, r.Actor())
	if err != nil {
		return err
	}
	page := view.AnswersPage{Action: "/area/risposte/elimina", ButtonName: meaningName}
	for _, meaning := range Meanings() {
		answer, known := kept[meaning]
		kind := kinds[answer.Kind]
		if !known || kind == nil {
			continue
		}
		field := &Field{Kind: answer.Kind, Parts: []string{"avs", "email", "phone"}}
		value, err := kind.Decode(field, answer.Value)
		if err != nil || value == nil {
			continue
		}
		page.Answers = append(page.Answers, view.KeptAnswer{
			Meaning: meaning, Title: i18n.T(ctx, "forms.reuse."+meaning), Value: kind.Show(field, value, r.Lang()),
			Note: i18n.T(ctx, "forms.kept.note", "day", i18n.LongDate(ctx, answer.AnsweredAt), "until", i18n.LongDate(ctx, answer.ExpiresAt)),
		})
	}
	return r.Page(http.StatusOK, i18n.T(ctx, "forms.kept.title"), view.Kept(page))
}

// forgetAnswers is POST /area/risposte/elimina.
func (m *Module) forgetAnswers(r *web.Request) error {
	typed, err := r.Form()
	if err != nil {
		return err
	}
	if err := m.forgetKept(r.Ctx(), r.Actor(), typed.Get(meaningName)); err != nil {
		return err
	}
	return r.Redirect("/area/risposte")
}
