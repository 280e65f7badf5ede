package cli

import (
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/retailflow/stampede/scenarios"
	"github.com/retailflow/stampede/scenarios/run"
)

func newScenarios(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "scenarios",
		Short: "List, show and validate scenarios",
		Example: `  stampede scenarios list
  stampede scenarios show smoke
  stampede scenarios validate mine.yaml`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newScenariosList(t), newScenariosShow(t), newScenariosValidate(t))
	return cmd
}

func newScenariosList(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the scenarios that come with stampede",
		Example: "  stampede scenarios list",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			w := tabwriter.NewWriter(t.stdout, 0, 0, 2, ' ', 0)
			for _, name := range scenarios.Names() {
				s, err := scenarios.Open(name, nil)
				if err != nil {
					return err
				}
				fmt.Fprintf(w, "%s\t%s\n", name, s.Description)
			}
			return w.Flush()
		},
	}
}

func newScenariosShow(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME|FILE",
		Short: "Print a scenario, comments included; a file is printed with its defaults filled in",
		Example: `  stampede scenarios show black-friday
  stampede scenarios show black-friday > mine.yaml   # a start for one's own`,
		Args: oneArgument("NAME or FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			if text, err := scenarios.Source(args[0]); err == nil {
				_, err = t.stdout.Write(text)
				return err
			}
			s, err := openScenario(args[0], nil, 0)
			if err != nil {
				return err
			}
			fmt.Fprint(t.stdout, s.Text())
			return nil
		},
	}
}

func newScenariosValidate(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "validate FILE...",
		Short: "Check scenario files and report every mistake as file:line:col",
		Example: `  stampede scenarios validate mine.yaml
  stampede scenarios validate scenarios/*.yaml`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("%s wants a FILE", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			var faults []error
			for _, file := range args {
				if _, err := scenarios.Open(file, nil, run.Preflight(0)...); err != nil {
					faults = append(faults, err)
					continue
				}
				fmt.Fprintf(t.stdout, "%s: valid\n", file)
			}
			if len(faults) > 0 {
				return usage(errors.Join(faults...), "nothing was started; `stampede scenarios show black-friday` is a commented example")
			}
			return nil
		},
	}
}

// openScenario reads a scenario for a command; every mistake is the caller's. seed is the run's, 0
// if it is not known yet.
func openScenario(nameOrFile string, overrides []string, seed uint64) (*scenarios.Scenario, error) {
	s, err := scenarios.Open(nameOrFile, overrides, run.Preflight(seed)...)
	switch {
	case errors.Is(err, scenarios.ErrNotFound):
		return nil, usage(err, "`stampede scenarios list` lists the shipped ones; a file's name ends in .yaml or has a slash")
	case err != nil:
		return nil, usage(err, "nothing was started; `stampede scenarios show black-friday` is a commented example")
	}
	return s, nil
}
