package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"google.golang.org/protobuf/proto"

	"github.com/retailflow/stampede/chaos/ledger"
	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/deploy/stack"
	"github.com/retailflow/stampede/reference/store"
	"github.com/retailflow/stampede/reference/store/codec"
)

// contents are what the two tables and the dead-letter queues hold after the drain, as the
// ledger wants it. Events and order facts are handed on as they are read, for there may be millions;
// what comes with them out of the same table is kept for its own sink.
type contents struct {
	clients stack.Clients
	zone    func(tenant string) *time.Location // nil is UTC, as an answer too

	minutes, hours, day []ledger.Rollup
	stock               []ledger.Stock
	analytics, core     error // of reading a table: errNotScanned until then
}

// errNotScanned is the error of a sink that is asked for before the one it is read with.
var errNotScanned = errors.New("its table was not read")

func newContents(clients stack.Clients, zone func(tenant string) *time.Location) *contents {
	return &contents{clients: clients, zone: zone, analytics: errNotScanned, core: errNotScanned}
}

// sinks hands the contents to the ledger, which reads events before roll-ups and order facts before
// stock.
func (c *contents) sinks(answers ledger.Rows[ledger.Answer]) ledger.Sinks {
	return ledger.Sinks{
		Events: func(ctx context.Context, yield func(ledger.Present) error) error {
			c.analytics = c.readAnalytics(ctx, yield)
			return c.analytics
		},
		Minutes: rows(&c.minutes, &c.analytics), Hours: rows(&c.hours, &c.analytics), Days: rows(&c.day, &c.analytics),
		Orders: func(ctx context.Context, yield func(ledger.OrderFact) error) error {
			c.core = c.readCore(ctx, yield)
			return c.core
		},
		Stock: rows(&c.stock, &c.core), Parked: c.readParked, Answers: answers,
	}
}

// rows are a list's, as it is when it is asked for.
func rows[T any](list *[]T, failed *error) ledger.Rows[T] {
	return func(_ context.Context, yield func(T) error) error {
		if *failed != nil {
			return *failed
		}
		for _, item := range *list {
			if err := yield(item); err != nil {
				return err
			}
		}
		return nil
	}
}

// readAnalytics takes event blocks and roll-ups apart.
func (c *contents) readAnalytics(ctx context.Context, yield func(ledger.Present) error) error {
	var mu sync.Mutex // segments are read side by side
	var parted [scanSegments][]row
	err := scan(ctx, c.clients.DynamoDB, stack.AnalyticsTable, func(segment int, items []row) error {
		for _, item := range items {
			key := store.KeyOf(item)
			switch pk := key.PK; {
			case key.SK == "SHARDS": // how many partitions a tenant's hour has
			case strings.Contains(pk, "#E#"):
				events, err := presentIn(item)
				if err != nil {
					return err
				}
				mu.Lock()
				for i := 0; err == nil && i < len(events); i++ {
					err = yield(events[i])
				}
				mu.Unlock()
				if err != nil {
					return err
				}
			case strings.Contains(pk, "#R#"):
				// A roll-up's head and parts share a partition key, hence a segment.
				if head, whole, err := store.HeadOf(item); err != nil || !whole {
					parted[segment] = append(parted[segment], item)
				} else if err := c.rollup(&mu, head); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for segment := range scanSegments {
		heads, err := store.Rollups(parted[segment])
		if err != nil {
			return fmt.Errorf("read roll-ups: %w", err)
		}
		for _, head := range heads {
			if err := c.rollup(&mu, head); err != nil {
				return err
			}
		}
	}
	return nil
}

// presentIn lists the events of one block. They are decoded by the message's own decoder, not
// by the one that the functions count with.
func presentIn(item row) ([]ledger.Present, error) {
	entry, err := store.ParseBlock(item)
	if err != nil {
		return nil, fmt.Errorf("read block: %w", err)
	}
	block, err := codec.Unpack(entry.Body)
	if err != nil {
		return nil, fmt.Errorf("read block %s: %w", store.KeyOf(item), err)
	}
	var out []ledger.Present
	for _, request := range block.Requests {
		for _, raw := range request.Events {
			var message api.Event
			if err := proto.Unmarshal(raw, &message); err != nil {
				return nil, fmt.Errorf("read block %s: %w", store.KeyOf(item), err)
			}
			fact, err := event.FactOf(&message)
			if err != nil {
				return nil, fmt.Errorf("read block %s: %w", store.KeyOf(item), err)
			}
			out = append(out, ledger.Present{Tenant: entry.Tenant, ReceivedMS: request.ReceivedMs, Content: message.GetContent(),
				Object: entry.Ref.Object.String(), Fact: fact})
		}
	}
	return out, nil
}

func (c *contents) rollup(mu *sync.Mutex, head store.Rollup) error {
	tenant, level, start, err := store.ParseRollupKey(head.Key)
	if err != nil {
		return fmt.Errorf("read roll-up: %w", err)
	}
	data, err := codec.DecodeRollup(head.Data)
	if err != nil {
		return fmt.Errorf("read roll-up %s: %w", head.Key, err)
	}
	figures := ledger.Figures{Events: data.Count, IDs: data.IDs, Conflicts: data.Conflicts}
	for t, n := range data.Types {
		figures.ByType[t] = n
	}
	for _, t := range data.Currencies {
		figures.Turnover = append(figures.Turnover, api.Turnover{Currency: t.Currency, Orders: t.Orders, Units: t.Units,
			Gross: t.Gross, Refunded: t.Refunded, Cancelled: t.Cancelled, Net: t.Gross - t.Refunded - t.Cancelled})
	}
	out := ledger.Rollup{Tenant: tenant, Start: start, Figures: figures}
	mu.Lock()
	defer mu.Unlock()
	switch level {
	case store.Minute:
		c.minutes = append(c.minutes, out)
	case store.Hour:
		c.hours = append(c.hours, out)
	case store.Day:
		// The key has the date; when the day begins is the tenant's zone's to say.
		if zone := c.zone(tenant); zone != nil {
			out.Start, _ = store.Date{Year: start.Year(), Month: start.Month(), Day: start.Day()}.Bounds(zone)
		}
		c.day = append(c.day, out)
	}
	return nil
}

// readCore reads order facts and stock levels.
func (c *contents) readCore(ctx context.Context, yield func(ledger.OrderFact) error) error {
	var mu sync.Mutex
	return scan(ctx, c.clients.DynamoDB, stack.CoreTable, func(_ int, items []row) error {
		mu.Lock()
		defer mu.Unlock()
		for _, item := range items {
			if strings.Contains(store.KeyOf(item).PK, "#O#") {
				f, err := store.ParseFact(item)
				if err != nil {
					return fmt.Errorf("read order fact: %w", err)
				}
				if err := yield(ledger.OrderFact{Tenant: f.Tenant, ID: f.ID, Order: f.Order, State: f.State,
					TimeMS: f.At.UnixMilli(), Amount: f.Amount, Currency: f.Currency}); err != nil {
					return err
				}
				continue
			}
			s, ok := store.ParseStock(item)
			if !ok {
				continue
			}
			sequence, _, _ := strings.Cut(s.Version, "#")
			number, err := strconv.ParseUint(sequence, 10, 64)
			if err != nil {
				return fmt.Errorf("read stock of %s/%s: version %q", s.Tenant, s.SKU, s.Version)
			}
			c.stock = append(c.stock, ledger.Stock{Tenant: s.Tenant, SKU: s.SKU, Quantity: s.Quantity, Sequence: number})
		}
		return nil
	})
}

// readParked looks into the dead-letter queues without taking anything out: what is received
// becomes visible again at once.
func (c *contents) readParked(ctx context.Context, yield func(ledger.Parked) error) error {
	for _, stream := range api.Streams {
		name := stack.DeadLetterQueue(stream)
		queue, err := c.clients.SQS.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		attributes, err := c.clients.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: queue.QueueUrl,
			AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameApproximateNumberOfMessages}})
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		waiting, err := strconv.Atoi(attributes.Attributes[string(sqstypes.QueueAttributeNameApproximateNumberOfMessages)])
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		seen := map[string]bool{}
		for len(seen) < waiting {
			out, err := c.clients.SQS.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 30})
			if err != nil {
				return fmt.Errorf("read %s: %w", name, err)
			}
			if len(out.Messages) == 0 {
				break
			}
			for _, m := range out.Messages {
				if id := aws.ToString(m.MessageId); !seen[id] {
					seen[id] = true
					if err := yield(ledger.Parked{Queue: name, Object: objectOf(aws.ToString(m.Body))}); err != nil {
						return err
					}
				}
			}
		}
		for range waiting - len(seen) {
			if err := yield(ledger.Parked{Queue: name}); err != nil {
				return err
			}
		}
	}
	return nil
}

// objectOf names the object of an "Object Created" event as blocks name it; "" if it is none.
func objectOf(body string) string {
	var e struct {
		Detail struct {
			Bucket struct {
				Name string `json:"name"`
			} `json:"bucket"`
			Object struct {
				Key string `json:"key"`
			} `json:"object"`
		} `json:"detail"`
	}
	if json.Unmarshal([]byte(body), &e) != nil || e.Detail.Object.Key == "" {
		return ""
	}
	return codec.ObjectIDOf(e.Detail.Bucket.Name, e.Detail.Object.Key).String()
}
