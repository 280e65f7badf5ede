package event

import (
	"bytes"
	"embed"
	"fmt"
	"strings"

	"github.com/retailflow/stampede/loadgen/tenant"
)

//go:embed shopify/*.tmpl woocommerce/*.tmpl magento/*.tmpl
var templateFiles embed.FS

// template is a text with @slots@ in it.
type template []piece

type piece struct {
	text string
	slot string // what follows the text; "" at the end
}

// templates are a platform's bodies and parts of bodies by name.
type templates map[string]template

// parseTemplates reads the bodies of every platform that has some.
func parseTemplates() (map[tenant.Platform]templates, error) {
	all := map[tenant.Platform]templates{}
	for _, platform := range []tenant.Platform{tenant.Shopify, tenant.WooCommerce, tenant.Magento} {
		files, err := templateFiles.ReadDir(string(platform))
		if err != nil {
			return nil, fmt.Errorf("read webhook templates: %w", err)
		}
		all[platform] = templates{}
		for _, file := range files {
			path := string(platform) + "/" + file.Name()
			text, err := templateFiles.ReadFile(path)
			if err != nil {
				return nil, fmt.Errorf("read webhook template: %w", err)
			}
			name := strings.TrimSuffix(file.Name(), ".json.tmpl")
			if all[platform][name], err = parseTemplate(string(bytes.TrimSpace(text))); err != nil {
				return nil, fmt.Errorf("webhook template %s: %w", path, err)
			}
		}
	}
	return all, nil
}

func parseTemplate(text string) (t template, err error) {
	parts := strings.Split(text, "@")
	if len(parts)%2 == 0 {
		return nil, fmt.Errorf("an @slot@ is not closed")
	}
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
