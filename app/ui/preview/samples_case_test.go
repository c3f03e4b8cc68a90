package preview

import (
	cases "github.com/sportello-ticino/sportello/app/cases/view"
	documents "github.com/sportello-ticino/sportello/app/documents/view"
	payments "github.com/sportello-ticino/sportello/app/payments/view"
	"github.com/sportello-ticino/sportello/app/ui"
)

var (
	waits  = ui.State{Tone: ui.Warning, Text: "Aspetta lei"}
	inWork = ui.State{Tone: ui.Info, Text: "In esame"}
	done   = ui.State{Tone: ui.Success, Text: "Conclusa"}
	late   = ui.State{Tone: ui.Danger, Text: "In ritardo"}
)

func history() []ui.Moment {
	return []ui.Moment{
		{Title: "Decisione", Text: "Entro 10 giorni lavorativi dalla risposta."},
		{Title: "Manca un documento", When: "venerdì 20.11.2026, 10.42", DateTime: "2026-11-20T10:42:00+01:00", Text: "La signora Saggio le chiede lo schizzo del posto. Il termine si ferma.", Now: true},
		{Title: "Presa in esame", When: "mercoledì 18.11.2026, 08.15", DateTime: "2026-11-18T08:15:00+01:00", Text: "Se ne occupa Rita Saggio, Polizia comunale.", Done: true},
		{Title: "Inoltrata", When: "lunedì 16.11.2026, 21.07", DateTime: "2026-11-16T21:07:00+01:00", Text: "Ha ricevuto la", Link: &ui.Link{Text: "conferma di ricezione.", URL: "/area/documenti"}, Done: true},
	}
}

func answers() []cases.Section {
	return []cases.Section{{Title: "Luogo e giorni", Answers: []ui.Answer{{Question: "Dove", Values: []string{"Via Esempio 3"}}, {Question: "Quando", Values: []string{"dal 05.12.2026 al 07.12.2026"}}, {Question: "Superficie", Values: []string{"12 m²"}}}}}
}

func decision() *cases.Decision {
	return &cases.Decision{Tone: ui.Success, Title: "La domanda è accolta", Number: "2026-184", Date: "24.11.2026", Reasons: []string{"Il posto chiesto è libero e il passaggio resta garantito."},
		Conditions: []string{"Lasci libero il marciapiede per 1,5 m.", "Sgomberi entro le 18.00 dell’ultimo giorno."}, LegalBasis: []string{"Legge organica comunale", "Ordinanza municipale sul suolo pubblico"},
		Remedy: "Può ricorrere al Consiglio di Stato entro 30 giorni dalla notifica.", Document: &ui.Link{Text: "Decisione (PDF con sigillo, 61 KB)", URL: "/area/documenti/1"}}
}

func areaPages() []sample {
	user := portal("Anna Esempio")
	long := portal("Fondazione Maria Antonietta Bernasconi-Quadri")
	long.CommuneName, long.Lang = "Comune di Centovalli-Onsernone", "de"
	papers := []ui.Row{{Title: "Certificato di domicilio", URL: "/area/documenti/1", Fact: "23.11.2026", DateTime: "2026-11-23", Note: "PDF con sigillo, 84 KB"}, {Title: "Autorizzazione di posteggio", URL: "/area/documenti/2", State: &ui.State{Tone: ui.Danger, Text: "Revocato"}, Note: "PDF con sigillo, 61 KB"}}
	open := []ui.Row{{Title: "Occupazione temporanea di suolo pubblico", URL: "/area/pratiche/a", State: &waits, Ref: "ESE-2026-7K2M-4", Note: "inoltrata il 16.11.2026"}, {Title: "Contrassegno annuale per la zona blu", URL: "/area/pratiche/b", State: &inWork, Ref: "ESE-2026-9TWC-2", Note: "Lei è al posto 4 della lista."}}
	drafts := []ui.Row{{Title: "Cambiamento di indirizzo nel Comune", URL: "/bozza", Fact: "passo 2 di 4", Note: "La conserviamo fino al 22.12.2026."}}
	base := cases.CasePage{Ref: "ESE-2026-7K2M-4", Title: "Occupazione temporanea di suolo pubblico", State: waits, Timeline: history(), Sections: answers(), Withdraw: "/ritiro",
		Documents: []ui.Row{{Title: "contratto.pdf", URL: "/f", Fact: "412 KB"}}, Messages: []ui.Message{{Text: "Buongiorno, manca lo schizzo del posto.", From: "Rita Saggio, Polizia comunale, 20.11.2026, 10.42"}, {Text: "Va bene anche a mano?", From: "Lei, 20.11.2026, 12.30", Mine: true}},
		Facts: []ui.Fact{{Term: "Tassa prevista", Value: "CHF 61.00", Note: "minimo e 12 m² per 3 giorni", Price: true}, {Term: "Ufficio", Value: "Polizia comunale", Note: "lu-ve 08.30-11.30 e 14.00-16.00"}}}
	asked := base
	asked.Request = &cases.Request{Title: "Alleghi lo schizzo del posto", Text: "Si devono vedere le misure e il marciapiede.", Until: "venerdì 4 dicembre 2026", Paused: true, Action: "/x", Fields: []ui.Input{{Kind: ui.File, Name: "file", Label: "Schizzo del posto", Help: "PDF, JPG o PNG, al massimo 10 MB. Va bene anche una foto nitida.", Required: true}, {Kind: ui.Textarea, Name: "testo", Label: "Il suo messaggio", Rows: 3}}}
	due := base
	due.Notice, due.Decision = "Abbiamo ricevuto la sua risposta.", decision()
	due.Pay = &cases.Pay{Amount: "CHF 61.00", Text: "La domanda è accolta.", Until: "24 dicembre 2026", Lines: []ui.Answer{{Question: "12 m² per 3 giorni a CHF 1.00", Values: []string{"CHF 36.00"}}, {Question: "Tassa minima", Values: []string{"CHF 25.00"}}, {Question: "Totale", Values: []string{"CHF 61.00"}, Strong: true}}, Problem: "L’ultimo pagamento è stato rifiutato.", Methods: "Può pagare con TWINT, PostFinance, Visa, Mastercard.", Demo: true, Action: "/x"}
	ready := base
	ready.State, ready.Ready, ready.Title = done, &ui.Link{Text: "Scaricare il certificato (PDF, 84 KB)", URL: "/d"}, "Certificato di domicilio"
	facts := []ui.Answer{{Question: "Documento", Values: []string{"Certificato di domicilio"}}, {Question: "Codice", Values: []string{"K7RM-2XQ4-9D3V-TB6H"}, Num: true}, {Question: "Emesso il", Values: []string{"23.11.2026, ore 09.14"}}, {Question: "Vale fino al", Values: []string{"23.05.2027"}}}
	waiting := portal("Anna Esempio")
	waiting.Refresh = 60
	const hash = "9f2c41d7 0b8e6a53 c1f477e2 d09a3b16 5e8d20c7 f3a1884b 6d5f12e9 ab037c4e"
	return []sample{
		{"area", "Area personale", user, cases.Area(cases.AreaPage{Name: "Anna Esempio", Tasks: []ui.Task{{Title: "Manca lo schizzo del posto", Text: "Lo alleghi entro venerdì 4 dicembre 2026. Fino ad allora la pratica aspetta.", Action: ui.Link{Text: "Allegare lo schizzo", URL: "/a"}}, {Title: "Tassa da pagare: CHF 61.00", Action: ui.Link{Text: "Pagare CHF 61.00", URL: "/b"}}}, Drafts: drafts, Open: open, CaseCount: 11, Documents: papers, Count: 7, Terms: []ui.Row{{Title: "Schizzo del posto", Fact: "04.12.2026"}, {Title: "Tassa", Fact: "24.12.2026"}}})},
		{"area-lunga", "Area personale", long, cases.Area(cases.AreaPage{Name: "Fondazione Maria Antonietta Bernasconi-Quadri", Tasks: []ui.Task{{Title: "Manca l’autocertificazione sull’indirizzo precedentementecomunicatoall’ufficio", Action: ui.Link{Text: "Allegare l’autocertificazione richiesta", URL: "/a"}}}, Open: []ui.Row{{Title: "Contrassegno annuale per l’approvvigionamento di esercizi pubblici", URL: "/x", State: &ui.State{Tone: ui.Warning, Text: "Aspetta la persona richiedente"}, Ref: "ESE-2026-7K2M-4", Note: "abonnementsverwaltungsabteilung@gemeindeverwaltung.example"}}, CaseCount: 1})},
		{"area-vuota", "Area personale", user, cases.Area(cases.AreaPage{Name: "Dario Prova", Notice: "Buongiorno, ha effettuato l’accesso.", Verify: &ui.Link{Text: "Verificare l’identità", URL: "/accedi/aiuto"}})},
		{"pratiche", "Pratiche", user, cases.Cases(cases.CasesPage{Drafts: drafts, Rows: open, Pager: ui.Pager{From: 1, To: 2, Total: 11, NextURL: "?p=2"}})},
		{"pratica-richiesta", "Pratica", user, cases.Case(asked)},
		{"pratica-decisa", "Pratica", user, cases.Case(due)},
		{"pratica-pronta", "Pratica", user, cases.Case(ready)},
		{"conferma", "Il certificato è pronto", user, cases.Confirmation(cases.ConfirmationPage{Tone: ui.Success, Title: "Il certificato è pronto", Ref: "ESE-2026-3F8Q-K", Paid: "Ha pagato CHF 10.00 con TWINT.", Download: &ui.Link{Text: "Scaricare il certificato (PDF, 84 KB)", URL: "/d"}, Receipt: &ui.Link{Text: "Scaricare la ricevuta", URL: "/r"}, CaseURL: "/c", Next: []string{"Il certificato resta nei suoi documenti.", "Chi lo riceve può controllarlo con il codice sul documento."}, Also: rows()[:2]})},
		{"conferma-attesa", "Abbiamo ricevuto la domanda", user, cases.Confirmation(cases.ConfirmationPage{Tone: ui.Info, Title: "Abbiamo ricevuto la domanda", Ref: "ESE-2026-3F8Q-K", CaseURL: "/c", Next: []string{"L’ufficio la esamina entro 10 giorni lavorativi."}})},
		{"ritiro", "Ritirare la domanda", user, cases.Withdraw(cases.WithdrawPage{Title: "Vuole ritirare la domanda?", Text: []string{"L’ufficio smette di esaminarla. La pratica resta nel suo elenco."}, Action: "/x", BackURL: "/c", Submit: "Ritirare la domanda"})},
		{"documenti", "Documenti", user, documents.List(documents.ListPage{Rows: papers})},
		{"documenti-vuoto", "Documenti", user, documents.List(documents.ListPage{})},
		{"verifica", "Verifica", portal(""), documents.Verify(documents.VerifyPage{})},
		{"verifica-errore", "Verifica", portal(""), documents.Verify(documents.VerifyPage{Code: "abc", CodeError: "Il codice ha 16 segni", FileError: "Scelga un file"})},
		{"verdetto-autentico", "Verifica", portal(""), documents.Verdict(documents.VerdictPage{Outcome: documents.Genuine, CommuneName: "Città di Esempio", Answers: facts, Hash: hash, ByFile: true})},
		{"verdetto-codice", "Verifica", portal(""), documents.Verdict(documents.VerdictPage{Outcome: documents.Expired, CommuneName: "Città di Esempio", Answers: facts})},
		{"verdetto-cambiato", "Verifica", portal(""), documents.Verdict(documents.VerdictPage{Outcome: documents.Altered, CommuneName: "Città di Esempio", ByFile: true, Phone: "+41 58 000 00 00"})},
		{"verdetto-revocato", "Verifica", portal(""), documents.Verdict(documents.VerdictPage{Outcome: documents.Revoked, CommuneName: "Città di Esempio", Answers: facts, Phone: "+41 58 000 00 00"})},
		{"verdetto-ignoto", "Verifica", portal(""), documents.Verdict(documents.VerdictPage{Outcome: documents.Unknown, CommuneName: "Città di Esempio", Code: "K7RM-2XQ4-9B", Phone: "+41 58 000 00 00"})},
		{"pagamento-attesa", "Pagamento", waiting, payments.Wait(payments.WaitPage{Ref: "ESE-2026-3F8Q-K", Amount: "CHF 10.00", CaseURL: "/c"})},
		{"pagamento-rifiutato", "Pagamento", user, payments.Failed(payments.FailedPage{Ref: "ESE-2026-3F8Q-K", Amount: "CHF 10.00", Reason: "La carta è scaduta.", RetryURL: "/x", CaseURL: "/c"})},
		{"pagamenti", "Pagamenti", user, payments.List(payments.ListPage{Payments: []payments.Payment{{Title: "Certificato di domicilio", CaseURL: "/c", Ref: "ESE-2026-3F8Q-K", Date: "23.11.2026", DateTime: "2026-11-23", Amount: "CHF 10.00", State: ui.State{Tone: ui.Success, Text: "Pagato"}, Method: "TWINT", Receipt: &ui.Link{Text: "Ricevuta", URL: "/r"}}, {Title: "Occupazione di suolo pubblico", CaseURL: "/c", Ref: "ESE-2026-7K2M-4", Date: "24.11.2026", DateTime: "2026-11-24", Amount: "CHF 1'061.00", State: ui.State{Tone: ui.Warning, Text: "Da pagare"}}}})},
	}
}

func deskPages() []sample {
	official := work(ui.Desk, "Rita Saggio")
	side := []ui.Link{{Text: "Da fare", URL: "/ufficio", Current: true, Count: "23"}, {Text: "Le mie", URL: "/ufficio/le-mie", Count: "9"}, {Text: "Ufficio", URL: "/ufficio/ufficio", Count: "64"}, {Text: "In attesa", URL: "/ufficio/in-attesa", Count: "12"}, {Text: "Chiuse", URL: "/ufficio/chiuse"}}
	grid := ui.Grid{Caption: "Pratiche da fare, ordinate per termine", Columns: []ui.Column{{Title: "Pratica"}, {Title: "Persona"}, {Title: "Servizio"}, {Title: "Inoltrata", Label: "Inoltrata"}, {Title: "Termine ↑", Label: "Termine", Sort: "ascending"}, {Title: "Stato"}, {Title: "Di chi", Label: "Di chi"}},
		Rows: [][]ui.Cell{
			{{Text: "ESE-2026-4HXA-6", URL: "/p", Num: true}, {Text: "Esempio Impianti SA", Strong: true}, {Text: "Occupazione temporanea di suolo pubblico"}, {Text: "19.11.2026", Num: true}, {Text: "20.11.2026", Num: true, Small: "da 1 giorno"}, {State: &late}, {Text: "nessuno"}},
			{{Text: "ESE-2026-P6SE-1", URL: "/p", Num: true}, {Text: "Prova Dario", Strong: true, Small: "per delega di Carla Prova"}, {Text: "Notifica di arrivo nel Comune"}, {Text: "18.11.2026", Num: true}, {Text: "23.11.2026", Num: true, Small: "oggi"}, {State: &inWork}, {Text: "Saggio"}},
		}}
	filter := []ui.Input{{Kind: ui.Select, Name: "servizio", Label: "Servizio", Options: []ui.Option{{Value: "a", Label: "Suolo pubblico"}}}, {Kind: ui.Select, Name: "stato", Label: "Stato", Options: []ui.Option{{Value: "a", Label: "Aperte"}}}, {Kind: ui.Text, Name: "q", Label: "Persona o pratica"}}
	fees := []ui.Answer{{Question: "Tassa minima", Values: []string{"CHF 25.00"}}, {Question: "12 m² per 3 giorni", Values: []string{"CHF 36.00"}}, {Question: "Totale", Values: []string{"CHF 61.00"}, Strong: true}}
	page := cases.DeskCasePage{ListTitle: "Da fare", ListURL: "/ufficio", Ref: "ESE-2026-7K2M-4", Title: "Esempio Anna, occupazione temporanea di suolo pubblico", State: ui.State{Tone: ui.Info, Text: "Da prendere"}, Submitted: "inoltrata mercoledì 18.11.2026, 19.32",
		Checks:   []cases.Check{{Title: "Domicilio", Declared: "Via Esempio 3", Known: "Via Esempio 3", Source: "registro degli abitanti", State: ui.State{Tone: ui.Success, Text: "Uguale"}}, {Title: "Durata", Declared: "3 giorni", Known: "al massimo 30", Source: "regola durata, versione 1", State: ui.State{Tone: ui.Warning, Text: "Diverso"}}},
		Sections: answers(), Documents: []ui.Row{{Title: "contratto.pdf", URL: "/f", Fact: "3 pagine, 412 KB"}, {Title: "Schizzo del posto", State: &ui.State{Tone: ui.Warning, Text: "Manca"}}},
		Messages: []ui.Message{{Text: "Arrivo con un furgone.", From: "Anna Esempio, 19.11.2026, 07.50"}}, Notes: []ui.Message{{Text: "Sentito il collega: posto libero.", From: "Rita Saggio, 19.11.2026"}}, NoteURL: "/n",
		Primary: &cases.Act{Text: "Prendere la pratica", URL: "/x", Post: true}, Facts: []ui.Fact{{Term: "Termine", Value: "oggi, 23.11.2026", Note: "3 giorni lavorativi da mercoledì"}, {Term: "Di chi", Value: "nessuno"}, {Term: "Identità", Value: "verificata"}}, Fees: fees, FeesNote: "regola tassa, versione 2", History: history()}
	taken := page
	taken.State, taken.Notice, taken.Decision = inWork, "La pratica è sua.", decision()
	taken.Primary, taken.Others = &cases.Act{Text: "Decidere", URL: "/d"}, []cases.Act{{Text: "Chiedere un documento", URL: "/r", Help: "Il termine si ferma."}, {Text: "Rilasciare la pratica", URL: "/l", Post: true}}
	return []sample{
		{"ufficio", "Da fare", official, cases.DeskList(cases.DeskListPage{Side: side, Title: "Da fare", NextURL: "/x", Tiles: []ui.Tile{{Value: "7", Label: "da prendere", URL: "?a"}, {Value: "3", Label: "scadono oggi", URL: "?b"}, {Value: "1", Label: "in ritardo", URL: "?c"}, {Value: "12", Label: "aspettano la persona", URL: "?d"}, {Value: "18", Label: "chiuse questa settimana", URL: "?e"}}, Filters: filter, Action: "/ufficio", Grid: grid, Pager: ui.Pager{From: 1, To: 2, Total: 23, NextURL: "?p=2"}})},
		{"ufficio-vuoto", "Da fare", official, cases.DeskList(cases.DeskListPage{Side: side, Title: "Da fare", Empty: "Non c’è niente da fare. Buona giornata."})},
		{"ufficio-pratica", "Pratica", official, cases.DeskCase(page)},
		{"ufficio-presa", "Pratica", official, cases.DeskCase(taken)},
		{"ufficio-decidere", "Decidere", official, cases.DeskForm(cases.DeskFormPage{ListTitle: "Da fare", ListURL: "/ufficio", Ref: page.Ref, CaseURL: "/p", Title: "Decidere", Intro: "La decisione parte appena la conferma.", Action: "/x", Submit: "Inviare la decisione", Preview: true, Fees: fees, FeesNote: "regola tassa, versione 2", LegalBasis: []string{"Legge organica comunale"}, Remedy: "Ricorso al Consiglio di Stato entro 30 giorni.", Facts: page.Facts,
			Fields: []ui.Input{{Kind: ui.Radio, Name: "esito", Label: "Esito", Required: true, Options: []ui.Option{{Value: "si", Label: "Accogliere"}, {Value: "no", Label: "Respingere", Help: "Serve una motivazione."}}, Error: "Scelga l’esito"}, {Kind: ui.Textarea, Name: "motivi", Label: "Motivi", Required: true}, {Kind: ui.Textarea, Name: "condizioni", Label: "Condizioni", Help: "Una per riga."}, {Kind: ui.Text, Name: "numero", Label: "Numero della risoluzione", Required: true, Size: 14}, {Kind: ui.Date, Name: "data", Label: "Data della risoluzione", Required: true}}})},
	}
}
