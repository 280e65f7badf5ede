package event

import (
	"bytes"
	"embed"
	"fmt"
	"strings"
)

//go:embed shopify/*.tmpl
var shopifyFiles embed.FS

// template is a text with @slots@ in it.
type template []piece

type piece struct {
	text string
	slot string // what follows the text; "" at the end
}

func parseTemplate(name string) (template, error) {
	text, err := shopifyFiles.ReadFile("shopify/" + name + ".json.tmpl")
	if err != nil {
		return nil, fmt.Errorf("read webhook template %s: %w", name, err)
	}
	parts := strings.Split(string(bytes.TrimSpace(text)), "@")
	if len(parts)%2 == 0 {
		return nil, fmt.Errorf("webhook template %s: an @slot@ is not closed", name)
	}
	var t template
	for i := 0; i < len(parts); i += 2 {
		p := piece{text: parts[i]}
		if i+1 < len(parts) {
			p.slot = parts[i+1]
		}
		t = append(t, p)
	}
	return t, nil
}

func (t template) append(b []byte, fill func(b []byte, slot string) []byte) []byte {
	for _, p := range t {
		b = append(b, p.text...)
		if p.slot != "" {
			b = fill(b, p.slot)
		}
	}
	return b
}

type webhookTemplates struct{ order, orderLine, orderCustomer, product, inventoryLevel, customer template }

func parseWebhooks() (w webhookTemplates, err error) {
	for name, into := range map[string]*template{
		"order": &w.order, "order_line": &w.orderLine, "order_customer": &w.orderCustomer,
		"product": &w.product, "inventory_level": &w.inventoryLevel, "customer": &w.customer,
	} {
		if *into, err = parseTemplate(name); err != nil {
			return w, err
		}
	}
	return w, nil
}
