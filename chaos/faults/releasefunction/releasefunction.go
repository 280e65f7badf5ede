package releasefunction

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/retailflow/stampede/chaos/fault"
)

const (
	// Alias is what traffic comes through.
	Alias = "live"
	// DefectEnv holds the defect of a version, as [fault.Defect] prints itself.
	DefectEnv = "STAMPEDE_DEFECT"

	wrapperEnv = "AWS_LAMBDA_EXEC_WRAPPER"
	pollEvery  = 20 * time.Millisecond // while an update is in progress
	conflicts  = 10                    // tries of a change that another change came before
)

// Options say where the function lives.
type Options struct {
	Edge      string   // base URL of Lambda
	AccessKey string   // "local"
	Secret    string   // "local"
	Region    string   // us-east-1
	Wrapper   []string // the command that runs Wrap; its words may hold no spaces
}

// Fault publishes a version. Its methods may be called concurrently, but for Apply.
type Fault struct {
	fault   fault.Fault
	wrapper string
	client  *lambda.Client

	mu struct {
		sync.Mutex
		version string
	}
}

// Inverse is what Revert needs.
type Inverse struct {
	Function  string            `json:"function"`
	Alias     string            `json:"alias"`
	Stable    string            `json:"stable"`    // the alias's version before
	Variables map[string]string `json:"variables"` // of $LATEST before
}

// New makes the fault.
func New(f fault.Fault, o Options) (*Fault, error) {
	if len(o.Wrapper) == 0 {
		return nil, errors.New("release: no wrapper command")
	}
	for _, word := range o.Wrapper {
		if word == "" || strings.ContainsAny(word, " \t\n") {
			return nil, fmt.Errorf("release: the wrapper's word %q is empty or holds a space", word)
		}
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.AccessKey == "" {
		o.AccessKey, o.Secret = "local", "local"
	}
	client := lambda.New(lambda.Options{
		BaseEndpoint: aws.String(o.Edge), Region: o.Region,
		Credentials: credentials.NewStaticCredentialsProvider(o.AccessKey, o.Secret, ""),
		HTTPClient:  &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}},
	})
	return &Fault{fault: f, wrapper: strings.Join(o.Wrapper, " "), client: client}, nil
}

// Prepare reads what is to be restored. An alias that shares its traffic already is refused: a
// release is under way.
func (b *Fault) Prepare(ctx context.Context) (json.RawMessage, error) {
	alias, err := b.client.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: &b.fault.Target, Name: aws.String(Alias)})
	if err != nil {
		return nil, fmt.Errorf("read alias %s of %s: %w", Alias, b.fault.Target, err)
	}
	if alias.RoutingConfig != nil && len(alias.RoutingConfig.AdditionalVersionWeights) > 0 {
		return nil, fmt.Errorf("alias %s of %s shares its traffic with another version already", Alias, b.fault.Target)
	}
	config, err := b.configuration(ctx, b.fault.Target)
	if err != nil {
		return nil, err
	}
	return json.Marshal(Inverse{Function: b.fault.Target, Alias: Alias, Stable: *alias.FunctionVersion, Variables: variables(config)})
}

// Apply publishes the version and restores $LATEST. The details name the "version" and the
// "stable" one beside it.
func (b *Fault) Apply(ctx context.Context) (map[string]string, error) {
	name := b.fault.Target
	config, err := b.configuration(ctx, name)
	if err != nil {
		return nil, err
	}
	before := variables(config)
	changed := maps.Clone(before)
	changed[DefectEnv] = b.fault.Defect.String()
	if b.fault.Defect.Kind != fault.None {
		changed[wrapperEnv] = b.wrapper
	}
	revision, err := b.configure(ctx, name, changed, config.RevisionId)
	if err != nil {
		return nil, err
	}
	published, err := b.client.PublishVersion(ctx, &lambda.PublishVersionInput{
		FunctionName: &name, RevisionId: revision, Description: aws.String("defect: " + b.fault.Defect.String())})
	if err != nil {
		return nil, fmt.Errorf("publish version of %s: %w", name, err)
	}
	if _, err := b.configure(ctx, name, before, nil); err != nil {
		return nil, err
	}
	alias, err := b.client.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: &name, Name: aws.String(Alias)})
	if err != nil {
		return nil, fmt.Errorf("read alias %s of %s: %w", Alias, name, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mu.version = *published.Version
	return map[string]string{"function": name, "alias": Alias, "version": *published.Version, "stable": *alias.FunctionVersion}, nil
}

// Revert sets the alias to the stable version without weights, and $LATEST to its variables if
// they are still the version's. It may be repeated. A function that is gone is reverted.
func (b *Fault) Revert(ctx context.Context, inverse json.RawMessage) error {
	var inv Inverse
	if err := json.Unmarshal(inverse, &inv); err != nil {
		return fmt.Errorf("read inverse of a release: %w", err)
	}
	var gone *types.ResourceNotFoundException
	if err := b.revertAlias(ctx, inv); err != nil && !errors.As(err, &gone) {
		return err
	}
	config, err := b.configuration(ctx, inv.Function)
	switch {
	case errors.As(err, &gone):
		return nil
	case err != nil:
		return err
	case variables(config)[DefectEnv] == "":
		return nil
	}
	_, err = b.configure(ctx, inv.Function, inv.Variables, nil)
	return err
}

// revertAlias changes the alias on condition that it is still the one that was read, again and
// again while others change it, until it reads back right.
func (b *Fault) revertAlias(ctx context.Context, inv Inverse) error {
	for try := 0; ; try++ {
		alias, err := b.client.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: &inv.Function, Name: &inv.Alias})
		if err != nil {
			return fmt.Errorf("read alias %s of %s: %w", inv.Alias, inv.Function, err)
		}
		weights := alias.RoutingConfig != nil && len(alias.RoutingConfig.AdditionalVersionWeights) > 0
		if *alias.FunctionVersion == inv.Stable && !weights {
			return nil
		}
		_, err = b.client.UpdateAlias(ctx, &lambda.UpdateAliasInput{
			FunctionName: &inv.Function, Name: &inv.Alias, FunctionVersion: &inv.Stable,
			RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{}}, RevisionId: alias.RevisionId,
		})
		var stale *types.PreconditionFailedException
		if err != nil && (!errors.As(err, &stale) || try >= conflicts) {
			return fmt.Errorf("set alias %s of %s back to version %s: %w", inv.Alias, inv.Function, inv.Stable, err)
		}
	}
}

// Hits confirms none: the harness counts the answers of the version.
func (b *Fault) Hits(context.Context) fault.Hits {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.version == "" {
		return fault.Hits{Effect: fmt.Sprintf("no version of %s was published", b.fault.Target)}
	}
	return fault.Hits{Effect: fmt.Sprintf("version %s of %s published, defect: %s", b.mu.version, b.fault.Target, b.fault.Defect)}
}

func (b *Fault) configuration(ctx context.Context, name string) (*lambda.GetFunctionConfigurationOutput, error) {
	out, err := b.client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
	if err != nil {
		return nil, fmt.Errorf("read configuration of %s: %w", name, err)
	}
	return out, nil
}

// configure sets the variables of $LATEST, waits until that is done and returns the revision.
func (b *Fault) configure(ctx context.Context, name string, variables map[string]string, revision *string) (*string, error) {
	if variables == nil {
		variables = map[string]string{}
	}
	_, err := b.client.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &name, Environment: &types.Environment{Variables: variables}, RevisionId: revision})
	if err != nil {
		return nil, fmt.Errorf("configure %s: %w", name, err)
	}
	for {
		config, err := b.configuration(ctx, name)
		if err != nil {
			return nil, err
		}
		switch config.LastUpdateStatus {
		case types.LastUpdateStatusSuccessful, "":
			return config.RevisionId, nil
		case types.LastUpdateStatusFailed:
			return nil, fmt.Errorf("configure %s: %s", name, aws.ToString(config.LastUpdateStatusReason))
		}
		timer := time.NewTimer(pollEvery)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, fmt.Errorf("configure %s: %w", name, ctx.Err())
		case <-timer.C:
		}
	}
}

// variables is a copy of a configuration's, never nil.
func variables(c *lambda.GetFunctionConfigurationOutput) map[string]string {
	out := map[string]string{}
	if c.Environment != nil {
		maps.Copy(out, c.Environment.Variables)
	}
	return out
}
