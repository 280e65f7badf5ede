package wire

import (
	"crypto/rand"
	"encoding/base32"

	"github.com/google/uuid"
)

// newRequestID is a new id of a request, in the form of its service.
func newRequestID(service string) string {
	if service != "dynamodb" {
		return uuid.NewString()
	}
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	id := make([]byte, 0, 52)
	return string(append(dynamodbDigits.AppendEncode(id, random[:]), dynamodbEnd...))
}

var dynamodbDigits = base32.HexEncoding.WithPadding(base32.NoPadding)

// dynamodbEnd is the half of DynamoDB's request ids that is the same in all.
const dynamodbEnd = "VV4KQNSO5AEMVJF66Q9ASUAAJG"
