package stepfunctions

import (
	"strings"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

func (s *Service) machineARN(name string) string {
	return "arn:aws:states:" + s.o.Region + ":" + s.o.Account + ":stateMachine:" + name
}

func (s *Service) executionARN(path string) string {
	machine, name, _ := strings.Cut(path, "\x00")
	return "arn:aws:states:" + s.o.Region + ":" + s.o.Account + ":execution:" + machine + ":" + name
}

// resource takes an ARN of Step Functions apart: the parts behind its kind.
func resource(arn, kind string) ([]string, error) {
	if !strings.HasPrefix(arn, "arn:") {
		return nil, wire.Errorf(400, "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: %s'", arn)
	}
	parts := strings.Split(arn, ":")
	if len(parts) < 7 || parts[2] != "states" || parts[5] != kind {
		return nil, wire.Errorf(400, "InvalidArn", "Invalid Arn: 'Resource type not valid in this context: %s'", arn)
	}
	return parts[6:], nil
}

// path of an execution by its ARN.
func path(arn string) (string, error) {
	rest, err := resource(arn, "execution")
	if err != nil {
		return "", err
	}
	if len(rest) != 2 {
		return "", wire.Errorf(400, "InvalidArn", "Invalid Arn: 'Resource type not valid in this context: %s'", arn)
	}
	return executionPath(rest[0], rest[1]), nil
}

// checkName refuses what a name may not be:
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
func checkName(name string) error {
	if name == "" || len(name) > 80 || strings.ContainsAny(name, " \t\r\n<>{}[]?*\"#%\\^|~`$&,;:/") ||
		strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r >= 0x7f && r <= 0x9f }) {
		return wire.Errorf(400, "InvalidName", "Invalid Name: '%s'", name)
	}
	return nil
}
