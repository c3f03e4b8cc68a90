package cases

import (
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/notifications"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// moments of a case's life by the mail that tells of them.
var mailMoments = map[string]catalogue.Moment{
	notifications.CaseReceived: catalogue.MomentReceived, notifications.CaseQueued: catalogue.MomentQueued, notifications.PlaceFree: catalogue.MomentAdmitted,
	notifications.MissingPaper: catalogue.MomentMissing, notifications.PaymentReceived: catalogue.MomentPaid, notifications.DocumentReady: catalogue.MomentReady,
	notifications.GrantEnds: catalogue.MomentExpiring,
}

// momentOf is the moment a mail about the case tells of.
func momentOf(template string, c Case) catalogue.Moment {
	switch {
	case template != notifications.Decision:
		return mailMoments[template]
	case c.Ruling == Granted:
		return catalogue.MomentGranted
	default:
		return catalogue.MomentRefused
	}
}

// tell sends the applicant a mail with a link to the case, and with the sentence
// that the service has for the moment.
func (s *Service) tell(tx *tenancy.Tx, c Case, template string, params map[string]string) error {
	a, err := identity.AccountByID(tx, c.ApplicantID)
	if err != nil {
		return err
	}
	own, err := sentence(tx, c, momentOf(template, c))
	if err != nil {
		return err
	}
	return s.write(tx, a, c, own, template, params)
}

// sentence is what the service, as it was when the case was made, adds to the
// mail of a moment.
func sentence(tx *tenancy.Tx, c Case, moment catalogue.Moment) (own i18n.Text, err error) {
	if moment == "" {
		return nil, nil
	}
	err = tx.QueryRow("select coalesce(definition #> array['notifications', 'mail', $2::text], '{}') from case_definitions where hash = $1", c.DefinitionHash, string(moment)).Scan(&own)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return own, err
}

// write is tell where account and sentence are known; no account, no mail.
func (s *Service) write(tx *tenancy.Tx, a *identity.Account, c Case, own i18n.Text, template string, params map[string]string) error {
	if a == nil {
		return nil
	}
	p := map[string]string{"name": a.FullName(), "ref": c.Ref, "service": c.ServiceTitle.In(c.Lang),
		"link": s.URL(tx.Tenant(), "/area/pratiche/"+c.Ref)}
	for k, v := range params {
		p[k] = v
	}
	return s.Notifications.Send(tx, notifications.Message{To: a.Email, Template: template, Lang: c.Lang, Params: p, Own: own,
		Key: template + ":" + c.ID.String() + ":" + s.Clock.Now().UTC().Format("20060102150405.000")})
}

// tellOffice writes to the office of a case at its own address, where the service
// wants that: once for each occasion, and without a word about the person. An
// office without address has its work list.
func (s *Service) tellOffice(tx *tenancy.Tx, c Case, template string) error {
	var wanted catalogue.OfficeMail
	err := tx.QueryRow("select coalesce(definition #> '{notifications,office}', '{}') from case_definitions where hash = $1", c.DefinitionHash).Scan(&wanted)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	if template == notifications.OfficeReceived && !wanted.Received || template == notifications.OfficePaid && !wanted.Paid {
		return nil
	}
	face, err := site.Load(tx)
	if err != nil {
		return err
	}
	office := face.Office(c.Office)
	if s.Demo { // its addresses are real people's
		office.Email = c.Office + "@" + tx.Tenant().Slug() + ".example"
	}
	if office.Email == "" {
		return nil
	}
	return s.Notifications.Send(tx, notifications.Message{To: office.Email, Template: template, Lang: i18n.Reference, Key: template + ":" + c.ID.String(),
		Params: map[string]string{"name": office.Name, "ref": c.Ref, "service": c.ServiceTitle.In(i18n.Reference), "link": s.URL(tx.Tenant(), "/ufficio/pratiche/"+c.Ref)}})
}
