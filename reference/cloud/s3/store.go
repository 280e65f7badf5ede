package s3

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// store is the gateway's posix backend with durable writes and announced creations. Everything
// that it does not name is posix's own.
type store struct {
	*posix.Posix
	root    string
	sidecar string // folder of attributes where the file system has none of its own, else ""
	disk    disk
	outbox  *outbox
	now     func() time.Time

	// step is called between the steps of a write; a test ends the process there by an error.
	step func(name string) error
}

// maxCopySource is the largest object that CopyObject takes:
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
const maxCopySource = 5 << 30

var _ backend.Backend = (*store)(nil)

// openStore prepares dir (absolute) and changes the process's working folder to the object root.
func openStore(dir string, d disk, box *outbox, now func() time.Time) (*store, error) {
	s := &store{root: filepath.Join(dir, "objects"), disk: d, outbox: box, now: now, step: func(string) error { return nil }}
	if err := os.MkdirAll(s.root, 0o755); err != nil {
		return nil, fmt.Errorf("make object root: %w", err)
	}
	var attributes meta.MetadataStorer = meta.XattrMeta{}
	if err := (meta.XattrMeta{}).Test(s.root); err != nil {
		s.sidecar = filepath.Join(dir, "attributes")
		if err := os.MkdirAll(s.sidecar, 0o755); err != nil {
			return nil, fmt.Errorf("make attribute root: %w", err)
		}
		if attributes, err = meta.NewSideCar(s.sidecar); err != nil {
			return nil, fmt.Errorf("open attribute root: %w", err)
		}
	}
	for folder := s.root; ; folder = filepath.Dir(folder) {
		if err := d.SyncDir(folder); err != nil {
			return nil, fmt.Errorf("sync object root: %w", err)
		}
		if folder == dir {
			break
		}
	}
	var err error
	s.Posix, err = posix.New(s.root, attributes, posix.PosixOpts{ForceNoObjLockFile: true, CopyObjectThreshold: maxCopySource})
	if err != nil {
		return nil, fmt.Errorf("open object root: %w", err)
	}
	return s, nil
}

// recoverIntents settles what an earlier process left open: the object is there and is announced,
// or it is not and the intent is dropped.
func (s *store) recoverIntents(ctx context.Context, intents []event) error {
	for _, e := range intents {
		head, err := s.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &e.Bucket, Key: &e.Key})
		if err != nil {
			if !missing(err) {
				return fmt.Errorf("settle intent of %s/%s: %w", e.Bucket, e.Key, err)
			}
			if err := s.outbox.drop(e); err != nil {
				return err
			}
			continue
		}
		// The object may be visible only in memory; announce nothing that can still vanish.
		if err := s.settleObject(e.Bucket, e.Key); err != nil {
			return err
		}
		e.Size, e.ETag, e.At = aws.ToInt64(head.ContentLength), aws.ToString(head.ETag), aws.ToTime(head.LastModified)
		if err := s.outbox.announce(e); err != nil {
			return err
		}
	}
	return nil
}

// create wraps one creating call: intent, write, sync, due.
func (s *store) create(bucket, key string, write func() (size int64, etag string, err error)) error {
	e, err := s.outbox.intend(bucket, key)
	if err != nil {
		return err
	}
	if err := s.step("intended"); err != nil {
		return err
	}
	size, etag, err := write()
	if err != nil {
		if dropErr := s.outbox.drop(e); dropErr != nil {
			return errors.Join(err, dropErr)
		}
		return err
	}
	if err := s.step("written"); err != nil {
		return err
	}
	if err := s.settleObject(bucket, key); err != nil {
		return err
	}
	if err := s.step("synced"); err != nil {
		return err
	}
	e.Size, e.ETag, e.At = size, etag, s.now()
	if err := s.outbox.announce(e); err != nil {
		return err
	}
	return s.step("announced")
}

// PutObject stores an object; see the package comment for its order.
func (s *store) PutObject(ctx context.Context, in s3response.PutObjectInput) (out s3response.PutObjectOutput, err error) {
	err = s.create(aws.ToString(in.Bucket), aws.ToString(in.Key), func() (int64, string, error) {
		var err error
		out, err = s.Posix.PutObject(ctx, in)
		return sizeOf(out.Size, in.ContentLength), out.ETag, err
	})
	return out, err
}

// CopyObject stores a copy of an object.
func (s *store) CopyObject(ctx context.Context, in s3response.CopyObjectInput) (out s3response.CopyObjectOutput, err error) {
	err = s.create(aws.ToString(in.Bucket), aws.ToString(in.Key), func() (int64, string, error) {
		var err error
		if out, err = s.Posix.CopyObject(ctx, in); err != nil {
			return 0, "", err
		}
		return s.describe(ctx, in.Bucket, in.Key)
	})
	return out, err
}

// CompleteMultipartUpload joins the parts of an upload into its object.
func (s *store) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput) (out s3response.CompleteMultipartUploadResult, version string, err error) {
	err = s.create(aws.ToString(in.Bucket), aws.ToString(in.Key), func() (int64, string, error) {
		var err error
		if out, version, err = s.Posix.CompleteMultipartUpload(ctx, in); err != nil {
			return 0, "", err
		}
		return s.describe(ctx, in.Bucket, in.Key)
	})
	return out, version, err
}

// CreateMultipartUpload opens an upload.
func (s *store) CreateMultipartUpload(ctx context.Context, in s3response.CreateMultipartUploadInput) (s3response.InitiateMultipartUploadResult, error) {
	out, err := s.Posix.CreateMultipartUpload(ctx, in)
	if err != nil {
		return out, err
	}
	return out, s.settlePart(aws.ToString(in.Bucket), aws.ToString(in.Key), out.UploadId, "")
}

// UploadPart stores one part of an upload.
func (s *store) UploadPart(ctx context.Context, in *s3.UploadPartInput) (*s3.UploadPartOutput, error) {
	out, err := s.Posix.UploadPart(ctx, in)
	if err != nil {
		return out, err
	}
	return out, s.settlePart(aws.ToString(in.Bucket), aws.ToString(in.Key), aws.ToString(in.UploadId), strconv.Itoa(int(aws.ToInt32(in.PartNumber))))
}

// UploadPartCopy stores one part of an upload from an existing object.
func (s *store) UploadPartCopy(ctx context.Context, in *s3.UploadPartCopyInput) (s3response.CopyPartResult, error) {
	out, err := s.Posix.UploadPartCopy(ctx, in)
	if err != nil {
		return out, err
	}
	return out, s.settlePart(aws.ToString(in.Bucket), aws.ToString(in.Key), aws.ToString(in.UploadId), strconv.Itoa(int(aws.ToInt32(in.PartNumber))))
}

// DeleteObject removes an object; its creation stays announced.
func (s *store) DeleteObject(ctx context.Context, in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	if err := s.outbox.flush(); err != nil {
		return nil, err
	}
	out, err := s.Posix.DeleteObject(ctx, in)
	if err != nil {
		return out, err
	}
	return out, s.settleObject(aws.ToString(in.Bucket), aws.ToString(in.Key))
}

// DeleteObjects removes up to 1,000 objects; their creations stay announced.
func (s *store) DeleteObjects(ctx context.Context, in *s3.DeleteObjectsInput) (s3response.DeleteResult, error) {
	if err := s.outbox.flush(); err != nil {
		return s3response.DeleteResult{}, err
	}
	out, err := s.Posix.DeleteObjects(ctx, in)
	if err != nil {
		return out, err
	}
	for _, object := range out.Deleted {
		if err := s.settleObject(aws.ToString(in.Bucket), aws.ToString(object.Key)); err != nil {
			return out, err
		}
	}
	return out, nil
}

// CreateBucket makes a bucket. All access keys belong to one account, and in us-east-1 creating
// again what one owns succeeds:
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
func (s *store) CreateBucket(ctx context.Context, in *s3.CreateBucketInput, acl []byte) error {
	err := s.Posix.CreateBucket(ctx, in, acl)
	if err != nil && !codeIs(err, "BucketAlreadyExists", "BucketAlreadyOwnedByYou") {
		return err
	}
	return s.settleObject(aws.ToString(in.Bucket), "")
}

// DeleteBucket removes an empty bucket.
func (s *store) DeleteBucket(ctx context.Context, bucket string) error {
	if err := s.Posix.DeleteBucket(ctx, bucket); err != nil {
		return err
	}
	return s.settleObject(bucket, "")
}

func (s *store) describe(ctx context.Context, bucket, key *string) (int64, string, error) {
	head, err := s.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		return 0, "", err
	}
	return aws.ToInt64(head.ContentLength), aws.ToString(head.ETag), nil
}

func (s *store) settleObject(bucket, key string) error {
	if s.sidecar != "" {
		if err := settleTree(s.disk, s.sidecar, filepath.Join(s.sidecar, bucket, key, "meta")); err != nil {
			return err
		}
	}
	return settle(s.disk, s.root, filepath.Join(s.root, bucket, key))
}

// settlePart follows posix's own layout of an upload in progress.
func (s *store) settlePart(bucket, key, upload, part string) error {
	sum := sha256.Sum256([]byte(key))
	return s.settleObject(bucket, filepath.Join(posix.MetaTmpMultipartDir, fmt.Sprintf("%x", sum), upload, part))
}

func sizeOf(written, declared *int64) int64 {
	if written != nil {
		return *written
	}
	return aws.ToInt64(declared)
}

func missing(err error) bool {
	return codeIs(err, "NoSuchKey", "NotFound", "NoSuchBucket", "NoSuchVersion", "InvalidBucketName", "KeyTooLongError") || absent(err)
}

func codeIs(err error, codes ...string) bool {
	var answer s3err.S3Error
	return errors.As(err, &answer) && slices.Contains(codes, answer.BaseError().Code)
}
