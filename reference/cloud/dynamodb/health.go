package dynamodb

import (
	"hash/crc32"
	"net/http"
	"strconv"
)

// Health answers an unsigned GET of the root, as DynamoDB's endpoints do; load balancers and
// waiting scripts ask it.
func (s *Service) Health(w http.ResponseWriter, _ *http.Request) {
	text := []byte("healthy: dynamodb." + s.region + ".amazonaws.com ") // the space is AWS's
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(text)), 10))
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	if _, err := w.Write(text); err != nil {
		s.log.Debug("dynamodb_answer_not_sent", "error", err)
	}
}
