package pdf

// words are what the layouts print by themselves, per language.
type words struct {
	page                                                             string // of two numbers
	scan                                                             string // of the address to open
	code, seal, reference                                            string
	use, validUntil                                                  string
	facts, reasons, legalBasis, ruling, conditions, fee, remedies    string
	position, amount, total, paidOn, method, transaction, paidBy, on string
}

// inLanguage answers Italian for a language that it does not know.
func inLanguage(lang string) words {
	if w, ok := dictionary[lang]; ok {
		return w
	}
	return dictionary["it"]
}

var dictionary = map[string]words{
	"it": {
		page:  "Pagina %d di %s",
		scan:  "È autentico? Inquadri il codice QR o apra %s e inserisca il codice.",
		code:  "Codice del documento",
		seal:  "Sigillo elettronico: %s. Fa stato il file PDF; per una copia stampata vale la verifica con il codice.",
		use:   "Uso",
		facts: "Fatti", reasons: "Motivi", legalBasis: "Basi legali", ruling: "Decisione", conditions: "Condizioni", fee: "Tassa", remedies: "Rimedi giuridici",
		reference: "Riferimento", validUntil: "Valido fino al",
		position: "Prestazione", amount: "Importo", total: "Totale", paidOn: "Pagato il", method: "Mezzo di pagamento",
		transaction: "Transazione", paidBy: "Pagato da", on: "del",
	},
	"de": {
		page:  "Seite %d von %s",
		scan:  "Ist es echt? Scannen Sie den QR-Code oder öffnen Sie %s und geben Sie den Code ein.",
		code:  "Code des Dokuments",
		seal:  "Elektronisches Siegel: %s. Massgebend ist die PDF-Datei; für eine gedruckte Kopie gilt die Prüfung mit dem Code.",
		use:   "Verwendung",
		facts: "Sachverhalt", reasons: "Erwägungen", legalBasis: "Rechtsgrundlagen", ruling: "Entscheid", conditions: "Auflagen", fee: "Gebühr", remedies: "Rechtsmittel",
		reference: "Referenz", validUntil: "Gültig bis",
		position: "Leistung", amount: "Betrag", total: "Total", paidOn: "Bezahlt am", method: "Zahlungsmittel",
		transaction: "Transaktion", paidBy: "Bezahlt von", on: "vom",
	},
	"fr": {
		page:  "Page %d sur %s",
		scan:  "Est-il authentique ? Scannez le code QR ou ouvrez %s et saisissez le code.",
		code:  "Code du document",
		seal:  "Cachet électronique : %s. Le fichier PDF fait foi ; une copie imprimée se vérifie au moyen du code.",
		use:   "Usage",
		facts: "Faits", reasons: "Motifs", legalBasis: "Bases légales", ruling: "Décision", conditions: "Conditions", fee: "Émolument", remedies: "Voies de droit",
		reference: "Référence", validUntil: "Valable jusqu’au",
		position: "Prestation", amount: "Montant", total: "Total", paidOn: "Payé le", method: "Moyen de paiement",
		transaction: "Transaction", paidBy: "Payé par", on: "du",
	},
	"en": {
		page:  "Page %d of %s",
		scan:  "Is it genuine? Scan the QR code or open %s and enter the code.",
		code:  "Document code",
		seal:  "Electronic seal: %s. The PDF file is authoritative; a printed copy is checked with the code.",
		use:   "Use",
		facts: "Facts", reasons: "Reasons", legalBasis: "Legal basis", ruling: "Decision", conditions: "Conditions", fee: "Fee", remedies: "Remedies",
		reference: "Reference", validUntil: "Valid until",
		position: "Service", amount: "Amount", total: "Total", paidOn: "Paid on", method: "Means of payment",
		transaction: "Transaction", paidBy: "Paid by", on: "of",
	},
}
