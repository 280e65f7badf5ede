package firehose

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// s3Destination is an S3 destination as callers write it.
type s3Destination struct {
	BucketARN         string
	RoleARN           string
	Prefix            string
	ErrorOutputPrefix string
	CompressionFormat string
	BufferingHints    *struct {
		SizeInMBs         *int
		IntervalInSeconds *int
	}
	ProcessingConfiguration          *struct{ Enabled bool }
	DynamicPartitioningConfiguration *struct{ Enabled bool }
}

type createInput struct {
	DeliveryStreamName                 string
	DeliveryStreamType                 string
	S3DestinationConfiguration         *s3Destination
	ExtendedS3DestinationConfiguration *s3Destination
}

var validName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`)

func (s *Service) create(r *wire.Request, in createInput) (any, error) {
	record, err := s.parse(in)
	if err != nil {
		return nil, err
	}
	s.admin.Lock()
	defer s.admin.Unlock()
	s.mu.RLock()
	_, exists := s.mu.streams[record.Name]
	count := len(s.mu.streams)
	s.mu.RUnlock()
	switch most := orMax(s.limits.Streams); {
	case exists:
		return nil, wire.Errorf(http.StatusBadRequest, "ResourceInUseException",
			"Firehose %s under accountId %s already exists", record.Name, s.account)
	case count >= most:
		s.hit(r.Now, "streams", s.region, strconv.Itoa(most)+" streams")
		return nil, wire.Errorf(http.StatusBadRequest, "LimitExceededException", "You have already reached the limit of %d streams.", most)
	}
	record.ID = s.seq.Add(1)
	record.Created = r.Now.UnixMilli()
	if err := s.store.put(record); err != nil {
		return nil, err
	}
	st := s.newStream(record)
	s.mu.Lock()
	s.mu.streams[record.Name] = st
	s.mu.Unlock()
	s.start(st)
	return map[string]string{"DeliveryStreamARN": s.arn(record.Name)}, nil
}

// parse reads a stream's configuration and says what is wrong with it, all at
// once.
func (s *Service) parse(in createInput) (streamRecord, error) {
	var faults []string
	fault := func(wrong bool, text string) {
		if wrong {
			faults = append(faults, text)
		}
	}
	d := in.ExtendedS3DestinationConfiguration
	if d == nil {
		d = in.S3DestinationConfiguration
	}
	if d == nil {
		d = &s3Destination{}
		fault(true, "only S3 destinations are served here")
	}
	r := streamRecord{Name: in.DeliveryStreamName, RoleARN: d.RoleARN, Prefix: d.Prefix, Errors: d.ErrorOutputPrefix, MiB: defaultMiB, Seconds: defaultSeconds}
	var ok bool
	r.Bucket, ok = strings.CutPrefix(d.BucketARN, "arn:aws:s3:::")
	fault(!ok, "BucketARN must be arn:aws:s3:::bucket")
	fault(!validName.MatchString(r.Name), "DeliveryStreamName must have 1 to 64 of a-z, A-Z, 0-9, '_', '.', '-'")
	fault(in.DeliveryStreamType != "" && in.DeliveryStreamType != "DirectPut", "only DirectPut streams are served here")
	fault(d.CompressionFormat != "" && d.CompressionFormat != "UNCOMPRESSED", "compression is not served here")
	fault(d.ProcessingConfiguration != nil && d.ProcessingConfiguration.Enabled, "processing is not served here")
	fault(d.DynamicPartitioningConfiguration != nil && d.DynamicPartitioningConfiguration.Enabled, "partitioning is not served here")
	fault(strings.Contains(r.Prefix, "!{"), "prefix expressions are not served here")
	d.hint(&r, fault)
	if len(faults) > 0 {
		return r, wire.Errorf(http.StatusBadRequest, "InvalidArgumentException", "%s.", strings.Join(faults, "; "))
	}
	return r, nil
}

// hint takes the buffering hints over, if there are any.
// Source: https://docs.aws.amazon.com/firehose/latest/APIReference/API_BufferingHints.html
func (d *s3Destination) hint(r *streamRecord, fault func(bool, string)) {
	if h := d.BufferingHints; h != nil {
		fault((h.SizeInMBs == nil) != (h.IntervalInSeconds == nil), "SizeInMBs and IntervalInSeconds must be given together")
		if h.SizeInMBs != nil {
			r.MiB = *h.SizeInMBs
		}
		if h.IntervalInSeconds != nil {
			r.Seconds = *h.IntervalInSeconds
		}
	}
	fault(r.MiB < 1 || r.MiB > 128, "SizeInMBs must be 1 to 128")
	fault(r.Seconds < 0 || r.Seconds > 900, "IntervalInSeconds must be 0 to 900")
}

// destinationID is that of a stream's only destination.
const destinationID = "destinationId-000000000001"

// version is what an update of the destination must name.
func (r streamRecord) version() string { return strconv.Itoa(r.Changes + 1) }

type updateInput struct {
	DeliveryStreamName             string
	CurrentDeliveryStreamVersionId string
	DestinationId                  string
	S3DestinationUpdate            *s3Destination
	ExtendedS3DestinationUpdate    *s3Destination
}

// update changes the buffering hints, for what is buffered already too. What is not given stays;
// the rest of a destination cannot be changed here.
// Source: https://docs.aws.amazon.com/firehose/latest/APIReference/API_UpdateDestination.html
func (s *Service) update(_ *wire.Request, in updateInput) (any, error) {
	s.admin.Lock()
	defer s.admin.Unlock()
	st, err := s.find(in.DeliveryStreamName)
	if err != nil {
		return nil, err
	}
	d := in.ExtendedS3DestinationUpdate
	if d == nil {
		d = in.S3DestinationUpdate
	}
	st.mu.Lock()
	r := st.mu.record
	st.mu.Unlock()
	switch {
	case in.CurrentDeliveryStreamVersionId != r.version():
		return nil, wire.Errorf(http.StatusBadRequest, "ConcurrentModificationException",
			"Cannot update firehose: %s since the current version id: %s and specified version id: %s do not match", r.Name, r.version(), in.CurrentDeliveryStreamVersionId)
	case in.DestinationId != destinationID:
		return nil, wire.Errorf(http.StatusBadRequest, "InvalidArgumentException", "Destination Id %s not found", in.DestinationId)
	case d == nil:
		return nil, wire.Errorf(http.StatusBadRequest, "InvalidArgumentException", "only S3 destinations are served here.")
	}
	var faults []string
	fault := func(wrong bool, text string) {
		if wrong {
			faults = append(faults, text)
		}
	}
	kept := func(text, now string) bool { return text == "" || text == now }
	fault(!kept(d.BucketARN, "arn:aws:s3:::"+r.Bucket) || !kept(d.RoleARN, r.RoleARN) || !kept(d.Prefix, r.Prefix) || !kept(d.ErrorOutputPrefix, r.Errors) ||
		!kept(d.CompressionFormat, "UNCOMPRESSED") || d.ProcessingConfiguration != nil && d.ProcessingConfiguration.Enabled ||
		d.DynamicPartitioningConfiguration != nil && d.DynamicPartitioningConfiguration.Enabled, "only BufferingHints can be changed here")
	d.hint(&r, fault)
	if len(faults) > 0 {
		return nil, wire.Errorf(http.StatusBadRequest, "InvalidArgumentException", "%s.", strings.Join(faults, "; "))
	}
	r.Changes++
	if err := s.store.put(r); err != nil {
		return nil, err
	}
	st.mu.Lock()
	st.mu.record, st.mu.buffer.hints = r, s.hints(r)
	st.mu.Unlock()
	st.poke() // what is buffered may be due now
	return nil, nil
}

func (s *Service) arn(name string) string {
	return "arn:aws:firehose:" + s.region + ":" + s.account + ":deliverystream/" + name
}

type nameInput struct {
	DeliveryStreamName               string
	Limit                            int
	ExclusiveStartDeliveryStreamName string
}

func (s *Service) describe(_ *wire.Request, in nameInput) (any, error) {
	st, err := s.find(in.DeliveryStreamName)
	if err != nil {
		return nil, err
	}
	st.mu.Lock()
	r := st.mu.record
	st.mu.Unlock()
	destination := map[string]any{
		"BucketARN": "arn:aws:s3:::" + st.Bucket, "RoleARN": st.RoleARN, "Prefix": st.Prefix, "ErrorOutputPrefix": st.Errors,
		"CompressionFormat":       "UNCOMPRESSED",
		"EncryptionConfiguration": map[string]string{"NoEncryptionConfig": "NoEncryption"},
		"BufferingHints":          map[string]int{"SizeInMBs": r.MiB, "IntervalInSeconds": r.Seconds},
	}
	return map[string]any{"DeliveryStreamDescription": map[string]any{
		"DeliveryStreamARN": s.arn(st.Name), "DeliveryStreamName": st.Name, "DeliveryStreamType": "DirectPut",
		"DeliveryStreamStatus": "ACTIVE", "VersionId": r.version(), "HasMoreDestinations": false,
		"CreateTimestamp": float64(st.Created) / 1000,
		"Destinations": []any{map[string]any{"DestinationId": destinationID,
			"ExtendedS3DestinationDescription": destination, "S3DestinationDescription": destination}},
	}}, nil
}

// defaultListed is how many streams a call lists if it does not say.
// Source: https://docs.aws.amazon.com/firehose/latest/APIReference/API_ListDeliveryStreams.html
const defaultListed = 10

func (s *Service) list(_ *wire.Request, in nameInput) (any, error) {
	s.mu.RLock()
	names := slices.Sorted(maps.Keys(s.mu.streams))
	s.mu.RUnlock()
	names = slices.DeleteFunc(names, func(n string) bool { return n <= in.ExclusiveStartDeliveryStreamName })
	limit := in.Limit
	if limit <= 0 {
		limit = defaultListed
	}
	more := len(names) > limit
	if more {
		names = names[:limit]
	}
	if names == nil {
		names = []string{}
	}
	return map[string]any{"DeliveryStreamNames": names, "HasMoreDeliveryStreams": more}, nil
}

// delete removes a stream. What it had not delivered is lost, as on AWS.
func (s *Service) delete(_ *wire.Request, in nameInput) (any, error) {
	s.admin.Lock()
	defer s.admin.Unlock()
	st, err := s.find(in.DeliveryStreamName)
	if err != nil {
		return nil, err
	}
	st.halt()
	if err := s.store.drop(st.ID, st.Name); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.mu.streams, st.Name)
	return nil, nil
}
