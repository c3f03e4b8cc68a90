package operator

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/operator/view"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/tenants"
)

// folderPrefix tells the fields of the form with the folders from those of the other.
const folderPrefix = "folder_"

// newPage and open: /comuni/nuovo.
func (m *Module) newPage(r *web.Request) error {
	return m.newForm(r, 200, &Form{}, "", identity.Invitee{}, nil)
}

// newForm shows both forms; folder names what was chosen in the first, else it is
// the second that comes back.
func (m *Module) newForm(r *web.Request, code int, f *Form, folder string, admin identity.Invitee, wrong map[string]string) error {
	ctx := r.Ctx()
	folders, err := m.folders(ctx)
	if err != nil {
		return err
	}
	page := view.NewCommunePage{Side: Side(r, "/comuni/nuovo"), Folder: folder}
	for _, dir := range slices.Sorted(maps.Keys(folders)) {
		page.Folders = append(page.Folders, ui.Option{Value: dir, Label: folders[dir], Selected: dir == folder || len(folders) == 1})
	}
	values := map[string]string{"name": f.Name, "official_name": f.OfficialName, "slug": f.Slug, "ref_prefix": f.RefPrefix, "bfs": f.BFS,
		"first": f.First, "second": f.Second, "phone": f.Phone}
	for _, name := range []string{"name", "official_name", "slug", "ref_prefix", "bfs", "first", "second", "phone"} {
		in := ui.Input{Kind: ui.Text, Name: name, Label: i18n.T(ctx, "operator.field."+name), Value: values[name],
			Help: i18n.T(ctx, "operator.field."+name+"-help", "base", m.DB.Directory().Base()), Required: name != "official_name" && name != "bfs" && name != "phone"}
		if name == "first" {
			in.Help += " #0B5CA8"
		} else if name == "second" {
			in.Help += " #C8102E"
		}
		if key := wrong[name]; key != "" {
			in.Error = i18n.T(ctx, key)
		}
		page.FromForm = append(page.FromForm, in)
	}
	ofFolder, ofForm := admin, admin
	inFolder, inForm := wrong, wrong
	if folder != "" {
		ofForm, inForm = identity.Invitee{}, nil
	} else {
		ofFolder, inFolder = identity.Invitee{}, nil
	}
	page.FolderAdmin, page.FormAdmin = inviteeFields(ctx, folderPrefix, ofFolder, inFolder), inviteeFields(ctx, "", ofForm, inForm)
	if key := wrong["folder"]; key != "" {
		page.Problems = []ui.Problem{{Name: view.FolderName, Text: i18n.T(ctx, key)}}
	}
	return r.Page(code, i18n.T(ctx, "operator.open"), view.NewCommune(page))
}

// folders are the described communes that are not open yet.
func (m *Module) folders(ctx context.Context) (map[string]string, error) {
	all, err := m.DB.Directory().All(ctx)
	if err != nil {
		return nil, err
	}
	open := map[string]bool{}
	for _, t := range all {
		open[t.Slug()] = true
	}
	communes, err := tenants.Communes(m.FS)
	if err != nil {
		return nil, err
	}
	examples, err := tenants.Examples(m.FS)
	if err != nil {
		examples = nil // a deployment without examples
	}
	for _, n := range examples {
		communes = append(communes, "examples/"+n)
	}
	out := map[string]string{}
	for _, dir := range communes {
		f, err := site.ReadFolder(m.FS, dir)
		if err == nil && !open[f.Commune.Slug] {
			out[dir] = f.Profile.OfficialName
		}
	}
	return out, nil
}

func (m *Module) open(r *web.Request) error {
	form, err := r.Form()
	if err != nil {
		return err
	}
	ctx, by := r.Ctx(), r.Actor()
	folders, err := m.folders(ctx)
	if err != nil {
		return err
	}
	f := &Form{Slug: form.Get("slug"), Name: form.Get("name"), OfficialName: form.Get("official_name"), RefPrefix: form.Get("ref_prefix"),
		BFS: strings.TrimSpace(form.Get("bfs")), First: strings.TrimSpace(form.Get("first")), Second: strings.TrimSpace(form.Get("second")), Phone: strings.TrimSpace(form.Get("phone"))}
	var slug string
	var payload openPayload
	if form.Get(view.ModeName) == view.ModeFolder {
		dir, admin := form.Get(view.FolderName), inviteeOf(form.Get, folderPrefix)
		wrong := admin.Check()
		if _, ok := folders[dir]; !ok {
			wrong["folder"], dir = "operator.error.folder", cmp.Or(dir, "?")
		}
		if len(wrong) > 0 {
			return m.newForm(r, 422, &Form{}, dir, admin, wrong)
		}
		src, err := site.ReadFolder(m.FS, dir)
		if err != nil {
			return err
		}
		slug, payload = src.Commune.Slug, openPayload{Dir: dir, Admin: &admin}
	} else {
		admin, wrong := inviteeOf(form.Get, ""), f.check()
		maps.Copy(wrong, admin.Check())
		all, err := m.DB.Directory().All(ctx)
		if err != nil {
			return err
		}
		for _, t := range all {
			if t.Slug() == f.Slug {
				wrong["slug"] = "operator.error.taken"
			}
			if t.RefPrefix() == f.RefPrefix {
				wrong["ref_prefix"] = "operator.error.taken"
			}
		}
		if len(wrong) > 0 {
			return m.newForm(r, 422, f, "", admin, wrong)
		}
		slug, payload = f.Slug, openPayload{Form: f, Admin: &admin}
	}
	id, err := enqueueOpen(ctx, m.DB, slug, by.Name(), payload)
	if err != nil {
		return err
	}
	if err := m.Staff.Record(ctx, by, "operator.open", "commune:"+slug, "{}"); err != nil {
		return err
	}
	return r.Redirect("/lavori/" + id.String())
}
