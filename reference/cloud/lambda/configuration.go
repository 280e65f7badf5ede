package lambda

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// latest is the version that changes; all others are immutable.
const latest = "$LATEST"

// Configuration is a version of a function as the API shows it.
// https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
type Configuration struct {
	FunctionName     string
	FunctionArn      string
	Runtime          string `json:",omitempty"`
	Role             string `json:",omitempty"`
	Handler          string `json:",omitempty"`
	CodeSize         int64
	CodeSha256       string
	Description      string
	Timeout          int // seconds
	MemorySize       int // MB
	LastModified     string
	Version          string
	Environment      *Variables `json:",omitempty"`
	RevisionID       string     `json:"RevisionId"`
	State            string
	LastUpdateStatus string
	PackageType      string
	Architectures    []string
	EphemeralStorage struct{ Size int }
	TracingConfig    struct{ Mode string }
}

// Variables are a function's own environment variables.
type Variables struct {
	Variables map[string]string
}

// settings are the members of a create or update request that go into a Configuration; nil
// leaves what is there.
type settings struct {
	Runtime          *string
	Role             *string
	Handler          *string
	Description      *string
	Timeout          *int
	MemorySize       *int
	Environment      *Variables
	Architectures    []string
	EphemeralStorage *struct{ Size int }
	TracingConfig    *struct{ Mode string }
}

// newConfiguration is $LATEST with AWS's defaults.
func newConfiguration(name, arn string) *Configuration {
	c := &Configuration{
		FunctionName: name, FunctionArn: arn, Timeout: defaultTimeout, MemorySize: defaultMemory, Version: latest,
		State: "Active", LastUpdateStatus: "Successful", PackageType: "Zip", Architectures: []string{"x86_64"},
	}
	c.EphemeralStorage.Size = defaultStorage
	c.TracingConfig.Mode = defaultTracing
	return c
}

// apply checks all settings and then takes them over.
func (c *Configuration) apply(set *settings, limits *Limits) error {
	switch {
	case set.Timeout != nil && (*set.Timeout < 1 || *set.Timeout > maxTimeout):
		return invalid("Value '%d' at 'timeout' failed to satisfy constraint: Member must have value between 1 and %d", *set.Timeout, maxTimeout)
	case set.MemorySize != nil && (*set.MemorySize < minMemory || *set.MemorySize > maxMemory):
		return invalid("Value '%d' at 'memorySize' failed to satisfy constraint: Member must have value between %d and %d", *set.MemorySize, minMemory, maxMemory)
	}
	if set.Environment != nil {
		if err := checkVariables(set.Environment.Variables, limits.EnvironmentBytes); err != nil {
			return err
		}
		c.Environment = &Variables{Variables: maps.Clone(set.Environment.Variables)}
	}
	replace(&c.Runtime, set.Runtime)
	replace(&c.Role, set.Role)
	replace(&c.Handler, set.Handler)
	replace(&c.Description, set.Description)
	replace(&c.Timeout, set.Timeout)
	replace(&c.MemorySize, set.MemorySize)
	if len(set.Architectures) > 0 {
		c.Architectures = slices.Clone(set.Architectures)
	}
	if set.EphemeralStorage != nil {
		c.EphemeralStorage.Size = set.EphemeralStorage.Size
	}
	if set.TracingConfig != nil {
		c.TracingConfig.Mode = set.TracingConfig.Mode
	}
	return nil
}

func replace[T any](field, with *T) {
	if with != nil {
		*field = *with
	}
}

// sameCode says whether publishing c would repeat published: Lambda then returns the old one.
func (c *Configuration) sameAs(published *Configuration) bool {
	return c.CodeSha256 == published.CodeSha256 && c.Timeout == published.Timeout && c.MemorySize == published.MemorySize &&
		c.Handler == published.Handler && c.Role == published.Role && c.Runtime == published.Runtime &&
		maps.Equal(c.variables(), published.variables())
}

func (c *Configuration) variables() map[string]string {
	if c.Environment == nil {
		return nil
	}
	return c.Environment.Variables
}

func (c *Configuration) timeout() time.Duration { return time.Duration(c.Timeout) * time.Second }

// reserved are the variables that only the service sets.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
var reserved = map[string]bool{
	"_HANDLER": true, "_X_AMZN_TRACE_ID": true, "AWS_DEFAULT_REGION": true, "AWS_REGION": true,
	"AWS_EXECUTION_ENV": true, "AWS_LAMBDA_FUNCTION_NAME": true, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": true,
	"AWS_LAMBDA_FUNCTION_VERSION": true, "AWS_LAMBDA_INITIALIZATION_TYPE": true, "AWS_LAMBDA_LOG_GROUP_NAME": true,
	"AWS_LAMBDA_LOG_STREAM_NAME": true, "AWS_ACCESS_KEY": true, "AWS_ACCESS_KEY_ID": true,
	"AWS_SECRET_ACCESS_KEY": true, "AWS_SESSION_TOKEN": true, "AWS_LAMBDA_RUNTIME_API": true,
	"LAMBDA_TASK_ROOT": true, "LAMBDA_RUNTIME_DIR": true,
}

var variableName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)

func checkVariables(variables map[string]string, limit int) error {
	size := 0
	var refused []string
	for name, value := range variables {
		size += len(name) + len(value)
		if !variableName.MatchString(name) || strings.ContainsRune(value, 0) {
			return invalid("Value '%s' at 'environment.variables' failed to satisfy constraint: Member must satisfy regular expression pattern: %s", name, variableName)
		}
		if reserved[name] {
			refused = append(refused, name)
		}
	}
	if len(refused) > 0 {
		slices.Sort(refused)
		return invalid("Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", strings.Join(refused, ", "))
	}
	if limit > 0 && size > limit {
		return invalid("Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the %dKB limit.", limit>>10)
	}
	return nil
}

func invalid(format string, args ...any) *wire.Error {
	return wire.Errorf(http.StatusBadRequest, "InvalidParameterValueException", "%s", fmt.Sprintf(format, args...))
}

func notFound(format string, args ...any) *wire.Error {
	return wire.Errorf(http.StatusNotFound, "ResourceNotFoundException", "%s", fmt.Sprintf(format, args...))
}

func conflict(format string, args ...any) *wire.Error {
	return wire.Errorf(http.StatusConflict, "ResourceConflictException", "%s", fmt.Sprintf(format, args...))
}

// checkRevision is the optimistic lock of every change that may carry a RevisionId.
func checkRevision(want *string, have string) error {
	if want == nil || *want == have {
		return nil
	}
	return wire.Errorf(http.StatusPreconditionFailed, "PreconditionFailedException",
		"The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
}

// modified is how Lambda writes times, such as 2026-11-27T05:00:00.000+0000.
func modified(now time.Time) string { return now.UTC().Format("2006-01-02T15:04:05.000-0700") }
