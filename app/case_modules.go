package app

import (
	"context"
	"crypto/x509/pkix"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/cases"
	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/documents"
	seals "github.com/sportello-ticino/sportello/app/documents/providers/local"
	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/registers"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/scan"
)

// caseModules builds forms, documents and the cases that bring them together.
func (a *App) caseModules(register registers.PopulationRegister, perms *access.Access, scanner scan.Scanner) error {
	a.Forms = forms.New(forms.Deps{DB: a.DB, Clock: a.Clock, Services: a.Catalogue, People: register, Blobs: a.blobs, Scanner: scanner, Territory: a.territory, Mail: a.Notifications, URL: a.URL, Space: a.Quotas})
	a.Seals = seals.New(seals.Options{DB: a.DB, Clock: a.Clock, Generate: a.Config.Demo, Subject: a.sealSubject})
	a.Documents = documents.New(documents.Deps{DB: a.DB, Outbox: a.Outbox, Clock: a.Clock, Blobs: a.blobs, Seals: a.Seals, Sites: a.Sites, URL: a.URL, Log: a.Log})
	a.Cases = cases.New(cases.Deps{DB: a.DB, Outbox: a.Outbox, Access: perms, Sites: a.Sites, Clock: a.Clock, Texts: a.Texts, URL: a.URL,
		Notifications: a.Notifications, Catalogue: a.Catalogue, Registers: register, Payments: a.Payments.Service, Documents: a.Documents.Service,
		Uploads: a.Forms, Root: a.TenantsFS, Demo: a.Config.Demo})
	a.Forms.Submitter = a.Cases
	a.Catalogue.Drafts = a.Forms
	return nil
}

// territory is what the commune's data says of its land, for addresses, parcels
// and spots that must lie in it.
func (a *App) territory(ctx context.Context, t tenancy.Tenant) (forms.Territory, error) {
	face, err := a.Sites.Get(ctx, t)
	if err != nil {
		return forms.Territory{}, err
	}
	land := forms.Territory{Sections: face.LandSections, Extent: forms.Extent(face.Extent)}
	for _, p := range face.Places {
		land.Postcodes = append(land.Postcodes, p.Postcode)
	}
	return land, nil
}

// sealSubject is whose name a demo seal carries.
func (a *App) sealSubject(ctx context.Context, t tenancy.Tenant) (pkix.Name, error) {
	face, err := a.Sites.Get(ctx, t)
	if err != nil {
		return pkix.Name{}, err
	}
	return pkix.Name{CommonName: face.OfficialName, Organization: []string{face.OfficialName}, OrganizationalUnit: []string{"Dimostrazione"},
		Country: []string{"CH"}, Province: []string{"TI"}}, nil
}

// catalogueOptions say how a folder's services come in.
func (a *App) catalogueOptions(overwrite bool) catalogue.Options {
	return catalogue.Options{Overwrite: overwrite, Demo: a.Config.Demo, KeepDrafts: a.KeepDrafts, Now: a.Clock.Now()}
}
