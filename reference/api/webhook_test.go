package api_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/api"
)

func TestWebhookIDIsStableAndDependsOnAllParts(t *testing.T) {
	at := time.Date(2026, 11, 27, 10, 4, 30, 123456789, time.UTC)
	id := api.WebhookID(api.Shopify, "98880550-7158-44d4-b7cd-2c97c8a091b5", at)

	require.True(t, id.Valid())
	require.Equal(t, at.Truncate(time.Millisecond), id.Time())
	require.Equal(t, "01a21c76-b02b-7369-8f12-8c6f3b8d68c0", id.String(), "pinned: a change would count every redelivery twice")
	require.Equal(t, id, api.WebhookID(api.Shopify, "98880550-7158-44d4-b7cd-2c97c8a091b5", at.In(time.FixedZone("", 19800))))
	require.NotEqual(t, id, api.WebhookID(api.Shopify, "98880550-7158-44d4-b7cd-2c97c8a091b6", at))
	require.NotEqual(t, id, api.WebhookID(api.Shopify, "98880550-7158-44d4-b7cd-2c97c8a091b5", at.Add(time.Millisecond)))
	require.NotEqual(t, id, api.WebhookID(api.WooCommerce, "98880550-7158-44d4-b7cd-2c97c8a091b5", at))
	require.Equal(t, "t1#order.paid#727#2017-03-22T19:28:08", api.Occurrence("t1", "order.paid", "727", "2017-03-22T19:28:08"))
}
