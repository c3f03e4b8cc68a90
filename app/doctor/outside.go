package doctor

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"

	"github.com/sportello-ticino/sportello/app/keys"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/egress"
)

func mailRelay(ctx context.Context, x *exam, _ place) error {
	if x.Config.Mail.SMTPAddr == "" {
		return warns("no mail relay is set, so mails wait; set SPORTELLO_SMTP_ADDR")
	}
	return x.Mail.Ping(ctx)
}

func explainMail(_ place, err error) string {
	var refused net.Error
	if errors.As(err, &refused) {
		return "the mail relay does not answer at SPORTELLO_SMTP_ADDR, and mails wait; start it or correct the address"
	}
	return "the mail relay refuses us, and mails wait; look at SPORTELLO_SMTP_TLS, SPORTELLO_SMTP_USERNAME and SPORTELLO_SMTP_PASSWORD"
}

func scanner(ctx context.Context, x *exam, _ place) error {
	if x.Config.Scanner.ClamdAddr == "" {
		if x.Config.Demo {
			return errNothing
		}
		return warns("uploads are not scanned for malware; run clamd and set SPORTELLO_CLAMD_ADDR")
	}
	return x.Scanner.Ping(ctx)
}

func explainScanner(place, error) string {
	return "clamd does not answer at SPORTELLO_CLAMD_ADDR, and uploads are refused; start it or correct the address"
}

func collector(ctx context.Context, x *exam, _ place) error {
	if x.Config.Trace.URL == "" {
		return errNothing
	}
	u, err := url.Parse(x.Config.Trace.URL)
	if err == nil {
		var conn net.Conn
		if conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", hostPort(u)); err == nil {
			return conn.Close()
		}
	}
	return warns("the collector of traces does not answer, and traces are lost; start it or correct SPORTELLO_OTLP_URL")
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443"}[u.Scheme]
		if port == "" {
			port = "80"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// masterKey must work, and be the one that wrapped the deployment's own keys.
func masterKey(ctx context.Context, x *exam, _ place) error {
	if err := x.Masters.Check(ctx); err != nil {
		return err
	}
	_, err := x.Keys.LoginKey(ctx)
	return err
}

func explainKeys(_ place, err error) string { return keys.Explain(err) }

// paymentProvider is asked for when a commune has a merchant's account.
func paymentProvider(ctx context.Context, x *exam, _ place) error {
	all, err := x.DB.Directory().All(ctx)
	if err != nil {
		return err
	}
	merchant := ""
	for _, t := range all {
		var has bool
		if err := x.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
			return tx.QueryRow("select exists (select from payment_accounts)").Scan(&has)
		}); err == nil && has { // a commune that cannot be read is told below
			merchant = t.Slug()
			break
		}
	}
	switch {
	case merchant == "" && ctx.Err() != nil:
		return warns("not all communes could be asked in time whether they take payments; run `sportello doctor` again")
	case merchant == "":
		return errNothing
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, x.Config.Payments.PostFinanceURL, nil)
	if err != nil {
		return fails("SPORTELLO_POSTFINANCE_URL is no address; correct it")
	}
	res, err := x.HTTP.Do(req)
	switch {
	case errors.Is(err, egress.ErrRefused):
		return fails("SPORTELLO_POSTFINANCE_URL leads to a private address that may not be called; add it to SPORTELLO_EGRESS_ALLOW or correct it")
	case err != nil:
		return fails("the payment provider does not answer at SPORTELLO_POSTFINANCE_URL, and %s takes no payments; look at the way out of the network, then at the provider's status page", merchant)
	}
	return res.Body.Close()
}
