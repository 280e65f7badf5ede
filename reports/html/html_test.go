package html_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/measure"
	"github.com/retailflow/stampede/loadgen/threshold"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/reports/html"
	"github.com/retailflow/stampede/reports/loadtest"
	"github.com/retailflow/stampede/reports/reporttest"
)

var update = flag.Bool("update", false, "rewrite testdata/*.golden.html")

func written(t *testing.T, r *reports.Result) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, html.Write(&b, r))
	return b.String()
}

var (
	inlined = regexp.MustCompile(`(?s)<(style|script)[^>]*>.*?</(style|script)>`)
	blank   = regexp.MustCompile(`(?m)^\s*\n`)
)

// The golden pages hold what a reader reads; styles, scripts and chart data are left out.
func TestPagesReadAsBefore(t *testing.T) {
	for name, r := range map[string]*reports.Result{"black-friday": reporttest.BlackFriday(), "broken": reporttest.Broken()} {
		t.Run(name, func(t *testing.T) {
			got := blank.ReplaceAllString(inlined.ReplaceAllString(written(t, r), ""), "")
			golden := filepath.Join("testdata", name+".golden.html")
			if *update {
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), got, "run with -update and look at the page if this is meant")
		})
	}
}

func TestAnEmptyResultIsAPageToo(t *testing.T) {
	r := &reports.Result{}
	r.Finish()
	require.True(t, strings.Contains(written(t, r), "INVALID"))
}

func TestThePageLoadsNothing(t *testing.T) {
	page := written(t, reporttest.BlackFriday())
	for _, loads := range []string{`(?i)<(link|img|iframe|object|embed|video|audio|source)\b`, `(?i)<[a-z]+\s[^>]*\bsrc\s*=`, `(?i)@import|url\(`, `\bfetch\(|XMLHttpRequest|importScripts`} {
		require.Empty(t, regexp.MustCompile(loads).FindString(page))
	}
	require.True(t, strings.Contains(page, `default-src 'none'`), "no content security policy")
	require.True(t, strings.Contains(page, "The MIT License"), "uPlot's licence must travel with it")
}

// Names come from scenario files, and examples from a broken system: neither may become markup.
func TestForeignTextStaysText(t *testing.T) {
	const evil = `</script></style><img src=x onerror=alert(1)>"'` + "`${alert(1)}"
	r := reporttest.Broken()
	r.Scenario.Name, r.Scenario.Description, r.Scenario.Command, r.Scenario.Text = evil, evil, evil, evil
	r.Checks[3].Examples = []string{evil}
	r.Checks[3].Numbers = map[string]float64{evil: 1}
	r.Faults[0].Name, r.Faults[0].Line = evil, evil
	r.HostLimited[0].Reason = evil
	r.Latency[1].Kind = evil
	r.Limits[0].Source = "javascript:alert(1)"
	page := written(t, r)
	require.False(t, strings.Contains(page, "<img"), "markup got through")
	require.False(t, strings.Contains(page, `href="javascript:`), "a link that runs got through")
	require.Equal(t, strings.Count(written(t, reporttest.Broken()), "</script>"), strings.Count(page, "</script>"))
}

func TestALongRunStaysASmallPage(t *testing.T) {
	r := reporttest.BlackFriday()
	day := make([]reports.Bucket, 24*3600)
	for i := range day {
		day[i] = r.Timeline[i%len(r.Timeline)]
		day[i].At = reports.Seconds(i) * reports.Seconds(time.Second)
	}
	r.Timeline = day
	require.Less(t, len(written(t, r)), 600_000)
}

// chromium finds a browser. Without one the test is skipped, unless STAMPEDE_REQUIRE, a list with
// commas, asks for chromium.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const why = "no chromium found: charts were not drawn in a browser; install chromium (apt-get install chromium)"
	if slices.Contains(strings.Split(os.Getenv("STAMPEDE_REQUIRE"), ","), "chromium") {
		t.Fatal(why)
	}
	t.Skip(why)
	return ""
}

func browse(t *testing.T, browser, page string, flags ...string) (stdout, stderr string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	require.NoError(t, os.WriteFile(file, []byte(page), 0o600))
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	args := append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--disable-dev-shm-usage", "--enable-logging=stderr", "--user-data-dir=" + t.TempDir(), "--window-size=1200,1000",
	}, flags...)
	cmd := exec.CommandContext(ctx, browser, append(args, "file://"+file)...)
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	require.NoError(t, cmd.Run(), "%s", words.String())
	return out.String(), words.String()
}

func TestChartsDrawInARealBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	browser := chromium(t)
	for _, tc := range []struct {
		name   string
		result *reports.Result
		flags  []string
		charts int
	}{
		{"light", reporttest.BlackFriday(), nil, 8},
		{"dark and broken", reporttest.Broken(), []string{"--blink-settings=preferredColorScheme=0"}, 8},
		{"nothing to draw", func() *reports.Result { r := &reports.Result{}; r.Finish(); return r }(), nil, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dom, words := browse(t, browser, written(t, tc.result), append(tc.flags, "--virtual-time-budget=5000", "--dump-dom")...)
			require.Empty(t, complaints(words))
			root := regexp.MustCompile(`<html[^>]*>`).FindString(dom)
			require.Equal(t, fmt.Sprintf(`<html lang="en" data-charts="%d" data-painted="%d">`, tc.charts, tc.charts), root)
			require.Equal(t, tc.charts, strings.Count(dom, "<canvas"))
		})
	}
}

func TestThePagePrints(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	pdf := filepath.Join(t.TempDir(), "report.pdf")
	_, words := browse(t, chromium(t), written(t, reporttest.BlackFriday()), "--no-pdf-header-footer", "--print-to-pdf="+pdf)
	require.Empty(t, complaints(words))
	content, err := os.ReadFile(pdf)
	require.NoError(t, err)
	pages := len(regexp.MustCompile(`/Type /Page\b`).FindAll(content, -1))
	require.True(t, pages >= 5 && pages <= 11, "%d pages", pages)
}

// complaints are what the page wrote to the console.
func complaints(words string) []string {
	return regexp.MustCompile(`(?m)^.*CONSOLE.*$`).FindAllString(words, -1)
}

// loaded is a load of 30 s with a stall, refusals and a threshold that does not hold.
func loaded(t *testing.T) *loadtest.Result {
	t.Helper()
	r := &loadtest.Result{Name: "nightly", Target: "http://shop.example", Plan: []string{"constant 100 for 30s, in requests/s, even arrivals"}, Command: "stampede load --target http://shop.example",
		Started: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), Length: reports.Seconds(30 * time.Second), Sent: 3000,
		Measure: measure.New(2 * time.Second), Course: measure.NewCourse(2 * time.Second), Failures: []loadtest.Failure{{Text: "<b>bold</b>", Count: 3}}}
	for i := range 3000 {
		o := measure.Outcome{Labels: measure.Labels{Endpoint: "GET /products", Status: "200"}, Planned: time.Duration(i) * 10 * time.Millisecond, Sent: true, Good: true, Trace: measure.NoTrace}
		o.Start = o.Planned + 80*time.Microsecond
		if o.Planned >= 10*time.Second && o.Planned < 12*time.Second {
			o.Start = 12 * time.Second
		}
		o.End = o.Start + time.Duration(2000+i%500)*time.Microsecond
		if i%40 == 5 {
			o.Status, o.Good = "503", false
		}
		if i%10 == 3 {
			o.Endpoint = "POST /orders"
		}
		r.Measure.Add(&o)
		r.Course.Add(&o)
	}
	limit, err := threshold.Parse("p99(latency{endpoint=POST /orders}) < 142ms")
	require.NoError(t, err)
	r.Judge([]threshold.Threshold{limit})
	r.Finish()
	return r
}

func TestALoadHasItsPage(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, html.WriteLoad(&b, loaded(t)))
	page := b.String()
	for _, want := range []string{"FAIL", "exit code 99", "POST /orders", "stampede load --target", "503", "Requests stood in line", "Kolmogorov-Smirnov", "&lt;b&gt;bold", "id=\"plot-behind\""} {
		require.True(t, strings.Contains(page, want), want)
	}
	require.True(t, strings.Contains(page, "default-src 'none'"))
	empty := &loadtest.Result{Measure: measure.New(time.Second), Course: measure.NewCourse(time.Second)}
	empty.Finish()
	require.NoError(t, html.WriteLoad(&b, empty))

	// Five charts are drawn, and painted.
	out, complaints := browse(t, chromium(t), page, "--dump-dom")
	require.Regexp(t, `data-charts="5"`, out, complaints)
	require.Regexp(t, `data-painted="5"`, out, complaints)
}
