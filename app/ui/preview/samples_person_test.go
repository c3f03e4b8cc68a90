package preview

import (
	forms "github.com/sportello-ticino/sportello/app/forms/view"
	identity "github.com/sportello-ticino/sportello/app/identity/view"
	"github.com/sportello-ticino/sportello/app/ui"
)

func identityPages() []sample {
	invalid := portal("")
	invalid.Invalid = true
	staff := work(ui.Operator, "")
	staff.SignedIn = false
	personas := identity.PersonasPage{Place: "Città di Esempio", Other: []ui.Link{{Text: "Comune di Prova", URL: "/a"}, {Text: "Ente", URL: "/b"}}, Groups: []identity.PersonaGroup{
		{Title: "Cittadine e cittadini", Personas: []identity.Persona{
			{Key: "citizen-verified", Name: "Anna Esempio", Role: "identità verificata", Note: "Può chiedere il certificato di domicilio e pagarlo."},
			{Key: "citizen", Name: "Dario Prova", Role: "e-mail confermata", Note: "Può chiedere i servizi senza identità verificata.", Active: true}}},
		{Title: "Ufficio", Note: "Lavorano alle pratiche.", Personas: []identity.Persona{{Key: "office-head", Name: "Rita Saggio", Role: "capoufficio, polizia comunale", Note: "Decide le domande di suolo pubblico."}}},
	}}
	return []sample{
		{"accedi", "Accedere", portal(""), identity.SignIn(identity.SignInPage{Next: "/area", Reason: "Per continuare la domanda, acceda.", PersonasURL: "/dev/personas", Methods: []identity.Method{{Name: "AGOV", Note: "Il login delle autorità svizzere", URL: "/accedi/agov"}}})},
		{"accedi-errore", "Accedere", invalid, identity.SignIn(identity.SignInPage{Email: "anna@posta.example", FormError: "E-mail o password non sono giuste.", PasswordError: "Scriva la password"})},
		{"registrati", "Registrarsi", portal(""), identity.Register(identity.RegisterPage{Name: "Anna", EmailError: "Scriva un indirizzo come nome@posta.ch"})},
		{"posta", "Guardi la sua posta", portal(""), identity.CheckMail(identity.CheckMailPage{Email: "anna.esempio@posta.example", ResendURL: "/registrati/invia", MailURL: "/dev/mail"})},
		{"confermato", "Indirizzo confermato", portal(""), identity.Confirmed(identity.ConfirmedPage{OK: true})},
		{"scaduto", "Collegamento scaduto", portal(""), identity.Confirmed(identity.ConfirmedPage{})},
		{"ente-accedi", "Accesso", staff, identity.StaffSignIn(identity.SignInPage{Email: "x", EmailError: "Scriva il suo indirizzo"})},
		{"codice", "Codice", staff, identity.TOTP(identity.TOTPPage{Demo: "123 456", Error: "Il codice non è giusto"})},
		{"codice-nuovo", "Codice", staff, identity.TOTP(identity.TOTPPage{Setup: true, Secret: "JBSW Y3DP EHPK 3PXP", Picture: "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"})},
		{"personas", "Persone", portal("Dario Prova"), identity.Personas(personas)},
	}
}

// everyKind is one field of each kind, some filled, some wrong.
func everyKind() []ui.Input {
	choices := []ui.Option{{Value: "a", Label: "Piazza o via"}, {Value: "b", Label: "Marciapiede", Help: "Restano liberi almeno 1,5 m"}}
	return []ui.Input{
		{Kind: ui.Note, Label: "Prima di cominciare", Help: "Tenga pronto uno schizzo del posto, anche fatto a mano."},
		{Kind: ui.Place, Name: "luogo", Label: "Dove", Help: "Via e numero, oppure il mappale.", Value: "Via Esempio 3", Required: true},
		{Kind: ui.Period, Name: "quando", Label: "Quando", Help: "Compresi il primo e l’ultimo giorno.", Error: "Il primo giorno viene dopo l’ultimo", Value: "2026-12-05", ValueTo: "2026-12-01", Required: true},
		{Kind: ui.Number, Name: "area", Label: "Superficie", Unit: "m²", Value: "dodici", Error: "Scriva un numero, per esempio 12", Required: true},
		{Kind: ui.Money, Name: "valore", Label: "Valore dell’opera", Value: "1500.50"},
		{Kind: ui.Radio, Name: "suolo", Label: "Che suolo occupa?", Options: choices, Value: "b", Required: true, Error: "Scelga una risposta"},
		{Kind: ui.Many, Name: "mezzi", Label: "Che cosa mette?", Options: []ui.Option{{Value: "1", Label: "Benna", Selected: true}, {Value: "2", Label: "Ponteggio"}}},
		{Kind: ui.YesNo, Name: "traffico", Label: "Il traffico deve fermarsi?", Required: true, Value: "false"},
		{Kind: ui.Select, Name: "uso", Label: "Uso previsto", Options: []ui.Option{{Value: "x", Label: "Locazione"}, {Value: "y", Label: "Banca o assicurazione"}}, Value: "y"},
		{Kind: ui.Date, Name: "nascita", Label: "Data di nascita", Value: "1987-03-14", Source: "Dal registro degli abitanti", ReadOnly: true},
		{Kind: ui.Email, Name: "email", Label: "E-mail", Value: "anna@posta.example", Required: true},
		{Kind: ui.Phone, Name: "tel", Label: "Telefono", Help: "Per domande durante l’esame."},
		{Kind: ui.Textarea, Name: "note", Label: "Descrizione", Value: "Un trasloco dal terzo piano.", MaxLength: 2000},
		{Kind: ui.File, Name: "schizzo", Label: "Schizzo del posto", Help: "PDF, JPG o PNG, al massimo 10 MB.", Multiple: true, Accept: ".pdf,.jpg,.png", Max: "10485760", Required: true,
			Uploads: []ui.Upload{{ID: "f1", Name: "schizzo-davanti-alla-casa-con-misure-e-marciapiede.pdf", Size: "412 KB", URL: "/x"}, {ID: "f2", Name: "foto.jpg", Size: "1.8 MB"}}, Error: "foto.heic non si può leggere. Invii un PDF, JPG o PNG"},
		{Kind: ui.Declaration, Name: "vero", Label: "Confermo che i dati sono veri e completi.", Required: true, Error: "Confermi per continuare"},
		{Kind: ui.Hidden, Name: "versione", Value: "3"},
	}
}

// everySet are the questions of several parts and a repeated group.
func everySet() []ui.Input {
	person := func(name string) []ui.Input {
		return []ui.Input{
			{Kind: ui.Text, Name: name + "_first_name", Label: "Nome", Required: true, Plain: true, Value: "Lia"},
			{Kind: ui.Text, Name: name + "_last_name", Label: "Cognome", Required: true, Plain: true, Error: "Persona 2: Inserisca il cognome"},
			{Kind: ui.Date, Name: name + "_born", Label: "Data di nascita", Required: true, Plain: true, Value: "2019-05-03"},
		}
	}
	pick := ui.Input{Kind: ui.Radio, Name: "figlia_pick", Label: "Chi?", Help: "Queste persone vivono nella sua economia domestica, dice il registro degli abitanti.", Plain: true, Value: "other",
		Options: []ui.Option{{Value: "lia", Label: "Lia Esempio, 03.05.2019"}, {Value: "other", Label: "Un’altra persona, che indico qui sotto"}}}
	return []ui.Input{
		{Kind: ui.Clock, Name: "ora", Label: "Ora di inizio", Value: "08.30", Required: true},
		{Kind: ui.Set, Name: "figlia", Label: "Figlia o figlio", Required: true, Parts: append([]ui.Input{pick}, person("figlia")...)},
		{Kind: ui.Set, Name: "ditta", Label: "Ditta che esegue il lavoro", Help: "Il numero IDI è nel registro di commercio.", Parts: []ui.Input{
			{Kind: ui.Text, Name: "ditta_name", Label: "Nome della ditta", Plain: true}, {Kind: ui.Text, Name: "ditta_uid", Label: "Numero IDI", Plain: true, Size: 16}}},
		{Kind: ui.Set, Name: "mappale", Label: "Mappale", Required: true, Error: "Indichi il mappale: Mappale", Parts: []ui.Input{
			{Kind: ui.Text, Name: "mappale_number", Label: "Numero di mappale", Required: true, Plain: true, Size: 10},
			{Kind: ui.Select, Name: "mappale_section", Label: "Sezione", Required: true, Plain: true, Options: []ui.Option{{Value: "a", Label: "Pregassona"}}}}},
		{Kind: ui.Set, Name: "punto", Label: "Punto", Required: true, Locate: true, Parts: []ui.Input{
			{Kind: ui.Text, Name: "punto_words", Label: "Luogo a parole", Help: "Per esempio «davanti a Via dell’Esempio 5». Le coordinate non sono necessarie.", Plain: true},
			{Kind: ui.Number, Name: "punto_east", Label: "Coordinata est", Plain: true, Size: 12}, {Kind: ui.Number, Name: "punto_north", Label: "Coordinata nord", Plain: true, Size: 12}}},
		{Kind: ui.Repeat, Name: "persone", Label: "Persone che partecipano", Help: "Indichi anche i bambini.", Required: true, Add: "Aggiungere una persona", Items: []ui.Item{
			{Title: "Persona 1", Drop: "persone.0", Parts: []ui.Input{{Kind: ui.Text, Name: "persone.0.nome", Label: "Nome", Required: true, Value: "Max"}, {Kind: ui.Number, Name: "persone.0.eta", Label: "Età"}}},
			{Title: "Persona 2", Drop: "persone.1", Parts: []ui.Input{{Kind: ui.Set, Name: "persone.1.figlio", Label: "Chi", Required: true, Parts: person("persone.1.figlio")}, {Kind: ui.YesNo, Name: "persone.1.dieta", Label: "Segue una dieta?"}}}}},
		{Kind: ui.Repeat, Name: "veicoli", Label: "Veicoli", Add: "Aggiungere una voce"},
	}
}

func formPages() []sample {
	frame := forms.Frame{ServiceTitle: "Occupazione temporanea di suolo pubblico", ServiceURL: "/servizi/b", Steps: []ui.Step{
		{Title: "Persona", URL: "?1", Done: true}, {Title: "Luogo e giorni", Current: true}, {Title: "Allegati"}, {Title: "Controllo e inoltro"}}}
	invalid := portal("Anna Esempio")
	invalid.Invalid = true
	last := frame
	last.Steps = []ui.Step{{Title: "Persona", URL: "?1", Done: true}, {Title: "Certificato", URL: "?2", Done: true}, {Title: "Controllo e pagamento", Current: true}}
	last.ServiceTitle, last.ActsFor = "Certificato di domicilio", "Lei agisce per Carla Esempio."
	kept := frame
	kept.KeptUntil = "La bozza resta salvata fino al 12 dicembre 2026. Può continuare da un altro dispositivo."
	known := []ui.Answer{{Question: "Cognome e nome", Values: []string{"Esempio Anna"}}, {Question: "Numero AVS", Values: []string{"756.0000.0000.02"}, Num: true}, {Question: "Indirizzo", Values: []string{"Via Esempio 3", "6900 Esempio"}}}
	return []sample{
		{"passo", "Di chi è il certificato?", portal("Anna Esempio"), forms.Step(forms.StepPage{Frame: last, Title: "Di chi è il certificato?", Action: "/x", CanSave: true, BackURL: "/indietro", Known: known, KnownNote: "Un dato è sbagliato?", KnownLink: &ui.Link{Text: "Lo segnali all’ufficio.", URL: "/servizi/x"},
			Fields: []ui.Input{{Kind: ui.Radio, Name: "per", Label: "Di chi è il certificato?", HideLabel: true, Required: true, Value: "io", Options: []ui.Option{{Value: "io", Label: "Di me, Anna Esempio"}, {Value: "luca", Label: "Di mio figlio Luca Esempio", Help: "nato il 02.06.2014"}}}}})},
		{"passo-errori", "Dove e quando?", invalid, forms.Step(forms.StepPage{Frame: frame, Title: "Dove e quando?", Intro: []string{"La tassa dipende dalla superficie e dai giorni."}, Action: "/x", CanSave: true, Fields: everyKind(), Notice: "Abbiamo ritrovato la sua domanda."})},
		{"passo-parti", "Chi partecipa?", invalid, forms.Step(forms.StepPage{Frame: kept, Title: "Chi partecipa?", Action: "/x", CanSave: true, Fields: everySet(), KeepURL: "/x/scritto"})},
		{"riepilogo", "Controlli e paghi", portal("Anna Esempio"), forms.Summary(forms.SummaryPage{Frame: last, Title: "Controlli e paghi", Action: "/x", BackURL: "/indietro", CanSave: true, DemoFee: true,
			Sections: []forms.Section{{Title: "Persona", Answers: []ui.Answer{{Question: "Certificato per", Values: []string{"Anna Esempio, 14.03.1987"}, ChangeURL: "?1"}, {Question: "Avviso a", Values: []string{"anna.esempio.con.un.indirizzo.molto.lungo@posta.example"}, ChangeURL: "?2"}}}, {Title: "Certificato", Answers: []ui.Answer{{Question: "Uso previsto", Values: []string{"locazione"}, ChangeURL: "?2"}}}},
			Fees:     []ui.Answer{{Question: "1 certificato, tariffa online", Values: []string{"CHF 10.00"}}, {Question: "Totale", Values: []string{"CHF 10.00"}, Strong: true}}, Methods: "Può pagare con TWINT, PostFinance, Visa, Mastercard.",
			Declaration: &ui.Input{Kind: ui.Declaration, Name: "vero", Label: "Confermo che i dati sono veri e completi.", Required: true}, Submit: "Pagare CHF 10.00 e ricevere il certificato", SubmitNote: "Dopo il pagamento non può più modificare la domanda."})},
		{"fermo", "Serve un’identità verificata", portal("Dario Prova"), forms.Stop(forms.StopPage{ServiceTitle: "Certificato di domicilio", ServiceURL: "/servizi/a", Title: "Serve un’identità verificata", Reasons: []string{"Per questo servizio dobbiamo sapere con certezza chi è lei."}, Action: &ui.Link{Text: "Verificare l’identità", URL: "/accedi/aiuto"}, Other: &ui.Link{Text: "Tornare al servizio", URL: "/servizi/a"}})},
	}
}
