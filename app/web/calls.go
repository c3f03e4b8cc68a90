package web

import (
	"fmt"
	"time"

	"github.com/sportello-ticino/sportello/pkg/problem"
)

// Calls is how many calls of the machine interface a commune has today.
type Calls struct {
	Quota int64         // granted for the day
	Left  int64         // after this one
	Reset time.Duration // until the next day begins
	Over  bool          // this one is not granted
}

var errCalls = problem.TooMany("web.calls", "errors.calls")

// perMinute is a burst of calls that one visitor may make.
func (s *Server) perMinute() Limit {
	return Limit{Name: "api", Max: s.CallsPerMinute, Per: time.Minute}
}

// call counts a call of the machine interface and says in its answer what is left
// of the day: RateLimit and RateLimit-Policy as draft-ietf-httpapi-ratelimit-headers
// has them. A commune that is over gets no page refused, only calls. Errors:
// problem.TooMany with the time until there are more.
func (s *Server) call(req *Request) error {
	if s.CallsPerMinute > 0 {
		if err := s.limits.allow(req.Ctx(), req, s.perMinute()); err != nil {
			return err
		}
	}
	if s.Calls == nil {
		return nil
	}
	if s.CallsPerAddress > 0 {
		if err := s.limits.allow(req.Ctx(), req, Limit{Name: "api-day", Max: s.CallsPerAddress, Per: 24 * time.Hour}); err != nil {
			return err
		}
	}
	c := s.Calls(req.tenant)
	reset := int64(c.Reset.Seconds() + .999)
	req.SetHeader("RateLimit-Policy", fmt.Sprintf(`"day";q=%d;w=86400, "minute";q=%d;w=60`, c.Quota, s.CallsPerMinute))
	req.SetHeader("RateLimit", fmt.Sprintf(`"day";r=%d;t=%d`, c.Left, reset))
	if c.Over {
		return errCalls.WithRetry(c.Reset)
	}
	return nil
}
