package deploy

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// LambdaAliases are the aliases of AWS Lambda, or of what speaks its protocol.
type LambdaAliases struct{ Client *lambda.Client }

var _ Aliases = LambdaAliases{}

// Get reads an alias.
func (l LambdaAliases) Get(ctx context.Context, function, alias string) (Alias, error) {
	out, err := l.Client.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: &function, Name: &alias})
	if err != nil {
		return Alias{}, aliasError("get", function, alias, err)
	}
	return aliasOf(out.FunctionVersion, out.RoutingConfig, out.RevisionId), nil
}

// Set writes an alias over a revision.
func (l LambdaAliases) Set(ctx context.Context, function, alias, version string, weights map[string]float64, revisionID string) (Alias, error) {
	if weights == nil {
		weights = map[string]float64{} // an empty map removes the old weights, none would keep them
	}
	out, err := l.Client.UpdateAlias(ctx, &lambda.UpdateAliasInput{
		FunctionName: &function, Name: &alias, FunctionVersion: &version, RevisionId: &revisionID,
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: weights},
	})
	if err != nil {
		return Alias{}, aliasError("set", function, alias, err)
	}
	return aliasOf(out.FunctionVersion, out.RoutingConfig, out.RevisionId), nil
}

func aliasOf(version *string, routing *types.AliasRoutingConfiguration, revision *string) Alias {
	a := Alias{Version: aws.ToString(version), RevisionID: aws.ToString(revision)}
	if routing != nil && len(routing.AdditionalVersionWeights) > 0 {
		a.Weights = routing.AdditionalVersionWeights
	}
	return a
}

func aliasError(verb, function, alias string, err error) error {
	var revision *types.PreconditionFailedException
	var throttled *types.TooManyRequestsException
	switch {
	case errors.As(err, &revision):
		err = errors.Join(ErrRevision, err)
	case errors.As(err, &throttled):
		err = errors.Join(ErrThrottled, err)
	}
	return fmt.Errorf("%s alias %s of %s: %w", verb, alias, function, err)
}
