package wire

// Operation is one operation of a service: what it returns is the answer.
type Operation func(*Request) (any, error)

// Decoded is the operation that reads its input from the request's body.
func Decoded[In, Out any](do func(*Request, In) (Out, error)) Operation {
	return func(r *Request) (any, error) {
		var in In
		if err := Decode(r, &in); err != nil {
			return nil, err
		}
		return do(r, in)
	}
}

// Operations are those of a service, by action.
type Operations map[string]Operation

// Call runs the operation that the request names.
func (o Operations) Call(r *Request) (any, error) {
	operation, ok := o[r.Action]
	if !ok {
		return nil, UnknownOperation(r)
	}
	return operation(r)
}
