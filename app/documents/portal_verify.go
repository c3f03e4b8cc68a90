package documents

import (
	"io"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/sportello-ticino/sportello/app/documents/view"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// verifyPage is /verifica; with a code it leads to the verdict's own address.
func (m *Module) verifyPage(r *web.Request) error {
	typed := strings.TrimSpace(r.Query(view.CodeName))
	if typed == "" {
		return m.form(r, http.StatusOK, view.VerifyPage{})
	}
	code, ok := parseCode(typed)
	if !ok {
		return m.form(r, http.StatusUnprocessableEntity, view.VerifyPage{Code: typed, CodeError: i18n.T(r.Ctx(), "documents.error.code")})
	}
	return r.Redirect("/v/" + code)
}

func (m *Module) form(r *web.Request, status int, p view.VerifyPage) error {
	return r.Page(status, i18n.T(r.Ctx(), "verify.title"), view.Verify(p))
}

// verdict is /v/{code}, where the QR code leads.
func (m *Module) verdict(r *web.Request) error {
	v, err := m.Verify(r.Ctx(), r.Tenant(), r.Param("code"))
	if err != nil {
		return err
	}
	shown := r.Param("code")
	if code, ok := parseCode(shown); ok {
		shown = Grouped(code)
	}
	return m.answer(r, v, shown, false)
}

// verifyFile compares an uploaded file with what was issued. It is not kept.
func (m *Module) verifyFile(r *web.Request) error {
	if _, err := r.Form(); err != nil {
		return err
	}
	bad := func(key string) error {
		return m.form(r, http.StatusUnprocessableEntity, view.VerifyPage{FileError: i18n.T(r.Ctx(), key)})
	}
	files := r.Files(view.FileName)
	if len(files) == 0 || files[0].Size == 0 {
		return bad("documents.error.file")
	}
	if files[0].Size > maxFile {
		return bad("documents.error.large")
	}
	data, err := read(files[0])
	if err != nil {
		return bad("documents.error.file")
	}
	v, err := m.VerifyFile(r.Ctx(), r.Tenant(), data)
	if err != nil {
		return err
	}
	code := ""
	if v.Paper.Code != "" {
		code = Grouped(v.Paper.Code)
	}
	return m.answer(r, v, code, true)
}

func read(h *multipart.FileHeader) ([]byte, error) {
	f, err := h.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

// answer shows the verdict. It tells what was issued, never to whom.
func (m *Module) answer(r *web.Request, v Verdict, code string, byFile bool) error {
	ctx := r.Ctx()
	page := view.VerdictPage{Outcome: v.Outcome, CommuneName: r.Site().OfficialName, Code: code, ByFile: byFile, Phone: r.Site().TownHall["phone"]}
	if p := v.Paper; p.Code != "" && v.Outcome != view.Altered {
		say := func(key, value string, num bool) {
			if value != "" {
				page.Answers = append(page.Answers, ui.Answer{Question: i18n.T(ctx, "documents.verdict."+key), Values: []string{value}, Num: num})
			}
		}
		say("kind", p.Title, false)
		say("code", Grouped(p.Code), true)
		say("issued", i18n.DateTime(ctx, p.IssuedAt), true)
		if p.ValidUntil != nil {
			say("valid-until", i18n.Date(*p.ValidUntil), true)
		}
		if p.RevokedAt != nil {
			say("revoked", i18n.Date(*p.RevokedAt), true)
		}
		office := r.Site().Office(p.Office)
		say("office", office.Name, false)
		say("seal", commonName(p.SealedBy), false)
		if office.Phone != "" {
			page.Phone = office.Phone
		}
		page.Hash = inGroups(p.SHA256)
	}
	status := http.StatusOK
	if v.Outcome == view.Unknown && !byFile {
		status = http.StatusNotFound
	}
	return r.Page(status, i18n.T(ctx, "verify."+string(v.Outcome)+".title"), view.Verdict(page))
}

// commonName takes the name out of a certificate's subject, "CN=…,O=…".
func commonName(subject string) string {
	for part := range strings.SplitSeq(subject, ",") {
		if name, ok := strings.CutPrefix(part, "CN="); ok {
			return name
		}
	}
	return subject
}

func inGroups(hash string) string {
	var parts []string
	for i := 0; i < len(hash); i += 4 {
		parts = append(parts, hash[i:min(i+4, len(hash))])
	}
	return strings.Join(parts, " ")
}
