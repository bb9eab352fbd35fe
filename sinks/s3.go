package sinks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// S3 is a Store in a bucket of S3 or of a compatible server that knows conditional writes. Objects are sent with
// one PutObject and a CRC32. Requests are repeated with backoff after 5xx, throttling, broken connections and 409
// (a concurrent conditional write) for Config.Attempts, always with the same bytes.
type S3 struct {
	client *s3.Client
	bucket string
	prefix string // "" or ending with a slash
}

const (
	// An operation may take quietTime and the time of its bytes at slowRate, repetitions included; then it is
	// given up like a broken connection.
	quietTime = 2 * time.Minute
	slowRate  = 256 << 10 // bytes per second
	// wholeBytes is the time allowance of an object of unknown size: the largest that is made here.
	wholeBytes = 256 << 20
	// answerTime is how long a server may think before its first answer byte.
	answerTime = 30 * time.Second
	// conflictCode is S3's 409 for a conditional write beside another one.
	conflictCode = "ConditionalRequestConflict"
)

// NewS3 makes a store of the keys of the bucket below prefix (no slashes at its ends). Credentials come from AWS's
// default chain. Nothing is sent to the bucket.
func NewS3(ctx context.Context, bucket, prefix string, cfg Config) (*S3, error) {
	if bucket == "" {
		return nil, errors.New("open store s3://: no bucket")
	}
	if prefix != "" {
		if err := checkKey(prefix); err != nil {
			return nil, fmt.Errorf("open store s3://%s: prefix: %w", bucket, err)
		}
		prefix += "/"
	}
	// The SDK's own client type, unlike a bare http.Client, takes AWS_CA_BUNDLE.
	httpClient := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.ResponseHeaderTimeout = answerTime
	})
	awsCfg, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(httpClient))
	if err != nil {
		return nil, fmt.Errorf("open store s3://%s: load AWS settings: %w", bucket, err)
	}
	client := s3.NewFromConfig(awsCfg, func(o *s3.Options) {
		o.UsePathStyle = cfg.PathStyle
		o.Retryer = newRetryer(cfg)
		o.DisableLogOutputChecksumValidationSkipped = true
		if cfg.Endpoint != "" {
			o.BaseEndpoint = aws.String(cfg.Endpoint)
		}
		switch {
		case cfg.Region != "":
			o.Region = cfg.Region
		case o.Region == "" && cfg.Endpoint != "":
			o.Region = "us-east-1" // what signatures for servers without regions use
		}
	})
	return &S3{client: client, bucket: bucket, prefix: prefix}, nil
}

// newRetryer bounds retries by attempts alone: the SDK's shared token bucket would, after an outage, fail requests
// at once that a second attempt would save.
func newRetryer(cfg Config) aws.Retryer {
	r := retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff = cfg.Attempts, cfg.MaxBackoff
		if o.MaxAttempts == 0 {
			o.MaxAttempts = defaultAttempts
		}
		if o.MaxBackoff == 0 {
			o.MaxBackoff = defaultMaxBackoff
		}
		o.RateLimiter = ratelimit.None
	})
	return retry.AddWithErrorCodes(r, conflictCode)
}

func (s *S3) name(key string) (*string, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	return aws.String(s.prefix + key), nil
}

// limitTime bounds an operation that moves the bytes.
func limitTime(ctx context.Context, bytes int64) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, quietTime+time.Duration(bytes/slowRate)*time.Second)
}

// plain turns an SDK error into what the contract promises for it.
func plain(err error) error {
	var re *awshttp.ResponseError
	if err == nil || !errors.As(err, &re) {
		return err
	}
	var api smithy.APIError
	code := ""
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	switch {
	case re.HTTPStatusCode() == http.StatusNotFound && code != "NoSuchBucket":
		return fs.ErrNotExist
	case re.HTTPStatusCode() == http.StatusPreconditionFailed:
		return fs.ErrExist
	}
	return err
}

// Get implements Store.
func (s *S3) Get(ctx context.Context, key string, off, n int64) ([]byte, error) {
	b, err := s.get(ctx, key, off, n, nil)
	if err != nil {
		return nil, fmt.Errorf("get object %s: %w", key, err)
	}
	return b, nil
}

// get reads a range, of the version with the tag when there is one. The SDK repeats requests, but not the reading
// of an answer, so that is repeated here.
func (s *S3) get(ctx context.Context, key string, off, n int64, tag *string) ([]byte, error) {
	name, err := s.name(key)
	if err != nil {
		return nil, err
	}
	if off < 0 {
		return nil, fmt.Errorf("negative offset %d", off)
	}
	if n == 0 { // no range header says this
		_, err := s.head(ctx, key)
		return nil, err
	}
	expect := n
	if n < 0 {
		expect = wholeBytes
	}
	ctx, cancel := limitTime(ctx, expect)
	defer cancel()
	in := &s3.GetObjectInput{Bucket: &s.bucket, Key: name, Range: rangeHeader(off, n), IfMatch: tag}
	for attempt := 1; ; attempt++ {
		out, err := s.client.GetObject(ctx, in, func(o *s3.Options) {
			if in.Range != nil {
				// Some servers send the checksum of the whole object with a part of it.
				o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
			}
		})
		var re *awshttp.ResponseError
		if errors.As(err, &re) && re.HTTPStatusCode() == http.StatusRequestedRangeNotSatisfiable {
			return nil, nil
		}
		if err != nil {
			return nil, plain(err)
		}
		if tag != nil && aws.ToString(out.ETag) != *tag { // not every server knows if-match here
			out.Body.Close()
			return nil, fs.ErrExist
		}
		b, err := readBody(out.Body, out.ContentLength)
		if err == nil || attempt == 3 || ctx.Err() != nil {
			return b, err
		}
	}
}

func rangeHeader(off, n int64) *string {
	switch {
	case n >= 0:
		return aws.String(fmt.Sprintf("bytes=%d-%d", off, off+n-1))
	case off > 0:
		return aws.String(fmt.Sprintf("bytes=%d-", off))
	}
	return nil
}

func readBody(body io.ReadCloser, length *int64) ([]byte, error) {
	defer body.Close()
	if length == nil || *length < 0 {
		return io.ReadAll(body)
	}
	b := make([]byte, *length)
	if _, err := io.ReadFull(body, b); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	// The checksum of a whole object is compared at the end of the stream.
	if _, err := io.Copy(io.Discard, body); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	return b, nil
}

// Create implements Store.
func (s *S3) Create(ctx context.Context, key string, body io.ReadSeeker) error {
	if err := s.put(ctx, key, body, &s3.PutObjectInput{IfNoneMatch: aws.String("*")}); err != nil {
		return fmt.Errorf("create object %s: %w", key, err)
	}
	return nil
}

// Replace implements Store.
func (s *S3) Replace(ctx context.Context, key string, body io.ReadSeeker, ifMatch string) error {
	if err := s.put(ctx, key, body, &s3.PutObjectInput{IfMatch: &ifMatch}); err != nil {
		return fmt.Errorf("replace object %s: %w", key, err)
	}
	return nil
}

func (s *S3) put(ctx context.Context, key string, body io.ReadSeeker, in *s3.PutObjectInput) error {
	name, err := s.name(key)
	if err != nil {
		return err
	}
	size, err := body.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = body.Seek(0, io.SeekStart)
	}
	if err != nil {
		return err
	}
	ctx, cancel := limitTime(ctx, size)
	defer cancel()
	in.Bucket, in.Key, in.Body, in.ContentLength = &s.bucket, name, body, &size
	in.ChecksumAlgorithm = types.ChecksumAlgorithmCrc32
	_, err = s.client.PutObject(ctx, in)
	return plain(err)
}

// Stat implements Store.
func (s *S3) Stat(ctx context.Context, key string) (Info, error) {
	out, err := s.head(ctx, key)
	if err != nil {
		return Info{}, fmt.Errorf("stat object %s: %w", key, err)
	}
	return Info{Size: aws.ToInt64(out.ContentLength), Tag: aws.ToString(out.ETag),
		Modified: aws.ToTime(out.LastModified)}, nil
}

func (s *S3) head(ctx context.Context, key string) (*s3.HeadObjectOutput, error) {
	name, err := s.name(key)
	if err != nil {
		return nil, err
	}
	ctx, cancel := limitTime(ctx, 0)
	defer cancel()
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.bucket, Key: name})
	return out, plain(err)
}

// List implements Store.
func (s *S3) List(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	if err := checkPrefix(prefix); err != nil {
		return nil, fmt.Errorf("list %s: %w", prefix, err)
	}
	in := &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: aws.String(s.prefix + prefix)}
	if after != "" {
		in.StartAfter = aws.String(s.prefix + after)
	}
	var keys []string
	for {
		if limit > 0 {
			in.MaxKeys = aws.Int32(int32(min(limit-len(keys), 1000)))
		}
		out, err := s.page(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", prefix, err)
		}
		for i := range out.Contents {
			keys = append(keys, strings.TrimPrefix(aws.ToString(out.Contents[i].Key), s.prefix))
		}
		if !aws.ToBool(out.IsTruncated) || limit > 0 && len(keys) >= limit {
			return keys, nil
		}
		in.ContinuationToken = out.NextContinuationToken
	}
}

func (s *S3) page(ctx context.Context, in *s3.ListObjectsV2Input) (*s3.ListObjectsV2Output, error) {
	ctx, cancel := limitTime(ctx, 0)
	defer cancel()
	return s.client.ListObjectsV2(ctx, in)
}

// Delete implements Store.
func (s *S3) Delete(ctx context.Context, key string) error {
	name, err := s.name(key)
	if err == nil {
		ctx, cancel := limitTime(ctx, 0)
		defer cancel()
		_, err = s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: name})
		err = plain(err)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete object %s: %w", key, err)
	}
	return nil
}
