package reporting

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// DynamoDB are the calls that reporting makes; *dynamodb.Client has them.
type DynamoDB interface {
	GetItem(ctx context.Context, in *dynamodb.GetItemInput, options ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	Query(ctx context.Context, in *dynamodb.QueryInput, options ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

var _ DynamoDB = (*dynamodb.Client)(nil)

// Options are what query-analytics needs. DB and the tables' names are required.
type Options struct {
	DB         DynamoDB
	Core       string           // table of tenants, order facts and stock
	Analytics  string           // table of roll-ups and markers
	Fresh      time.Duration    // how long open buckets, markers and stock are not read again; 0: 2 s
	Recheck    time.Duration    // how long closed buckets are not compared with the table; 0: 5 s
	CacheBytes int              // of roll-ups kept in the container; 0: 64 MiB
	Version    string           // the executed version, for the log
	Slow       time.Duration    // a request that takes longer is logged; 0: 200 ms
	Now        func() time.Time // nil: time.Now
	Log        *slog.Logger     // nil: nothing is logged
}

// EnsureDefaults replaces zero values.
func (o *Options) EnsureDefaults() {
	if o.Fresh == 0 {
		o.Fresh = 2 * time.Second
	}
	if o.Recheck == 0 {
		o.Recheck = 5 * time.Second
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = 64 << 20
	}
	if o.Slow == 0 {
		o.Slow = 200 * time.Millisecond
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Validate names everything that is missing.
func (o *Options) Validate() error {
	var faults []error
	if o.DB == nil {
		faults = append(faults, errors.New("reporting needs DynamoDB"))
	}
	if o.Core == "" || o.Analytics == "" {
		faults = append(faults, errors.New("reporting needs the names of both tables"))
	}
	if o.Fresh < 0 || o.Recheck < 0 || o.CacheBytes < 0 {
		faults = append(faults, errors.New("reporting needs cache settings that are not negative"))
	}
	return errors.Join(faults...)
}
