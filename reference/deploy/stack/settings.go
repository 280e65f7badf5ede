package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// Setting is one thing that a deployment asked of a service for what it created there, and that is
// neither a name nor content, such as code, a definition or an item.
type Setting struct {
	Service   string // as its SDK calls it: DynamoDB
	Operation string // CreateTable
	Resource  string // name of the table, queue, …; "" if the operation names none
	Member    string // a path of members and keys: WarmThroughput.ReadUnitsPerSecond
	Value     string
}

// subject is what an operation's input names and contains, as paths of members; what lies below a
// path belongs to it. The first is the name of the resource.
type subject []string

// subjects are the operations that a deployment makes and that have settings. All that these paths
// do not cover are settings.
var subjects = map[string]subject{
	"CreateTable":              {"TableName", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes.IndexName", "GlobalSecondaryIndexes.KeySchema", "GlobalSecondaryIndexes.Projection"},
	"CreateBucket":             {"Bucket"},
	"CreateDeliveryStream":     {"DeliveryStreamName", "ExtendedS3DestinationConfiguration.BucketARN", "ExtendedS3DestinationConfiguration.RoleARN", "ExtendedS3DestinationConfiguration.Prefix"},
	"CreateQueue":              {"QueueName", "Attributes.RedrivePolicy.deadLetterTargetArn"},
	"CreateFunction":           {"FunctionName", "Role", "Runtime", "Handler", "Code", "Environment"},
	"CreateEventSourceMapping": {"FunctionName", "EventSourceArn"},
	"PutRule":                  {"Name", "EventPattern", "ScheduleExpression"},
	"PutTargets":               {"Rule", "Targets.Id", "Targets.Arn", "Targets.RoleArn", "Targets.Input"},
	"CreateStateMachine":       {"Name", "Definition", "RoleArn"},
	"CreateUsagePlan":          {"Name"},
}

// others are the operations without settings of something new: they look, they bring code, documents,
// keys and items, or they bring what an earlier Apply created to this one's settings.
var others = []string{
	"DescribeTable", "DescribeDeliveryStream", "GetQueueUrl", "GetAlias", "GetFunctionConfiguration", "ListEventSourceMappings", "GetRestApis",
	"GetUsagePlans", "GetUsagePlanKeys", "GetApiKeys",
	"BatchWriteItem", "PublishVersion", "CreateAlias", "UpdateAlias", "UpdateFunctionCode", "StartExecution", "ImportRestApi", "PutRestApi",
	"CreateDeployment", "ImportApiKeys", "CreateUsagePlanKey", "DeleteUsagePlanKey",
	"UpdateTable", "UpdateDestination", "SetQueueAttributes", "UpdateFunctionConfiguration", "UpdateEventSourceMapping", "UpdateStateMachine", "UpdateUsagePlan",
}

// functionSettings are those of a function's variables that the platform reads, not the function.
const functionSettings = "Environment.Variables.STAMPEDE_PRIORITY"

// record keeps the settings of all calls that go through it; safe for concurrent use.
type record struct {
	mu struct {
		sync.Mutex
		settings []Setting
	}
}

// watch makes a client's calls pass through the record.
func (r *record) watch(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("RecordSettings",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			found := settingsOf(awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx), in.Parameters)
			r.mu.Lock()
			r.mu.settings = append(r.mu.settings, found...)
			r.mu.Unlock()
			return next.HandleInitialize(ctx, in)
		}), middleware.After)
}

// list is what was recorded, in the order of the fields and each once.
func (r *record) list() []Setting {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := slices.Clone(r.mu.settings)
	slices.SortFunc(all, func(a, b Setting) int {
		return slices.Compare([]string{a.Service, a.Operation, a.Member, a.Resource, a.Value}, []string{b.Service, b.Operation, b.Member, b.Resource, b.Value})
	})
	return slices.Compact(all)
}

// settingsOf reads an operation's input. An operation that nobody knows consists of settings.
func settingsOf(service, operation string, input any) (out []Setting) {
	if slices.Contains(others, operation) {
		return nil
	}
	about := subjects[operation]
	var resource string
	leaves(reflect.ValueOf(input), "", func(member, value string) {
		if len(about) > 0 && member == about[0] {
			resource = value
		}
		if member == functionSettings || !about.covers(member) {
			out = append(out, Setting{Service: service, Operation: operation, Member: member, Value: value})
		}
	})
	if parts := strings.Split(resource, ":"); len(parts) > 6 && parts[0] == "arn" {
		resource = parts[6] // of a function, without its alias
	}
	for i := range out {
		out[i].Resource = resource
	}
	return out
}

func (s subject) covers(member string) bool {
	return slices.ContainsFunc(s, func(path string) bool { return member == path || strings.HasPrefix(member, path+".") })
}

// leaves calls f with every member of an input that is set: nil, and zero where the SDK has no
// pointer, are not sent. Elements of lists share their list's path.
func leaves(v reflect.Value, path string, f func(member, value string)) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return
		}
		if v = v.Elem(); v.Kind() == reflect.Struct || v.Kind() == reflect.Pointer {
			leaves(v, path, f)
			return
		}
		f(path, fmt.Sprint(v.Interface())) // a pointer to zero is sent
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() {
				leaves(v.Field(i), below(path, field.Name), f)
			}
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			leaves(v.MapIndex(key), below(path, key.String()), f)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			f(path, fmt.Sprintf("%d bytes", v.Len()))
			return
		}
		for i := range v.Len() {
			leaves(v.Index(i), path, f)
		}
	default:
		if v.IsZero() {
			return
		}
		text := fmt.Sprint(v.Interface())
		var object map[string]any // an attribute that is a document itself
		if strings.HasPrefix(text, "{") && json.Unmarshal([]byte(text), &object) == nil {
			for key, value := range object {
				f(below(path, key), fmt.Sprint(value))
			}
			return
		}
		f(path, text)
	}
}

func below(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
