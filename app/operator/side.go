package operator

import (
	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// menu is the entity's console from top to bottom; the pages behind some
// entries belong to other modules.
var menu = []struct {
	key, url string
	action   access.Action
}{
	{"communes", "/comuni", ActionOpen},
	{"open", "/comuni/nuovo", ActionProvision},
	{"catalogue", "/catalogo", "catalogue.see"},
	{"bulletin", "/annunci", "bulletin.see"},
	{"support", "/assistenza", "support.see"},
	{"costs", "/costi", "costs.see"},
	{"projects", "/progetti", "projects.see"},
	{"processors", "/registri", "processors.see"},
	{"accesses", "/accessi", "access.review"},
	{"staff", "/personale", ActionStaffSee},
}

// Side is the menu of the entity's console, with what the actor may open.
func Side(r *web.Request, current string) []ui.Link {
	var out []ui.Link
	for _, e := range menu {
		if r.May(e.action) {
			out = append(out, ui.Link{Text: i18n.T(r.Ctx(), "operator.side."+e.key), URL: e.url, Current: e.url == current})
		}
	}
	return out
}
