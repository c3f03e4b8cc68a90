package notifications

import "github.com/sportello-ticino/sportello/app/meters"

// Meters counts the mails handed to the relay.
func (s *Service) Meters() []meters.Meter {
	return []meters.Meter{{Name: meters.Mails, Table: "notifications", Count: meters.Counted("select count(*) from notifications where sent_at >= $1 and sent_at < $2")}}
}
