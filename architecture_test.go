package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/retailflow/stampede/"

// leaves may be imported by anyone and import nothing of ours but leaves.
var leaves = []string{
	"reference/api", "reference/store", "reference/quota", "reference/lifeline",
	"loadgen/plan", "loadgen/threshold", "loadgen/measure", "chaos/fault", "reports/stat",
}

// rule says what the packages below from may import. The longest matching from counts.
type rule struct {
	from    string
	allowed []string
	because string
}

// rules is the table of allowed edges; importing a leaf or one's own subtree needs no line.
var rules = []rule{
	{"reference/cloud", []string{"reference/cloud"}, "reference/cloud wires the services together"},
	{"reference/cloud/wire", nil, "the protocols know no service"},
	{"reference/cloud/*", []string{"reference/cloud/wire"}, "services do not import each other: each declares the methods it needs, reference/cloud wires them"},
	{"reference/functions", []string{"reference/functions"}, "the list of handlers names every context"},
	{"reference/functions/bootstrap", []string{"reference/functions"}, "stampede-fn is the list behind the Lambda runtime"},
	{"reference/functions/rest", nil, "the gateway's proxy format knows no handler"},
	{"reference/functions/*", []string{"reference/functions/rest"}, "functions import only api, store, rest, aws-lambda-go and SDK clients"},
	{"reference/deploy", []string{"reference/deploy"}, "deployment talks to services through their APIs only"},
	{"loadgen/*", []string{"loadgen", "reference/api"}, "imports go down, and the generator knows the API, not the system behind it"},
	{"chaos", []string{"chaos", "loadgen", "reference"}, "imports go down: chaos → loadgen → reference"},
	{"reports", []string{"reports"}, "a report knows results, not how they came to be"},
	{"scenarios", nil, "a scenario is a value; scenarios/run composes"},
	{"scenarios/run", []string{"scenarios", "chaos", "reports", "loadgen", "reference"}, "run composes everything"},
	{"scenarios/load", []string{"reports", "loadgen"}, "a load needs the generator and its report, and nothing of the platform"},
	{"scenarios/cli", []string{"scenarios", "chaos", "reports", "loadgen", "reference"}, "the command line sits on top"},
	{"", []string{"scenarios/cli"}, "main.go calls the command line and nothing else"},
}

// cores are pure packages: explicit time, no goroutine, lock, log or I/O.
var cores = []string{
	"reference/api", "reference/store", "reference/store/codec", "reference/quota",
	"reference/cloud/dynamodb/item", "reference/cloud/dynamodb/expr", "reference/cloud/dynamodb/jsonread",
	"reference/cloud/stepfunctions/asl",
	"loadgen/plan", "loadgen/arrival", "loadgen/tenant", "loadgen/model", "loadgen/fit", "loadgen/threshold", "loadgen/measure",
	"chaos/fault", "reports", "reports/loadtest", "reports/stat", "reports/html", "reports/junit", "reports/markdown", "reports/json",
}

// coreFiles are the cores that share a package with their shell.
var coreFiles = map[string][]string{
	"reference/cloud/dynamodb": {"arn.go", "definition_check.go", "legacy.go", "legacy_check.go", "page.go", "stream_iterator.go", "transact_parse.go",
		"ttl_sweep.go", "update_index.go", "validate.go"},
	"reference/cloud/dynamodb/store": {"course.go"},
	"reference/cloud/eventbridge":    {"pattern.go", "filter.go", "value.go", "wildcard.go", "schedule.go"},
	"reference/cloud/firehose":       {"buffer.go", "objectkey.go", "throttle.go"},
	"reference/cloud/lambda":         {"alias.go", "target.go"},
	"reference/cloud/sqs":            {"backlog.go", "checksum.go", "message.go", "receipt.go"},
	"reference/deploy":               {"judge.go", "outcome.go", "record.go", "release.go", "rollout.go", "rollup.go"},
	"reference/functions/ingestion": {"custom.go", "event.go", "magento.go", "money.go", "platform.go", "record.go", "scalar.go", "shopify.go",
		"signature.go", "woocommerce.go"},
	"reference/functions/reporting": {"period.go"},
	"reference/functions/rest":      {"scanner.go", "skip.go", "text.go"},
	"loadgen/event":                 {"catalogue.go", "fact.go", "json.go", "money.go", "template.go"},
	"loadgen/retail":                {"day.go", "figures.go"},
	"chaos/ledger": {"attempt.go", "check_events.go", "check_levels.go", "check_minutes.go", "explain.go",
		"figures.go", "record.go", "report.go"},
	"chaos/agent": {"lease.go"},
	"scenarios": {"diagnostic.go", "fault.go", "field.go", "load.go", "override.go", "parse.go", "quantity.go",
		"scenario.go", "schema.go", "threshold.go", "tree.go"},
	"scenarios/run": {"checks.go", "processors.go", "threshold.go", "timeline.go", "window.go"},
}

var (
	coreForbiddenImports = []string{"context", "log", "log/slog", "math/rand", "net", "net/http", "os", "os/exec", "sync", "sync/atomic", "syscall"}
	clockCalls           = map[string]bool{"Now": true, "Since": true, "Until": true, "Sleep": true, "After": true, "AfterFunc": true, "Tick": true, "NewTimer": true, "NewTicker": true}
	randConstructors     = map[string]bool{"New": true, "NewPCG": true, "NewZipf": true, "Rand": true, "Source": true, "PCG": true, "Zipf": true, "NewChaCha8": true, "ChaCha8": true}
)

type source struct {
	pkg, path string
	file      *ast.File
	fset      *token.FileSet
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (name == "testdata" || name == "bin" || name == "out" || path != "." && strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(filepath.Dir(path))
		if pkg == "." {
			pkg = ""
		}
		all = append(all, source{pkg: pkg, path: path, file: file, fset: fset})
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, all)
	return all
}

func within(pkg, tree string) bool {
	return pkg == tree || strings.HasPrefix(pkg, tree+"/")
}

func anyWithin(pkg string, trees []string) bool {
	for _, tree := range trees {
		if within(pkg, tree) {
			return true
		}
	}
	return false
}

// ruleFor returns the most specific rule: a name beats a star, a longer path a shorter one.
func ruleFor(pkg string) (rule, bool) {
	best, score := rule{}, -1
	for _, r := range rules {
		s := -1
		switch parent, star := strings.CutSuffix(r.from, "/*"); {
		case r.from == "" && pkg == "":
			s = 0
		case star && strings.HasPrefix(pkg, parent+"/"):
			s = 2*len(parent) + 1
		case !star && r.from != "" && pkg == r.from:
			s = 1 << 20
		case !star && r.from != "" && within(pkg, r.from):
			s = 2 * len(r.from)
		}
		if s > score {
			best, score = r, s
		}
	}
	return best, score >= 0
}

// breach returns why from may not import to, or "".
func breach(from, to string) string {
	if anyWithin(from, leaves) {
		if anyWithin(to, leaves) {
			return ""
		}
		return "a leaf imports no package of ours but leaves"
	}
	if anyWithin(to, leaves) {
		return ""
	}
	r, ok := ruleFor(from)
	if !ok {
		return "no rule names this package: add it to the table"
	}
	if parent, star := strings.CutSuffix(r.from, "/*"); star {
		// One service or context is the folder right below the star's parent.
		own, _, _ := strings.Cut(strings.TrimPrefix(from, parent+"/"), "/")
		if within(to, parent+"/"+own) {
			return ""
		}
	} else if r.from != "" && from == r.from && within(to, from) && r.allowed == nil {
		return r.because
	}
	for _, allowed := range r.allowed {
		if within(to, allowed) {
			return ""
		}
	}
	return r.because
}

func TestImportsFollowTheTable(t *testing.T) {
	for _, s := range sources(t) {
		for _, imp := range s.file.Imports {
			path, err := strconv.Unquote(imp.Path.Value)
			require.NoError(t, err)
			to, ours := strings.CutPrefix(path, module)
			if !ours {
				continue
			}
			if why := breach(s.pkg, to); why != "" {
				t.Errorf("%s imports %s: %s", s.fset.Position(imp.Pos()), to, why)
			}
		}
	}
}

func TestTheTableForbids(t *testing.T) {
	for _, edge := range [][2]string{
		{"reference/cloud/sqs", "reference/cloud/lambda"},
		{"reference/cloud/wire", "reference/cloud/sqs"},
		{"reference/functions/ingestion", "reference/functions/reporting"},
		{"reference/functions/ingestion", "reference/cloud/wire"},
		{"reference/api", "reference/cloud"},
		{"loadgen/attack", "reference/cloud"},
		{"loadgen/attack", "chaos/ledger"},
		{"reports/html", "scenarios"},
		{"chaos/ledger", "reports"},
		{"scenarios", "scenarios/run"},
		{"", "scenarios/run"},
		{"elsewhere", "reference/cloud"},
	} {
		require.NotEmpty(t, breach(edge[0], edge[1]), "%s → %s", edge[0], edge[1])
	}
	for _, edge := range [][2]string{
		{"reference/cloud", "reference/cloud/sqs"},
		{"reference/cloud/dynamodb", "reference/cloud/dynamodb/expr"},
		{"reference/cloud/dynamodb/expr", "reference/cloud/dynamodb/item"},
		{"reference/cloud/sqs", "reference/cloud/wire"},
		{"scenarios/run", "chaos/ledger"},
		{"reports/html", "reports"},
		{"", "scenarios/cli"},
	} {
		require.Empty(t, breach(edge[0], edge[1]), "%s → %s", edge[0], edge[1])
	}
}

// impure returns what a core does that a core must not.
func impure(s source) []string {
	var found []string
	if ast.IsGenerated(s.file) {
		return nil
	}
	for _, imp := range s.file.Imports {
		path, _ := strconv.Unquote(imp.Path.Value)
		for _, bad := range coreForbiddenImports {
			if path == bad {
				found = append(found, fmt.Sprintf("%s: a core imports %s", s.fset.Position(imp.Pos()), path))
			}
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, fmt.Sprintf("%s: a core starts a goroutine", s.fset.Position(n.Pos())))
		case *ast.SelectorExpr:
			pkg, ok := n.X.(*ast.Ident)
			if !ok {
				return true
			}
			if pkg.Name == "time" && clockCalls[n.Sel.Name] {
				found = append(found, fmt.Sprintf("%s: a core reads the clock: time.%s", s.fset.Position(n.Pos()), n.Sel.Name))
			}
			if pkg.Name == "rand" && !randConstructors[n.Sel.Name] {
				found = append(found, fmt.Sprintf("%s: a core uses global randomness: rand.%s", s.fset.Position(n.Pos()), n.Sel.Name))
			}
		}
		return true
	})
	return found
}

func TestCoresArePure(t *testing.T) {
	want := map[string]bool{} // what the tables name, and whether it was met
	for _, pkg := range cores {
		want[pkg] = false
	}
	for pkg, files := range coreFiles {
		require.NotContains(t, cores, pkg, "a whole package needs no list of files")
		for _, file := range files {
			want[pkg+"/"+file] = false
		}
	}
	for _, s := range sources(t) {
		for _, name := range []string{s.pkg, filepath.ToSlash(s.path)} {
			if _, listed := want[name]; !listed {
				continue
			}
			want[name] = true
			for _, what := range impure(s) {
				t.Error(what)
			}
		}
	}
	for name, met := range want {
		require.True(t, met, "the table names %s, which does not exist", name)
	}
}

func TestImpurityIsSeen(t *testing.T) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "core.go", `package core
import ("context"; "math/rand/v2"; "sync"; "time")
var mu sync.Mutex
func f() { go f(); time.Now(); rand.IntN(3); rand.New(rand.NewPCG(1, 2)) }`, 0)
	require.NoError(t, err)
	require.Len(t, impure(source{fset: fset, file: file}), 5)
}
