// Package html writes a result as report.html: one file that loads nothing from anywhere, reads
// well on a screen, light or dark, and on paper; [WriteLoad] does so for a load against one address.
// Entry point: [Write]. It starts no goroutine and
// opens no file.
//
// Charts are drawn in the reader's browser by uPlot, which is part of the file together with the
// numbers that they show; all tables and verdicts are plain HTML and need no script.
package html

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"

	"github.com/retailflow/stampede/reports"
)

//go:embed assets
var assets embed.FS

// page is what the template sees.
type page struct {
	*reports.Result
	drawing
}

// Write writes the report.
func Write(w io.Writer, r *reports.Result) error {
	return fill(w, "report.tmpl", page{Result: r, drawing: draw(chartsOf(r))})
}

// drawing is what draws the charts of a page, and what they show.
type drawing struct {
	Charts charts
	Styles template.CSS
	Plot   template.JS // uPlot, behind its licence, which must travel with it
	Script template.JS
}

func draw(c charts) drawing {
	text := func(name string) string {
		content, err := assets.ReadFile("assets/" + name)
		if err != nil {
			panic(err) // embedded: it is there, or the build was not
		}
		return string(content)
	}
	return drawing{
		Charts: c, Styles: template.CSS(text("uPlot.min.css") + text("report.css")),
		Plot: template.JS("/*\n" + text("uPlot.LICENSE") + "*/\n" + text("uPlot.iife.min.js")), Script: template.JS(text("report.js")),
	}
}

// fill writes a template's page.
func fill(w io.Writer, name string, p any) error {
	t, err := template.New(name).Funcs(functions).ParseFS(assets, "assets/"+name)
	if err != nil {
		return fmt.Errorf("parse report template: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return fmt.Errorf("fill in report template: %w", err)
	}
	if _, err := b.WriteTo(w); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
