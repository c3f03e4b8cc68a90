package preview

import (
	"context"

	console "github.com/sportello-ticino/sportello/app/console/view"
	home "github.com/sportello-ticino/sportello/app/home/view"
	operator "github.com/sportello-ticino/sportello/app/operator/view"
	"github.com/sportello-ticino/sportello/app/ui"
)

func consolePages(ctx context.Context) []sample {
	admin := work(ui.Console, "Livia Modello")
	side := func(current string) []ui.Link {
		links := []ui.Link{{Text: "Panoramica", URL: "/console"}, {Text: "Servizi", URL: "/console/servizi", Count: "128"}, {Text: "Colori e nome", URL: "/console/colori"}, {Text: "Conto per i pagamenti", URL: "/console/pagamenti"}, {Text: "Registro delle operazioni", URL: "/console/registro"}}
		for i := range links {
			links[i].Current = links[i].URL == current
		}
		return links
	}
	log := ui.Grid{Caption: "Operazioni", Columns: []ui.Column{{Title: "Quando", Label: "Quando"}, {Title: "Chi", Label: "Chi"}, {Title: "Che cosa"}, {Title: "Su che cosa", Label: "Su"}},
		Rows: [][]ui.Cell{{{Text: "22.11.2026, 09.14", Num: true}, {Text: "Livia Modello"}, {Text: "Tariffa confermata", Strong: true, Small: "CHF 10.00"}, {Text: "certificato-domicilio"}}, {{Text: "22.11.2026, 09.10", Num: true}, {Text: "Sistema"}, {Text: "Documento emesso", Strong: true}, {Text: "ESE-2026-3F8Q-K"}}}}
	edit := console.FormPage{Side: side("/console/servizi"), Crumbs: []ui.Link{{Text: "Servizi", URL: "/console/servizi"}, {Text: "Certificato di domicilio"}}, Title: "Certificato di domicilio", State: &ui.State{Tone: ui.Success, Text: "Attivo"}, Action: "/x", BackURL: "/console/servizi",
		Groups: []console.Group{{Title: "Offerta", Fields: []ui.Input{{Kind: ui.YesNo, Name: "on", Label: "Il servizio è attivo", Value: "true", Required: true}, {Kind: ui.Select, Name: "office", Label: "Ufficio", Required: true, Options: []ui.Option{{Value: "a", Label: "Controllo abitanti"}}, Value: "a"}}},
			{Title: "Tariffa", Note: "Finché non la conferma, la tariffa è dimostrativa.", Fields: []ui.Input{{Kind: ui.Money, Name: "fee", Label: "Tariffa online", Value: "10.00", Required: true, Error: "Scriva un importo, per esempio 10.00"}, {Kind: ui.Declaration, Name: "ok", Label: "Confermo che la tariffa corrisponde all’ordinanza.", Required: true}}}},
		Facts: []ui.Fact{{Term: "Versione", Value: "3"}, {Term: "Pratiche quest’anno", Value: "1'204"}}, Fees: []ui.Answer{{Question: "1 certificato", Values: []string{"CHF 10.00"}}, {Question: "Totale", Values: []string{"CHF 10.00"}, Strong: true}}, FeesNote: "regola tassa, versione 2"}
	account := console.FormPage{Side: side("/console/pagamenti"), Title: "Conto per i pagamenti", Intro: "Gli incassi vanno direttamente al Comune.", State: &ui.State{Tone: ui.Warning, Text: "Conto di prova"}, Action: "/x", Notice: "Conto salvato.",
		Groups: []console.Group{{Title: "PostFinance Checkout", Fields: []ui.Input{{Kind: ui.Text, Name: "space", Label: "Numero dello spazio", Value: "10042", Required: true, Size: 12}, {Kind: ui.Text, Name: "user", Label: "Numero dell’utente", Value: "512", Required: true, Size: 12}, {Kind: ui.Password, Name: "key", Label: "Chiave", Help: "Una chiave è salvata. La scriva solo per cambiarla.", Autocomplete: "off"}}}, {Title: "Conto bancario", Fields: []ui.Input{{Kind: ui.Text, Name: "iban", Label: "IBAN", Value: "CH93 0076 2011 6238 5295 7", Required: true}}}},
		Extra:  []console.Button{{Text: "Provare il collegamento", Help: "Facciamo una domanda al fornitore, senza movimenti di denaro.", URL: "/prova"}}}
	invalid := admin
	invalid.Invalid = true
	return []sample{
		{"console", "Panoramica", admin, console.Overview(console.OverviewPage{Side: side("/console"), Tasks: []ui.Task{{Title: "Due tariffe da confermare", Text: "Fuori dalla dimostrazione i servizi non si possono pubblicare.", Action: ui.Link{Text: "Confermare le tariffe", URL: "/t"}}}, Tiles: []ui.Tile{{Value: "12", Label: "servizi attivi", URL: "/a"}, {Value: "204", Label: "pratiche questa settimana"}, {Value: "CHF 2'040.00", Label: "incassati questa settimana"}}, Recent: log})},
		{"console-incorpora", "Sportello negli altri siti", admin, console.Embed(console.EmbedPage{Side: side("/console/incorpora"), Action: "/console/incorpora",
			Origins: ui.Input{Kind: ui.Textarea, Name: console.OriginsName, Label: "Siti che possono mostrare la ricerca e le schede", Help: "Un indirizzo per riga.", Value: "https://www.comune.example", Rows: 4},
			Pieces:  []console.Piece{{ID: "semplice", Title: "Campo di ricerca semplice", Text: "È solo un formulario HTML.", Code: "<form action=\"https://sportello.example/servizi\">…</form>"}},
			Service: ui.Input{Kind: ui.Select, Name: console.ServiceName, Label: "Servizio da mostrare", Options: []ui.Option{{Value: "a", Label: "Certificato di domicilio"}}},
			Card:    &console.Piece{ID: "scheda", Title: "Scheda di un servizio", Text: "Mostra prezzo e tempi di oggi.", Code: "<iframe src=\"https://sportello.example/incorpora/servizio/a\"></iframe>"}})},
		{"console-parole", "Parole cercate", admin, console.Words(console.WordsPage{Side: side("/console/parole"), Grid: ui.Grid{Caption: "Parole cercate", Columns: []ui.Column{{Title: "Parole"}, {Title: "Volte", Label: "Volte", Num: true}}, Rows: [][]ui.Cell{{{Text: "astronave", Strong: true}, {Text: "12", Num: true}}}}})},
		{"console-parole-vuoto", "Parole cercate", admin, console.Words(console.WordsPage{Side: side("/console/parole")})},
		{"console-modulo-errore", "Certificato di domicilio", invalid, console.PaymentAccount(edit)},
		{"console-conto", "Conto per i pagamenti", admin, console.PaymentAccount(account)},
		{"console-registro", "Registro", admin, console.Audit(console.AuditPage{Side: side("/console/registro"), Filters: []ui.Input{{Kind: ui.Text, Name: "chi", Label: "Persona"}, {Kind: ui.Date, Name: "dal", Label: "Dal"}}, Grid: log, Chain: ui.State{Tone: ui.Success, Text: "Catena integra"}, Checked: "2'310 operazioni, controllate il 22.11.2026", Pager: ui.Pager{From: 1, To: 2, Total: 2310, NextURL: "?p=2"}})},
		{"marchio", "Colori e nome", admin, console.Brand(brandPage(ctx, side("/console/colori"), "#0072BC", "#14324F", "blu"))},
		{"marchio-rifiutato", "Colori e nome", invalid, console.Brand(brandPage(ctx, side("/console/colori"), "#ffd800", "#14324F", "chiaro"))},
	}
}

// brandPage shows a choice the way the console does.
func brandPage(ctx context.Context, side []ui.Link, first, second, preview string) console.BrandPage {
	p := console.BrandPage{Side: side, CommuneName: "Città di Esempio", MarkURL: "/mark/blu.svg", First: first, Second: second, Subtitle: "Sportello online", PreviewURL: "/preview/" + preview + ".css"}
	p.Judge(ctx)
	return p
}

func operatorPages() []sample {
	staff := work(ui.Operator, "Nora Modello")
	staff.CommuneName, staff.ThemeURL, staff.MarkURL = "Ente informatico", "/theme/verde.css", "/mark/verde.svg"
	side := []ui.Link{{Text: "Comuni", URL: "/comuni", Current: true, Count: "5"}, {Text: "Lavori", URL: "/lavori"}, {Text: "Registro", URL: "/registro"}}
	healthy, suspended := ui.State{Tone: ui.Success, Text: "In salute"}, ui.State{Tone: ui.Warning, Text: "Sospeso"}
	grid := ui.Grid{Caption: "Stato dei Comuni", Columns: []ui.Column{{Title: "Comune"}, {Title: "Salute"}, {Title: "Schema", Label: "Schema"}, {Title: "Stato"}, {Title: "Pratiche oggi", Label: "Pratiche oggi", Num: true}, {Title: "Conti", Label: "Conti", Num: true}},
		Rows: [][]ui.Cell{
			{{Text: "Città di Esempio", URL: "/comuni/a", MarkURL: "/mark/rosso.svg", Small: "esempio.sportello.example"}, {State: &healthy}, {Text: "2026112210", Num: true}, {Text: "attivo"}, {Text: "214", Num: true}, {Text: "2'143", Num: true}},
			{{Text: "Comune di Prova", URL: "/comuni/b", MarkURL: "/mark/blu.svg", Small: "prova.sportello.example"}, {State: &suspended}, {Text: "2026112210", Num: true}, {Text: "sospeso"}, {Text: "0", Num: true}, {Text: "318", Num: true}},
		}}
	invalid := staff
	invalid.Invalid = true
	running := staff
	running.Refresh = 3
	steps := []ui.Moment{{Title: "Ruolo e schema", Done: true, When: "09.14.02"}, {Title: "Tabelle", Now: true, When: "09.14.03"}, {Title: "Catalogo dei servizi"}, {Title: "Persone e ruoli"}}
	return []sample{
		{"ente", "Comuni", staff, operator.Communes(operator.CommunesPage{Side: side, Title: "Cinque Comuni", Now: "domenica 22 novembre 2026, 09.40", Tiles: []ui.Tile{{Value: "5", Label: "Comuni"}, {Value: "612", Label: "pratiche ieri"}, {Value: "99.97 %", Label: "disponibilità, 30 giorni"}}, Grid: grid, NewURL: "/comuni/nuovo"})},
		{"ente-nuovo", "Aprire un Comune", invalid, operator.NewCommune(operator.NewCommunePage{Side: side, Folders: []ui.Option{{Value: "saggio", Label: "Città di Saggio", Help: "12 servizi, 8 uffici"}}, FromForm: []ui.Input{{Kind: ui.Text, Name: "name", Label: "Nome ufficiale", Required: true, Error: "Scriva il nome, per esempio Comune di Saggio"}, {Kind: ui.Text, Name: "slug", Label: "Nome nell’indirizzo", Help: "Solo lettere minuscole e trattini.", Required: true}, {Kind: ui.Number, Name: "bfs", Label: "Numero UST", Required: true}, {Kind: ui.Many, Name: "langs", Label: "Lingue", Required: true, Options: []ui.Option{{Value: "it", Label: "Italiano", Selected: true}, {Value: "de", Label: "Tedesco"}}}}})},
		{"ente-lavoro", "Apertura", running, operator.Job(operator.JobPage{Side: side, Title: "Apertura della Città di Saggio", State: ui.State{Tone: ui.Info, Text: "In corso"}, Percent: 40, Running: true, Steps: steps, Elapsed: "2 secondi"})},
		{"ente-lavoro-fallito", "Apertura", staff, operator.Job(operator.JobPage{Side: side, Title: "Apertura della Città di Saggio", State: ui.State{Tone: ui.Danger, Text: "Non riuscita"}, Percent: 40, Steps: steps, Failure: "Il server dei dati non risponde.", RetryURL: "/x"})},
		{"ente-comune", "Comune di Prova", staff, operator.Commune(operator.CommunePage{Side: side, Name: "Comune di Prova", DeskURL: "http://prova/", State: healthy, Tiles: []ui.Tile{{Value: "41", Label: "pratiche oggi"}, {Value: "318", Label: "conti"}}, Facts: []ui.Fact{{Term: "Indirizzo", Value: "prova.sportello.example"}, {Term: "Schema", Value: "2026112210", Num: true}, {Term: "Aperto il", Value: "22.11.2026"}}, SuspendURL: "/x", Suspend: []ui.Input{{Kind: ui.Textarea, Name: "reason", Label: "Motivo", Rows: 2, Required: true}, {Kind: ui.Date, Name: "until", Label: "Fino al"}}, History: []ui.Moment{{Title: "Aperto", When: "22.11.2026, 09.14", Done: true}}})},
		{"ente-sospeso", "Comune di Prova", staff, operator.Commune(operator.CommunePage{Side: side, Name: "Comune di Prova", DeskURL: "http://prova/", State: suspended, ResumeURL: "/x", Facts: []ui.Fact{{Term: "Indirizzo", Value: "prova.sportello.example"}}})},
		{"devmail", "Posta", portal(""), home.DevMail(home.MailPage{Rows: []ui.Row{{Title: "Il suo documento è pronto", URL: "/dev/mail/1", Fact: "09.14", Note: "a anna.esempio@posta.example"}}})},
		{"devmail-messaggio", "Messaggio", portal(""), home.DevLetter(home.LetterPage{Subject: "Il suo documento è pronto", From: "Città di Esempio <sportello@esempio.example>", To: "anna.esempio@posta.example", When: "22.11.2026, ore 09.14", Text: []string{"Gentile signora Esempio,", "il certificato di domicilio è nella sua area personale.\nhttp://esempio.localhost:8080/area/documenti/3f2b1c00-0000-4000-8000-000000000000"}, Links: []ui.Link{{Text: "http://esempio.localhost:8080/area/documenti/3f2b1c00-0000-4000-8000-000000000000", URL: "/area"}}, ListURL: "/dev/mail"})},
	}
}
