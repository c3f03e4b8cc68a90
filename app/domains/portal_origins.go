package domains

import (
	"encoding/json"

	"github.com/sportello-ticino/sportello/app/web"
)

// relatedOrigins is /.well-known/webauthn on <slug>.<base>: which addresses may
// use what a browser keeps for that host (W3C WebAuthn Level 3, section 5.11,
// "Using Web Authentication across related origins"). It answers there alone, for
// that host is the relying party for ever.
func (m *Module) relatedOrigins(r *web.Request) error {
	t := r.Tenant()
	if r.Host() != t.Slug()+"."+m.DB.Directory().Base() {
		return web.NotFound()
	}
	origins, err := m.Origins(r.Ctx(), t)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string][]string{"origins": origins})
	if err != nil {
		return err
	}
	r.SetHeader("Cache-Control", "no-cache")
	return r.Raw("application/json", body)
}
