package pdf

import (
	"errors"
	"time"
)

// errNoTime keeps layouts deterministic: none takes the clock by itself.
var errNoTime = errors.New("pdf: Created is missing")

// Certificate is an attestation on one page, rarely two.
type Certificate struct {
	Brand     Brand
	Lang      string // it, de, fr or en
	Title     string // "Certificato di domicilio"
	Notice    string // in a frame under the title: "Esemplare dimostrativo…"
	Intro     string // before the table: "Il controllo abitanti attesta che"
	Person    []Row
	Statement []string // paragraphs after the table
	Use       string   // what it is for; may be empty
	ValidTo   string   // date as printed; may be empty
	PlaceDate string   // "Locarno, 14 marzo 2026"
	Signatory []string // office or function; a sealed paper needs no signature
	Reference string   // of the case, in the footer
	Verification
	Created time.Time
}

// Render lays the certificate out.
func (c Certificate) Render() ([]byte, error) {
	if c.Created.IsZero() {
		return nil, errNoTime
	}
	p := newPaper(c.Brand, c.Lang, c.Title, c.Reference, c.Created)
	p.doc.SetY(58)
	p.headline(c.Title)
	p.space(3)
	p.notice(c.Notice)
	p.space(8)
	if c.Intro != "" {
		p.text("", body, bodyLine, black, c.Intro)
		p.space(4)
	}
	p.table(c.Person)
	p.space(7)
	p.paragraphs(c.Statement)
	if c.Use != "" || c.ValidTo != "" {
		p.space(6)
		var rows []Row
		if c.Use != "" {
			rows = append(rows, Row{p.words.use, c.Use})
		}
		if c.ValidTo != "" {
			rows = append(rows, Row{p.words.validUntil, c.ValidTo})
		}
		p.table(rows)
	}
	p.space(10)
	return p.close(c.PlaceDate, c.Signatory, c.Verification)
}

// close prints place, date and signatory, and the verification at the foot of
// the page they stand on.
func (p *paper) close(placeDate string, signatory []string, v Verification) ([]byte, error) {
	height := bodyLine * float64(1+len(signatory))
	if v.URL != "" {
		height += verificationHeight + 6
	}
	p.keep(height)
	if placeDate != "" {
		p.text("", body, bodyLine, black, placeDate)
		p.space(2)
	}
	for i, s := range signatory {
		style := ""
		if i == 0 {
			style = "B"
		}
		p.text(style, body, bodyLine, black, s)
	}
	if v.URL != "" {
		p.doc.SetAutoPageBreak(false, 0) // the block was measured and fits
		if err := p.verification(v, pageHeight-bottom-verificationHeight); err != nil {
			return nil, err
		}
	}
	return p.bytes()
}

// Decision is a ruling of the Municipio or an office, as a letter.
type Decision struct {
	Brand      Brand
	Lang       string
	Recipient  []string // name, street, town
	PlaceDate  string
	Resolution string // "Risoluzione municipale n. 1234 del 14.03.2026"
	Subject    string
	Notice     string
	Salutation string // "Gentile signora Bernasconi,"
	Facts      []string
	Reasons    []string
	LegalBasis []string
	Ruling     []string // numbered
	Conditions []string // numbered
	Fee        []Row    // what and how much
	Total      string   // "CHF 150.00"; empty: no fee section
	Remedies   []string
	Greeting   string // "Cordiali saluti"
	Signatory  []string
	Reference  string
	Verification
	Created time.Time
}

// Render lays the decision out, on as many pages as it needs.
func (d Decision) Render() ([]byte, error) {
	if d.Created.IsZero() {
		return nil, errNoTime
	}
	p := newPaper(d.Brand, d.Lang, d.Subject, d.Reference, d.Created)
	p.font("", body, black)
	for i, l := range d.Recipient {
		p.doc.SetXY(addressX, addressY+float64(i)*bodyLine)
		p.doc.CellFormat(pageWidth-right-addressX, bodyLine, clean(l), "", 0, "L", false, 0, "")
	}
	p.doc.SetXY(left, 84)
	p.text("", body, bodyLine, black, d.PlaceDate)
	p.space(11)
	if d.Resolution != "" {
		p.text("", body, bodyLine, grey, d.Resolution)
		p.space(1)
	}
	p.font("B", 15, black)
	p.doc.SetX(left)
	p.doc.MultiCell(textWidth, 7, clean(d.Subject), "", "L", false)
	p.space(3)
	p.notice(d.Notice)
	p.space(6)
	if d.Salutation != "" {
		p.text("", body, bodyLine, black, d.Salutation)
	}
	for _, part := range []struct {
		title    string
		content  []string
		numbered bool
	}{
		{p.words.facts, d.Facts, false},
		{p.words.reasons, d.Reasons, false},
		{p.words.legalBasis, d.LegalBasis, false},
		{p.words.ruling, d.Ruling, true},
		{p.words.conditions, d.Conditions, true},
	} {
		if len(part.content) == 0 {
			continue
		}
		p.section(part.title)
		if part.numbered {
			p.numbered(part.content)
		} else {
			p.paragraphs(part.content)
		}
	}
	if d.Total != "" {
		p.section(p.words.fee)
		p.space(1)
		p.amounts(d.Fee, d.Total)
	}
	if len(d.Remedies) > 0 {
		p.section(p.words.remedies)
		p.paragraphs(d.Remedies)
	}
	p.space(9)
	return p.close(d.Greeting, d.Signatory, d.Verification)
}

// Receipt confirms a payment.
type Receipt struct {
	Brand       Brand
	Lang        string
	Title       string // "Ricevuta di pagamento"
	Notice      string
	Payer       string
	PaidOn      string // date and time as printed
	Method      string // "TWINT"
	Transaction string // the provider's number
	Lines       []Row  // what and how much
	Total       string
	Remark      []string
	Reference   string
	Verification
	Created time.Time
}

// Render lays the receipt out.
func (r Receipt) Render() ([]byte, error) {
	if r.Created.IsZero() {
		return nil, errNoTime
	}
	p := newPaper(r.Brand, r.Lang, r.Title, r.Reference, r.Created)
	p.doc.SetY(58)
	p.headline(r.Title)
	p.space(3)
	p.notice(r.Notice)
	p.space(8)
	var rows []Row
	for _, row := range []Row{
		{p.words.paidOn, r.PaidOn}, {p.words.paidBy, r.Payer}, {p.words.method, r.Method},
		{p.words.transaction, r.Transaction}, {p.words.reference, r.Reference},
	} {
		if row.Value != "" {
			rows = append(rows, row)
		}
	}
	p.table(rows)
	p.space(10)
	p.amounts(r.Lines, r.Total)
	p.space(7)
	p.paragraphs(r.Remark)
	p.space(10)
	return p.close("", nil, r.Verification)
}
