package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/chaos/fault"
	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/functions"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/scenarios"
	"github.com/retailflow/stampede/scenarios/cli"
)

func text(t *testing.T, file string) string {
	t.Helper()
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(raw)
}

// section is what stands under a heading of a document.
func section(t *testing.T, file, heading string) string {
	t.Helper()
	_, rest, found := strings.Cut(text(t, file), "\n## "+heading+"\n")
	require.True(t, found, "%s has no section %q", file, heading)
	rest, _, _ = strings.Cut(rest, "\n## ")
	return rest
}

var codeCell = regexp.MustCompile("(?m)^\\| \\[?`([^`]+)`")

// rows are the first cells of tables, where they are code.
func rows(markdown string) []string {
	var out []string
	for _, m := range codeCell.FindAllStringSubmatch(markdown, -1) {
		out = append(out, strings.TrimSuffix(m[1], "/"))
	}
	return out
}

// folders are the folders with code right below one.
func folders(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var out []string
	for _, e := range entries {
		if e.IsDir() && e.Name() != "testdata" {
			out = append(out, e.Name())
		}
	}
	return out
}

func TestLinksOfDocumentsLead(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]+)\)`)
	files := []string{"README.md"}
	for _, area := range []string{"reference", "chaos", "loadgen", "reports", "scenarios"} {
		files = append(files, area+"/README.md")
	}
	for _, file := range files {
		for _, m := range link.FindAllStringSubmatch(text(t, file), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			_, err := os.Stat(filepath.Join(filepath.Dir(file), m[1]))
			require.NoError(t, err, "%s links to %s", file, m[1])
		}
	}
}

func TestMapsNameTheFolders(t *testing.T) {
	require.ElementsMatch(t, folders(t, "chaos"), rows(strings.Split(text(t, "chaos/README.md"), "\n## ")[0]))
	require.ElementsMatch(t, folders(t, "loadgen"), rows(strings.Split(text(t, "loadgen/README.md"), "\n## ")[0]))
	require.ElementsMatch(t, folders(t, "reference"), rows(strings.Split(text(t, "reference/README.md"), "\n## ")[0]))
	named := append(rows(section(t, "README.md", "The embedded AWS")), "wire")
	require.ElementsMatch(t, folders(t, "reference/cloud"), named)
	for _, f := range rows(section(t, "README.md", "Map")) {
		_, err := os.Stat(f)
		require.NoError(t, err)
	}
}

// TestCommandsInTheManualExist reads the manual's shell blocks: every make target and every
// command of stampede is there, and knows the flags.
func TestCommandsInTheManualExist(t *testing.T) {
	makefile := text(t, "Makefile")
	block := regexp.MustCompile("(?s)```sh\n(.*?)```")
	flag := regexp.MustCompile(`--[a-z-]+`)
	seen := 0
	for _, m := range block.FindAllStringSubmatch(text(t, "README.md"), -1) {
		for line := range strings.Lines(strings.ReplaceAll(m[1], "\\\n", " ")) {
			line, _, _ = strings.Cut(line, " #")
			words := strings.Fields(line)
			if len(words) == 0 {
				continue
			}
			seen++
			switch words[0] {
			case "make":
				require.Contains(t, makefile, "\n"+words[1]+":", line)
			case "bin/stampede":
				args := []string{"stampede", words[1]}
				if words[1] == "scenarios" {
					args = append(args, words[2])
				}
				var help, complaints bytes.Buffer
				require.Zero(t, cli.Main(append(args, "--help"), nil, nil, &help, &complaints), "%s: %s", line, complaints.String())
				for _, f := range flag.FindAllString(line, -1) {
					require.Contains(t, help.String(), f+" ", line)
				}
			default:
				require.Fail(t, "a command that is neither make nor bin/stampede", line)
			}
		}
	}
	require.Greater(t, seen, 10)
	for _, m := range regexp.MustCompile("`make ([a-z]+)`").FindAllStringSubmatch(text(t, "README.md"), -1) {
		require.Contains(t, makefile, "\n"+m[1]+":")
	}
}

func TestExitCodesAreDocumented(t *testing.T) {
	want := map[string]int{"bad": reports.ExitUsage, "the": reports.ExitHarness}
	for _, v := range []reports.Verdict{reports.VerdictPass, reports.VerdictFail, reports.VerdictInconclusive, reports.VerdictInvalid} {
		want[string(v)+":"] = v.ExitCode()
	}
	got := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^\| (\d+) \| (\S+)`).FindAllStringSubmatch(section(t, "README.md", "Command line"), -1) {
		code, err := strconv.Atoi(m[1])
		require.NoError(t, err)
		got[m[2]] = code
	}
	require.Equal(t, want, got)
}

func TestScenariosAndFaultsAreDocumented(t *testing.T) {
	require.ElementsMatch(t, scenarios.Names(), rows(section(t, "README.md", "Scenarios")))
	var kinds []string
	for _, k := range fault.Kinds {
		kinds = append(kinds, string(k))
	}
	require.ElementsMatch(t, kinds, rows(section(t, "chaos/README.md", "Faults")))

	manual := text(t, "scenarios/README.md")
	require.ElementsMatch(t, append(allowed(t, "nonsense: 1"), kinds...), rows(manual))
	// Keys below the first level.
	for _, where := range []string{"tenants: {X}", "load: {X}", "load: {phases: [{X}]}", "load: {mix: {X}}", "delivery: {X}", "roll-up: {X}",
		"release: {X}", "release: {ladder: {X}}", "faults: [{X}]", "faults: [{kill-function: {X}}]", "faults: [{kill-process: {X}}]",
		"faults: [{release-function: {X}}]", "faults: [{limits: {X}}]", "objectives: {X}", "drain: {X}", "real-orders: {X}", "self-watch: {X}"} {
		for _, key := range allowed(t, strings.Replace(where, "X", "nonsense: 1", 1)) {
			require.Contains(t, manual, "`"+key+"`", where)
		}
	}
}

// allowed are the keys that the parser allows where a scenario says nonsense.
func allowed(t *testing.T, yaml string) []string {
	t.Helper()
	_, err := scenarios.Parse("nonsense.yaml", []byte(yaml+"\n"), nil)
	require.Error(t, err)
	m := regexp.MustCompile(`unknown key "nonsense" .*allowed: (.*)`).FindStringSubmatch(err.Error())
	require.NotNil(t, m, "%s: %v", yaml, err)
	return strings.Split(m[1], ", ")
}

func TestOperationsAndFunctionsAreDocumented(t *testing.T) {
	var document struct {
		Paths map[string]map[string]any `yaml:"paths"`
	}
	require.NoError(t, yaml.Unmarshal(api.Document(), &document))
	var want []string
	for path, item := range document.Paths {
		for method, value := range item {
			operation, ok := value.(map[string]any)
			if !ok { // the parameters of all methods
				continue
			}
			want = append(want, "| `"+operation["operationId"].(string)+"` | `"+strings.ToUpper(method)+" "+path+"` |")
		}
	}
	slices.Sort(want)
	got := strings.Split(strings.TrimSpace(section(t, "reference/README.md", "Operations")), "\n")
	got = slices.DeleteFunc(got, func(line string) bool { return !strings.HasPrefix(line, "| `") })
	slices.Sort(got)
	require.Equal(t, want, got)

	var named, handlers []string
	for _, m := range regexp.MustCompile("`([a-z]+-[a-z]+)`").FindAllStringSubmatch(section(t, "reference/README.md", "Functions"), -1) {
		named = append(named, m[1])
	}
	for _, h := range functions.Handlers() {
		handlers = append(handlers, h.Name)
	}
	require.ElementsMatch(t, handlers, named)
}

// Outputs of `stampede load` are those that the command names.
func TestOutputsAreDocumented(t *testing.T) {
	var help, complaints bytes.Buffer
	require.Zero(t, cli.Main([]string{"stampede", "load", "--help"}, nil, nil, &help, &complaints))
	outputs := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(section(t, "loadgen/README.md", "`stampede load`"), -1)
	var named []string
	for _, m := range outputs {
		if m[1] != "--out" {
			named = append(named, m[1])
		}
	}
	var said []string
	for _, m := range regexp.MustCompile(`(?m)^  (FILE\.\S+|\S+://\S+)  `).FindAllStringSubmatch(help.String(), -1) {
		said = append(said, m[1])
	}
	require.ElementsMatch(t, said, named)
}
