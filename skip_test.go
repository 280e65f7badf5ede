package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A test that is left out must have been asked to be: by -short, or by the absence of something
// that STAMPEDE_REQUIRE can demand, in words that say what is missing.
func TestNothingIsSkippedSilently(t *testing.T) {
	seen := 0
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && (name == "bin" || name == "out" || name == "testdata" || path != "." && strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") || path == "skip_test.go" {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		skips, faults := judgeSkips(fset, file)
		seen += skips
		for _, f := range faults {
			t.Error(f)
		}
		return nil
	}))
	require.Positive(t, seen, "the skips of this repository were not found")
}

// judgeSkips counts the skips of a file and names those that nobody asked for.
func judgeSkips(fset *token.FileSet, file *ast.File) (skips int, faults []string) {
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		demanded := false
		short := map[ast.Node]bool{} // calls under `if testing.Short()`
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				demanded = demanded || n.Value == `"STAMPEDE_REQUIRE"`
			case *ast.IfStmt:
				if called(n.Cond, "testing", "Short") {
					ast.Inspect(n.Body, func(inner ast.Node) bool { short[inner] = true; return true })
				}
			}
			return true
		})
		ast.Inspect(f.Body, func(n ast.Node) bool {
			if lit, ok := n.(*ast.FuncLit); ok && drawn(lit) {
				return false
			}
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			for _, method := range []string{"Skip", "Skipf", "SkipNow"} {
				for _, receiver := range []string{"t", "b", "f", "tb"} {
					if fun, ok := call.Fun.(*ast.SelectorExpr); !ok || fun.Sel.Name != method || !isIdent(fun.X, receiver) {
						continue
					}
					skips++
					if len(call.Args) == 0 {
						faults = append(faults, fmt.Sprintf("%s: a skip without a word", fset.Position(call.Pos())))
					} else if !short[call] && !demanded {
						faults = append(faults, fmt.Sprintf("%s: a skip that STAMPEDE_REQUIRE cannot forbid", fset.Position(call.Pos())))
					}
				}
			}
			return true
		})
	}
	return skips, faults
}

// drawn says whether a function is a property of rapid, which skips a draw and takes another.
func drawn(lit *ast.FuncLit) bool {
	for _, p := range lit.Type.Params.List {
		if star, ok := p.Type.(*ast.StarExpr); ok && called(star.X, "rapid", "T") {
			return true
		}
	}
	return false
}

// called says whether an expression names something of a package.
func called(in ast.Expr, pkg, name string) (found bool) {
	ast.Inspect(in, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == name && isIdent(s.X, pkg) {
			found = true
		}
		return true
	})
	return found
}

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

func TestJudgeSkips(t *testing.T) {
	for body, want := range map[string]struct {
		skips  int
		faults []string
	}{
		`if testing.Short() { t.Skip("starts a browser") }`:                                {1, nil},
		`if os.Getenv("STAMPEDE_REQUIRE") == "x" { t.Fatal("no x") }; t.Skip("install x")`: {1, nil},
		`if noBrowser { t.Skip("no browser") }`:                                            {1, []string{"a_test.go:2:31: a skip that STAMPEDE_REQUIRE cannot forbid"}},
		`if testing.Short() { return }; b.Skipf("no %s", "browser")`:                       {1, []string{"a_test.go:2:47: a skip that STAMPEDE_REQUIRE cannot forbid"}},
		`if testing.Short() { f.SkipNow() }`:                                               {1, []string{"a_test.go:2:37: a skip without a word"}},
		`rapid.Check(t, func(t *rapid.T) { t.Skip("too large") })`:                         {0, nil},
		`scanner.Skip()`: {0, nil},
	} {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, "a_test.go", "package a\nfunc TestA() { "+body+" }\n", 0)
		require.NoError(t, err)
		skips, faults := judgeSkips(fset, file)
		require.Equal(t, want.skips, skips, body)
		require.Equal(t, want.faults, faults, body)
	}
}
