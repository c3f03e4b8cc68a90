package preview

import (
	"context"
	"slices"

	catalogue "github.com/sportello-ticino/sportello/app/catalogue/view"
	home "github.com/sportello-ticino/sportello/app/home/view"
	status "github.com/sportello-ticino/sportello/app/status/view"
	"github.com/sportello-ticino/sportello/app/ui"
)

var languages = []ui.Language{{Code: "it", Name: "Italiano"}, {Code: "de", Name: "Deutsch"}, {Code: "fr", Name: "Français"}, {Code: "en", Name: "English"}}

// portal is the frame of a citizen's page.
func portal(user string) ui.Shell {
	return ui.Shell{
		Lang: "it", Langs: languages, Path: "/", CommuneName: "Città di Esempio", MarkURL: "/mark/rosso.svg", ThemeURL: "/theme/rosso.css",
		Variant: ui.Portal, Nav: []ui.Link{{Text: "Servizi", URL: "/servizi"}}, SignedIn: user != "", UserName: user, Search: true, Demo: true,
		Offices: []ui.Office{
			{Name: "Sportello del centro", Lines: []string{"Via della Posta 8", "lu, me, ve 07.30-12.00 e 13.30-17.00", "ma, gio 07.30-18.00"}},
			{Name: "Centralino", Lines: []string{"lu-ve 08.30-11.30 e 14.00-16.00"}, Phone: "+41 58 000 00 00"},
		},
		Links: []ui.Link{{Text: "Accessibilità", URL: "/accessibilita"}, {Text: "Protezione dei dati", URL: "/privacy"}, {Text: "Verificare un documento", URL: "/verifica"}, {Text: "Stato del servizio", URL: "/stato"}},
	}
}

// work is the frame of a page for people at work.
func work(variant ui.Variant, user string) ui.Shell {
	return ui.Shell{
		Lang: "it", Langs: languages, Path: "/ufficio", CommuneName: "Città di Esempio", MarkURL: "/mark/blu.svg", ThemeURL: "/theme/blu.css",
		Variant: variant, SignedIn: true, UserName: user, AccountURL: "/profilo", Search: variant == ui.Desk, SearchURL: "/ufficio", Demo: true,
		Links: []ui.Link{{Text: "Accessibilità", URL: "/accessibilita"}, {Text: "Stato del servizio", URL: "/stato"}}, Version: "0.1.0",
	}
}

func all(ctx context.Context) []sample {
	return slices.Concat(publicPages(), identityPages(), formPages(), areaPages(), deskPages(), consolePages(ctx), operatorPages())
}

func rows() []ui.Row {
	return []ui.Row{
		{Title: "Certificato di domicilio", URL: "/servizi/a", Fact: "Subito", Note: "Online CHF 10.00, metà della tariffa di sportello."},
		{Title: "Occupazione temporanea di suolo pubblico", URL: "/servizi/b", Fact: "10 giorni", Note: "Per trasloco, benna o elevatore."},
		{Title: "Contributo per l’abbonamento Arcobaleno", URL: "/servizi/c", Fact: "10 giorni", Note: "Domanda entro 6 mesi dall’acquisto."},
		{Title: "Cambiamento di indirizzo nel Comune", URL: "/servizi/d", Fact: "Subito", Note: "Entro 8 giorni dal trasloco. Gratuito."},
	}
}

func publicPages() []sample {
	events := []home.LifeEvent{}
	for _, e := range [][3]string{
		{"house", "Cambio casa", "Arrivo, partenza, nuovo indirizzo"}, {"stroller", "Aspetto un figlio", "Nascita, nido, aiuti alla famiglia"},
		{"backpack", "Scuola", "Iscrizioni, mensa, doposcuola"}, {"car", "Auto e posteggi", "Zona blu, autosili, multe"},
		{"buildings2", "Costruisco o rinnovo", "Licenze, notifiche, incentivi"}, {"briefcase", "Ho un’attività", "Esercizi pubblici, insegne, suolo"},
		{"hand-shake-heart", "Mi serve un aiuto", "Prestazioni sociali, AVS, LAPS"}, {"flower-petal-falling", "Un lutto", "Annuncio, sepoltura, documenti"},
	} {
		events = append(events, home.LifeEvent{Icon: e[0], Title: e[1], URL: "/servizi?evento=x", Text: e[2]})
	}
	first := home.HomePage{
		Popular:  []ui.Link{{Text: "Trasloco", URL: "/servizi?q=trasloco"}, {Text: "Posteggio", URL: "/servizi?q=posteggio"}, {Text: "Certificato di domicilio", URL: "/servizi?q=certificato"}},
		Services: rows(), ServiceCount: 134, Counted: true, Events: events,
		Audiences: []ui.Link{{Text: "Persone e famiglie", URL: "/servizi?pubblico=citizen", Count: "98"}, {Text: "Ditte", URL: "/servizi?pubblico=business", Count: "41"}, {Text: "Associazioni", URL: "/servizi?pubblico=association", Count: "17"}},
		Offices:   []ui.Link{{Text: "Sportello del centro – Servizi al cittadino (Controllo abitanti)", URL: "/servizi?ufficio=a", Count: "34"}, {Text: "Polizia comunale", URL: "/servizi?ufficio=b", Count: "22"}}, NoticesURL: "/avvisi",
		Notices: []ui.Row{{Title: "Sportelli chiusi martedì 8 dicembre", URL: "/avvisi", Fact: "20.11.2026", DateTime: "2026-11-20", Note: "Festa dell’Immacolata. I servizi online funzionano."}},
		Person:  &home.Person{Text: "Una consulente risponde in chat o in video.", Waiting: "circa 3 minuti", Until: "Oggi fino alle 18.00", AdviceURL: "/consulenza", AppointmentURL: "/appuntamento"},
	}
	quiet := first
	quiet.Person, quiet.Notices = nil, nil
	german := portal("")
	german.Lang = "de"
	root := portal("")
	root.CommuneName, root.ThemeURL, root.MarkURL, root.Variant, root.Offices = "Ente informatico", "/theme/verde.css", "/mark/verde.svg", ui.Bare, nil
	card := catalogue.ServicePage{
		Title: "Certificato di domicilio", Summary: "Attesta che lei è iscritta o iscritto nel Comune all’indirizzo indicato. È emesso subito, con i dati del registro degli abitanti.",
		ThemeTitle: "Certificati", ThemeURL: "/servizi?tema=certificati", Price: "CHF 10.00", PriceNote: "allo sportello CHF 20.00", DemoFee: true,
		When: "Subito", Effort: "Circa 3 minuti", StartURL: "/servizi/a/avvia", StartNote: "Le chiediamo di accedere. I dati del registro sono già compilati.",
		Who: "Ogni persona domiciliata nel Comune. Può chiederlo anche per:", WhoList: []string{"una figlia o un figlio minorenne;", "una persona che rappresenta, con una delega attiva."},
		NeedsNote: "Un accesso con identità verificata.", Needs: []string{"documento d’identità;", "contratto di locazione."}, NeedsLink: &ui.Link{Text: "Come verificare l’identità", URL: "/accedi/aiuto"},
		Fees: []ui.Answer{{Question: "Online", Values: []string{"CHF 10.00"}}, {Question: "Allo sportello", Values: []string{"CHF 20.00"}}}, FeesNote: "Può pagare con TWINT, PostFinance, Visa, Mastercard.",
		Time: "Il documento è pronto appena ha pagato. Nessuno deve controllarlo a mano.", Result: "Un PDF con sigillo elettronico nella sua area personale. Chi lo riceve può", ResultLink: &ui.Link{Text: "controllare che sia autentico", URL: "/verifica"},
		Office:     catalogue.Office{Name: "Servizi al cittadino", Lines: []string{"Via della Posta 8"}, Phone: "+41 58 000 00 00", Email: "sportello@comune.example"},
		LegalBasis: []string{"LArRa (RS 431.02)", "Ordinanza municipale sulle tasse di cancelleria"}, Remedy: "Contro la tassa: reclamo al Municipio entro 30 giorni.",
	}
	closed := card
	closed.Closed, closed.OnlyItalian = "Il Comune deve ancora confermare la tariffa. Può chiedere il certificato allo sportello.", true
	themes := []ui.Link{{Text: "Tutti", URL: "/servizi", Count: "134", Current: true}, {Text: "Certificati e attestazioni", URL: "/servizi?tema=a", Count: "12"}, {Text: "Casa e territorio", URL: "/servizi?tema=b", Count: "21"}}
	found := rows()[:1]
	found[0].Marks = []ui.Mark{{Text: "Certificato di "}, {Text: "domicilio", Found: true}}
	narrow := catalogue.Narrow{Query: "domicilio", Open: true, Fields: []ui.Input{
		{Kind: ui.Select, Name: "evento", Label: "Che cosa cambia", EmptyOption: "Tutti", Options: []ui.Option{{Value: "casa", Label: "Cambio casa"}}},
		{Kind: ui.Select, Name: "pubblico", Label: "Per chi", EmptyOption: "Tutti", Value: "business", Options: []ui.Option{{Value: "business", Label: "Ditte"}}},
	}, Boxes: []catalogue.Box{{Name: "online", Label: "Si chiede online", On: true}, {Name: "gratis", Label: "Gratuito"}},
		Set: []ui.Link{{Text: "Ditte", URL: "/servizi?q=domicilio&online=1"}, {Text: "Si chiede online", URL: "/servizi?q=domicilio&pubblico=business"}}}
	counted := card
	counted.Usual, counted.UsualNote = "3 giorni lavorativi", "Almeno la metà delle 23 richieste degli ultimi 90 giorni ha avuto risposta entro questo tempo."
	counted.Left = []catalogue.Left{{Label: "Settore Molino Nuovo", Text: "38 posti liberi su 562", Share: 7}, {Label: "Credito 2026", Text: "Credito residuo CHF 41'335.00 su CHF 120'000.00", Share: 34, Waiting: "12 persone in attesa"}}
	return []sample{
		{"home", "", portal(""), home.Home(first)},
		{"home-quieta", "", portal("Anna Esempio"), home.Home(quiet)},
		{"home-de", "", german, home.Home(first)},
		{"scelta", "Scelga il suo Comune", root, home.Chooser(home.ChooserPage{Communes: []home.Commune{
			{Name: "Città di Esempio", URL: "http://a/", MarkURL: "/mark/rosso.svg", Note: "6900"}, {Name: "Comune di Prova", URL: "http://b/", MarkURL: "/mark/blu.svg"}, {Name: "Città di Saggio", URL: "http://c/", MarkURL: "/mark/verde.svg", Note: "sospeso"}}})},
		{"servizi", "Servizi", portal(""), catalogue.List(catalogue.ListPage{Themes: themes, Count: 134, Groups: []catalogue.Group{{ID: "t1", Title: "Certificati e attestazioni", Rows: rows()}, {ID: "t2", Title: "Casa e territorio", Rows: rows()}}})},
		{"servizi-cerca", "Servizi", portal(""), catalogue.List(catalogue.ListPage{Query: "domicilo", Instead: "domicilio", Themes: themes, Narrow: narrow, Count: 1, Groups: []catalogue.Group{{Rows: found}}})},
		{"servizi-vuoto", "Servizi", portal(""), catalogue.List(catalogue.ListPage{Query: "xyz", Themes: themes, Empty: &catalogue.Empty{Near: rows()[:1], Phone: "+41 58 000 00 00", Report: "xyz"}})},
		{"servizi-filtro-vuoto", "Servizi", portal(""), catalogue.List(catalogue.ListPage{Query: "xyz", Reported: true, Themes: themes, Narrow: narrow, Empty: &catalogue.Empty{Without: &ui.Link{Text: "3 servizi senza filtri", URL: "/servizi?q=x"}, Phone: "+41 58 000 00 00"}})},
		{"servizio-resto", "Contrassegno zona blu", portal(""), catalogue.Service(counted)},
		{"incorpora-ricerca", "Servizi online", portal(""), catalogue.EmbeddedSearch(catalogue.EmbeddedSearchPage{Commune: "Città di Esempio", Action: "/servizi", Often: []ui.Link{{Text: "Certificato di domicilio", URL: "/servizi/a"}, {Text: "Zona blu", URL: "/servizi/b"}}})},
		{"incorpora-scheda", "Certificato di domicilio", portal(""), catalogue.EmbeddedCard(catalogue.EmbeddedCardPage{Commune: "Città di Esempio", Title: "Certificato di domicilio", Summary: "Attesta che lei abita qui.", URL: "/servizi/a", Facts: []ui.Fact{{Term: "Online", Value: "CHF 10.00", Price: true}, {Term: "Quando lo riceve", Value: "Subito"}}})},
		{"servizio", "Certificato di domicilio", portal(""), catalogue.Service(card)},
		{"servizio-chiuso", "Certificato di domicilio", portal(""), catalogue.Service(closed)},
		{"errore-404", "Questa pagina non c’è", portal(""), ui.ErrorPage(ui.Failure{Kind: "404", RequestID: "01JD3K7Q"})},
		{"errore-500", "Qualcosa non ha funzionato", portal(""), ui.ErrorPage(ui.Failure{Kind: "500", RequestID: "01JD3K7Q", Phone: "+41 58 000 00 00"})},
		{"errore-ignoto", "Questa pagina non c’è", ui.Shell{Variant: ui.Bare, ThemeURL: "/theme/verde.css"}, ui.ErrorPage(ui.Failure{Kind: "404", Bare: true})},
		{"sospeso", "Sospeso", root, ui.SuspendedPage(ui.Closed{CommuneName: "Esempio", Until: "martedì 24 novembre 2026 alle 07.00", Reason: "Lavori alla rete.", Phone: "+41 58 000 00 00"})},
		{"articolo", "Accessibilità", portal(""), home.Article(home.ArticlePage{Title: "Accessibilità", Lead: "Questo sportello è per tutte le persone.", Sections: []home.Section{{Title: "Che cosa garantiamo", Text: []string{"Le pagine funzionano da tastiera."}, List: []string{"a 320 pixel;", "senza JavaScript."}, Links: []ui.Link{{Text: "Segnalare un ostacolo", URL: "/servizi"}}}}})},
		{"stato", "Stato del servizio", portal(""), status.Status(status.Page{Title: "Stato del servizio", DaysText: "88 giorni senza problemi, 1 con ritardi, 1 con interruzioni.", Last: "Ultima interruzione: Pagamenti.", Days: []status.Day{{Kind: "works", Title: "20.11.2026: nessun problema"}, {Kind: "late", Title: "21.11.2026: in ritardo"}, {Kind: "down", Title: "22.11.2026: interruzione"}, {Kind: "unseen", Title: "23.11.2026: non osservato"}}, Overall: ui.State{Tone: ui.Success, Text: "Funziona tutto"}, Checked: "22.11.2026, ore 09.40", Parts: []ui.Row{{Title: "Portale", State: &ui.State{Tone: ui.Success, Text: "Funziona"}}, {Title: "Pagamenti", State: &ui.State{Tone: ui.Warning, Text: "Rallentati"}, Note: "Le conferme arrivano con qualche minuto di ritardo."}}})},
	}
}
