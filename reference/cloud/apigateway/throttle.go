package apigateway

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// throttleAccount takes a token of the account's bucket.
func (s *Service) throttleAccount(now time.Time) *fault {
	if s.limits.RequestsPerSecond == 0 {
		return nil
	}
	s.throttle.Lock()
	defer s.throttle.Unlock()
	if s.throttle.account.Allow(now, 1) {
		return nil
	}
	s.throttle.hits.Note(now, "apigateway", "account requests", "", perSecond(s.limits.RequestsPerSecond, s.limits.Burst), throttling)
	return s.tooMany(s.throttle.account.RetryAfter(now, 1))
}

// throttleKey counts a request under the usage plan of its key.
func (s *Service) throttleKey(now time.Time, key *apiKey, m *meter, api *deployedAPI, r *route) *fault {
	if m == nil || !s.limits.UsagePlans {
		return nil
	}
	s.throttle.Lock()
	defer s.throttle.Unlock()
	refused := m.take(now, api, r)
	switch {
	case refused == nil:
		if m.plan.Terms.Quota != nil {
			s.keepUsage(m)
		}
		return nil
	case refused.quota:
		s.throttled.Add(1)
		s.throttle.hits.Note(now, "apigateway", refused.name, key.Name, refused.allowed, refused.source)
		return &fault{status: http.StatusTooManyRequests, kind: "LimitExceededException", message: "Limit Exceeded", retryAfter: seconds(refused.wait)}
	}
	s.throttle.hits.Note(now, "apigateway", refused.name, key.Name, refused.allowed, refused.source)
	return s.tooMany(refused.wait)
}

// tooMany counts a throttled request. The wait is rounded up to whole seconds.
func (s *Service) tooMany(wait time.Duration) *fault {
	s.throttled.Add(1)
	return &fault{status: http.StatusTooManyRequests, kind: "TooManyRequestsException", message: "Too Many Requests", retryAfter: seconds(wait)}
}

func perSecond(rate, burst float64) string {
	return strconv.FormatFloat(rate, 'f', -1, 64) + " requests/s, burst " + strconv.FormatFloat(burst, 'f', -1, 64)
}

// seconds rounds a wait up for Retry-After; what never comes is an hour.
func seconds(wait time.Duration) int {
	if wait == math.MaxInt64 {
		return 3600
	}
	return max(1, int((wait+time.Second-1)/time.Second))
}
