package stepfunctions

import "github.com/retailflow/stampede/reference/cloud/wire"

// Defaults are the settings of state machines.
func Defaults() []wire.Setting {
	const source = "https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html"
	return []wire.Setting{{Operation: "CreateStateMachine", Member: "Type", Name: "type of state machines", AWS: "STANDARD", Source: source}}
}
