package cli

import (
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/retailflow/stampede/loadgen/fit"
	"github.com/retailflow/stampede/loadgen/model"
	"github.com/retailflow/stampede/loadgen/retail"
)

// ratesBegin is the first second of the trace: 1 July 1995, 00:00 on the site's wall clock.
var ratesBegin = time.Date(1995, 7, 1, 0, 0, 0, 0, time.UTC)

// sources of the parameters, with their licences.
var sources = []string{
	`bulk: UCI Machine Learning Repository, "Online Retail" (https://archive.ics.uci.edu/dataset/352/online+retail), CC BY 4.0`,
	"views: NASA-HTTP, July 1995, Internet Traffic Archive (https://ita.ee.lbl.gov/html/contrib/NASA-HTTP.html), freely redistributable",
	"retail: figures computed from two shops whose records may not be passed on, a Brazilian marketplace and a multi-category shop",
	"population and events: chosen, but for the sizes, which are the marketplace's",
}

func newFit(t *terminal) *cobra.Command {
	var orders, rates, statistics, out string
	var o fit.Options
	cmd := &cobra.Command{
		Use:   "fit",
		Short: "Fit the generator's parameters to real orders, and say how good the fit is",
		Long: `Fit reads real orders, a trace of requests and figures of consumer shops, writes the parameters
that the generator draws from, and prints how far weeks that it makes lie from real weeks that were
not used for the fit, beside how far the weeks used for the fit lie from those. The file that
comes with the program is loadgen/model/params.json.`,
		Example: `  stampede fit --orders data/online-retail --rates data/request-rates/nasa-http-1995-07.per-second.txt.gz \
    --statistics data/statistics.json --out params.json
  stampede fit --orders data/online-retail                # print the table, write nothing`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			if orders == "" || out != "" && (rates == "" || statistics == "") {
				return usage(fmt.Errorf("no --orders, or --out without --rates and --statistics"), "see `stampede fit --help`")
			}
			weeks, err := readWeeks(orders)
			if err != nil {
				return usage(err, "")
			}
			if o.Splits < 1 || o.Splits > 1000 || o.Periods < 1 || o.Periods > 1000 {
				return usage(fmt.Errorf("--splits %d, --periods %d: must be between 1 and 1000", o.Splits, o.Periods), "")
			}
			rows, err := fit.Judge(weeks, o)
			if err != nil {
				return usage(err, "")
			}
			if err := printFit(t.stdout, rows); err != nil || out == "" {
				return err
			}
			p, err := newParams(weeks, rates, statistics)
			if err != nil {
				return usage(err, "")
			}
			p.Fit = rows
			text, err := p.Encode()
			if err != nil {
				return err
			}
			return os.WriteFile(out, text, 0o644)
		},
	}
	cmd.Flags().StringVar(&orders, "orders", "", "`folder` of *.csv.gz with the columns of UCI's Online Retail, in order of their names")
	cmd.Flags().StringVar(&rates, "rates", "", "gzip `file` of requests, a count a second and line from 1995-07-01 00:00")
	cmd.Flags().StringVar(&statistics, "statistics", "", "JSON `file` of the figures of consumer shops")
	cmd.Flags().StringVar(&out, "out", "", "`file` that the parameters are written to")
	cmd.Flags().IntVar(&o.Splits, "splits", 10, "random halvings of the weeks")
	cmd.Flags().IntVar(&o.Periods, "periods", 20, "periods generated for each split")
	cmd.Flags().Uint64Var(&o.Seed, "seed", 0, "seed of the splits and of what is generated")
	return cmd
}

func readWeeks(dir string) ([]model.Week, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.csv.gz"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("read orders: no *.csv.gz in %s", dir)
	}
	slices.Sort(files)
	var days []*retail.Day
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("read orders: %w", err)
		}
		more, err := retail.ReadDays(f)
		if err = cmp.Or(err, f.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		days = append(days, more...)
	}
	return fit.Weeks(days)
}

func newParams(weeks []model.Week, rates, statistics string) (*model.Params, error) {
	p := &model.Params{Source: sources, Population: fit.Population(), Events: fit.Events()}
	bulk, err := fit.Estimate(fit.Bulk, weeks)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(rates)
	if err != nil {
		return nil, fmt.Errorf("read rates: %w", err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("read rates %s: not gzip: %w", rates, err)
	}
	counts, err := fit.ReadRates(unzipped)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", rates, err)
	}
	if p.Views, err = fit.Traffic(counts, ratesBegin); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(statistics)
	if err != nil {
		return nil, fmt.Errorf("read statistics: %w", err)
	}
	st, err := fit.ReadStatistics(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", statistics, err)
	}
	consumer, err := fit.Consumer(fit.Retail, st)
	if err != nil {
		return nil, err
	}
	p.Shops = []model.Shop{bulk, consumer}
	return p, p.Validate()
}

// printFit prints distances as the table of the manual.
func printFit(w io.Writer, rows []model.Distance) error {
	table := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprintln(table, "| measure\t| real\t| generated\t| ratio\t|")
	fmt.Fprintln(table, "|---\t|---\t|---\t|---\t|")
	worst := 0.0
	for _, r := range rows {
		if r.Real == 0 && r.Generated == 0 {
			continue // hours and days at which the shop is closed
		}
		fmt.Fprintf(table, "| %s\t| %.4g\t| %.4g\t| %.2f\t|\n", r.Name, r.Real, r.Generated, r.Ratio())
		worst = math.Max(worst, r.Ratio())
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "the worst ratio is %.2f\n", worst)
	return err
}
