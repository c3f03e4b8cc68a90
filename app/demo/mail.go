package demo

import (
	"regexp"
	"strings"

	"github.com/sportello-ticino/sportello/app/home/view"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/mail"
)

// Mailbox is where the demo's mail ends.
type Mailbox interface {
	Mails() ([]mail.Received, error)
}

// Folder is a mailbox that another process fills.
type Folder string

// Mails lists all mails, newest first.
func (f Folder) Mails() ([]mail.Received, error) { return mail.ReadFolder(string(f)) }

// sent lists the mails that the commune of the request has sent: the demo's
// mail page shows no neighbour's either.
func (m *Module) sent(r *web.Request) ([]mail.Received, error) {
	all, err := m.Mailbox.Mails()
	if err != nil {
		return nil, err
	}
	var own []mail.Received
	for _, x := range all {
		if from := r.Site().Mail.From; from != "" && strings.Contains(x.From, "<"+from+">") {
			own = append(own, x)
		}
	}
	return own, nil
}

func (m *Module) mailList(r *web.Request) error {
	list, err := m.sent(r)
	if err != nil {
		return err
	}
	var page view.MailPage
	for _, x := range list {
		page.Rows = append(page.Rows, ui.Row{Title: x.Subject, URL: "/dev/posta/" + x.ID, Fact: i18n.Time(x.At), Note: x.To})
	}
	return r.Page(200, i18n.T(r.Ctx(), "devmail.title"), view.DevMail(page))
}

func (m *Module) mailMessage(r *web.Request) error {
	list, err := m.sent(r)
	if err != nil {
		return err
	}
	for _, x := range list {
		if x.ID == r.Param("id") {
			return r.Page(200, x.Subject, view.DevLetter(letter(r, x)))
		}
	}
	return web.NotFound()
}

var address = regexp.MustCompile(`https?://[^\s<>"]+`)

func letter(r *web.Request, x mail.Received) view.LetterPage {
	page := view.LetterPage{Subject: x.Subject, From: x.From, To: x.To, When: i18n.DateTime(r.Ctx(), x.At), ListURL: "/dev/posta"}
	for _, p := range strings.Split(strings.ReplaceAll(x.Text, "\r\n", "\n"), "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			page.Text = append(page.Text, p)
		}
	}
	for _, url := range address.FindAllString(x.Text, -1) {
		page.Links = append(page.Links, ui.Link{Text: url, URL: url})
	}
	return page
}
