package export

import (
	"context"
	"fmt"
	"time"
)

// pushEach is the time between pushes, pushFor the time that one may take.
const (
	pushEach = 5 * time.Second
	pushFor  = 5 * time.Second
)

// pusher pushes now and then, and at the end.
type pusher struct {
	push func(context.Context) error
	stop context.CancelFunc
	done chan struct{}
}

// openPusher pushes once, so that a receiver that is not there is known before the load.
func openPusher(ctx context.Context, each time.Duration, push func(context.Context) error) (*pusher, error) {
	p := &pusher{done: make(chan struct{}), push: func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, pushFor)
		defer cancel()
		return push(ctx)
	}}
	if err := p.push(ctx); err != nil {
		return nil, err
	}
	ctx, p.stop = context.WithCancel(context.WithoutCancel(ctx)) // what a stop leaves is still to be told
	go p.run(ctx, each)
	return p, nil
}

func (p *pusher) run(ctx context.Context, each time.Duration) {
	defer close(p.done)
	ticker := time.NewTicker(each)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			_ = p.push(ctx) // the next one says the same and more; only the last one's failure is one
		}
	}
}

// Close pushes the last figures, twice if it must.
func (p *pusher) Close(ctx context.Context) error {
	p.stop()
	<-p.done
	err := p.push(ctx)
	if err != nil {
		err = p.push(ctx)
	}
	if err != nil {
		return fmt.Errorf("push the last figures: %w", err)
	}
	return nil
}
