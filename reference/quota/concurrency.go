package quota

import (
	"fmt"
	"time"
)

// ConcurrencyLimits are Lambda's limits on running at once. A zero stands for no limit.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
type ConcurrencyLimits struct {
	Account           int           // invocations at once of all functions of a region
	UnreservedMinimum int           // what reservations must leave to functions without one
	ScaleUp           int           // new environments of a function in ScaleWindow; refilled evenly, never saved up
	ScaleWindow       time.Duration // counts with ScaleUp only
	RequestsPerSlot   float64       // invocations a second of a function for each unit of concurrency it may use
}

// Pages that state the limits.
const (
	concurrencySource = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html"
	scalingSource     = "https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html"
)

// Refusal says which limit refused an invocation, with the reason as Lambda's
// TooManyRequestsException names it.
type Refusal struct {
	Reason  string // such as "ConcurrentInvocationLimitExceeded"
	Limit   string // such as "account concurrency"
	Allowed string // the limit's value with its unit
	Source  string // address of the page that states it
}

// Concurrency decides which invocations of an account may run and which functions may get a
// new environment. NewConcurrency makes one. It is not safe for concurrent use.
type Concurrency struct {
	limits     ConcurrencyLimits
	functions  map[string]*functionUse
	unreserved int // running invocations of functions without a reservation
	reserved   int // sum of reservations
}

type functionUse struct {
	running  int
	reserved int // -1: none
	scale    TokenBucket
	rate     TokenBucket
}

// NewConcurrency makes a Concurrency in which nothing runs and nothing is reserved.
func NewConcurrency(limits ConcurrencyLimits) *Concurrency {
	return &Concurrency{limits: limits, functions: map[string]*functionUse{}}
}

// Reserve takes one unit of concurrency for an invocation of function, until Release. A
// refusal takes nothing.
func (c *Concurrency) Reserve(now time.Time, function string) *Refusal {
	f := c.use(function)
	free := c.limits.Account - c.reserved - c.unreserved
	switch {
	case f.reserved >= 0 && f.running >= f.reserved:
		return &Refusal{"ReservedFunctionConcurrentInvocationLimitExceeded", "reserved concurrency",
			fmt.Sprintf("%d concurrent executions", f.reserved), concurrencySource}
	case f.reserved < 0 && c.limits.Account > 0 && free <= 0:
		return &Refusal{"ConcurrentInvocationLimitExceeded", "account concurrency",
			fmt.Sprintf("%d concurrent executions", c.limits.Account-c.reserved), concurrencySource}
	}
	if perSecond := c.rate(f); perSecond > 0 {
		if f.rate.Rate() != perSecond {
			if f.rate.Rate() == 0 {
				f.rate = NewTokenBucket(perSecond, perSecond)
			} else {
				f.rate.Resize(now, perSecond, perSecond)
			}
		}
		if !f.rate.Allow(now, 1) {
			reason := "FunctionInvocationRateLimitExceeded"
			if f.reserved >= 0 {
				reason = "ReservedFunctionInvocationRateLimitExceeded"
			}
			return &Refusal{reason, "invocation rate", fmt.Sprintf("%g requests/s", perSecond), scalingSource}
		}
	}
	f.running++
	if f.reserved < 0 {
		c.unreserved++
	}
	return nil
}

// rate is how many invocations a second f may start; zero is no limit.
func (c *Concurrency) rate(f *functionUse) float64 {
	if f.reserved >= 0 {
		return c.limits.RequestsPerSlot * float64(f.reserved)
	}
	return c.limits.RequestsPerSlot * float64(c.limits.Account)
}

// Release gives back what Reserve took. Releasing what was never taken is a broken invariant
// and panics.
func (c *Concurrency) Release(function string) {
	f := c.use(function)
	if f.running == 0 {
		panic(fmt.Sprintf("quota: release of %s, of which nothing runs", function))
	}
	f.running--
	if f.reserved < 0 {
		c.unreserved--
	}
}

// Grow takes the right to make one more environment of function now.
func (c *Concurrency) Grow(now time.Time, function string) *Refusal {
	if c.limits.ScaleUp <= 0 || c.limits.ScaleWindow <= 0 {
		return nil
	}
	f := c.use(function)
	if f.scale.Burst() == 0 {
		f.scale = NewTokenBucket(float64(c.limits.ScaleUp)/c.limits.ScaleWindow.Seconds(), float64(c.limits.ScaleUp))
	}
	if f.scale.Allow(now, 1) {
		return nil
	}
	return &Refusal{"ConcurrentInvocationLimitExceeded", "concurrency scaling rate",
		fmt.Sprintf("%d environments per %s", c.limits.ScaleUp, c.limits.ScaleWindow), scalingSource}
}

// SetReserved gives function n units of its own, out of the account's; n = 0 stops it. It
// fails, and changes nothing, if fewer than UnreservedMinimum would be left to the others.
func (c *Concurrency) SetReserved(function string, n int) error {
	f := c.use(function)
	if n < 0 {
		return fmt.Errorf("reserve %d units of concurrency for %s: below zero", n, function)
	}
	total := c.reserved - max(f.reserved, 0) + n
	if left := c.limits.Account - total; c.limits.Account > 0 && left < c.limits.UnreservedMinimum {
		return fmt.Errorf("reserve %d units of concurrency for %s: leaves %d unreserved, below the minimum of %d",
			n, function, left, c.limits.UnreservedMinimum)
	}
	if f.reserved < 0 {
		c.unreserved -= f.running
	}
	f.reserved, c.reserved = n, total
	return nil
}

// ClearReserved returns the function's reservation, if it has one, to the account.
func (c *Concurrency) ClearReserved(function string) {
	f := c.use(function)
	if f.reserved < 0 {
		return
	}
	c.reserved -= f.reserved
	f.reserved = -1
	c.unreserved += f.running
}

// Running is the number of invocations of function that hold a unit.
func (c *Concurrency) Running(function string) int {
	if f := c.functions[function]; f != nil {
		return f.running
	}
	return 0
}

func (c *Concurrency) use(function string) *functionUse {
	f := c.functions[function]
	if f == nil {
		f = &functionUse{reserved: -1}
		c.functions[function] = f
	}
	return f
}
