package retail

import (
	"bytes"
	"cmp"
	"compress/gzip"
	_ "embed" // the excerpt
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Currency of the data set: the shop is British.
const Currency = "GBP"

// Line is one line of an invoice, as in the file.
type Line struct {
	Invoice  string // begins with C for a cancellation
	SKU      string
	Quantity int64
	Minute   time.Duration // of the day, on the shop's wall clock
	Price    string        // decimal, a unit's
	Customer string        // number in the file; "" for a guest
}

// Cancelled says whether the line belongs to a cancellation.
func (l *Line) Cancelled() bool { return strings.HasPrefix(l.Invoice, "C") }

// Day is the lines of one day, in the order of the file.
type Day struct {
	Date  string // in the file, such as 2010-12-09
	Lines []Line
}

// ErrNoLines is returned for a day of which the file has no line.
var ErrNoLines = errors.New("no line of that day")

//go:embed testdata/online-retail/2010-12-09.csv.gz
var excerpt []byte

// columns of the file, in order.
var columns = []string{"InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"}

// ExcerptDate is the day that comes with the program.
const ExcerptDate = "2010-12-09"

// Excerpt is the day that comes with the program: 2,891 lines.
func Excerpt() (*Day, error) { return Read(bytes.NewReader(excerpt), ExcerptDate) }

// Read takes the lines of one day (2010-12-09) from a gzip CSV of UCI's "Online Retail"; of its
// busiest day, the one of most lines, if date is "". The error names the line at fault, or is
// [ErrNoLines].
func Read(r io.Reader, date string) (*Day, error) {
	days, err := read(r, date)
	if err != nil {
		return nil, fmt.Errorf("read retail day %s: %w", cmp.Or(date, "(the busiest)"), err)
	}
	var busiest *Day
	for _, day := range days {
		if busiest == nil || len(day.Lines) > len(busiest.Lines) || len(day.Lines) == len(busiest.Lines) && day.Date < busiest.Date {
			busiest = day
		}
	}
	if busiest == nil {
		return nil, fmt.Errorf("read retail day %s: %w", cmp.Or(date, "(the busiest)"), ErrNoLines)
	}
	return busiest, nil
}

// ReadDays takes all days of a gzip CSV of UCI's "Online Retail", by rising date. The error names
// the line at fault.
func ReadDays(r io.Reader) ([]*Day, error) {
	byDate, err := read(r, "")
	if err != nil {
		return nil, fmt.Errorf("read retail days: %w", err)
	}
	days := slices.Collect(maps.Values(byDate))
	slices.SortFunc(days, func(a, b *Day) int { return cmp.Compare(a.Date, b.Date) })
	return days, nil
}

// read takes the lines of one day, or of all days if date is "".
func read(r io.Reader, date string) (map[string]*Day, error) {
	unzipped, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("not gzip: %w", err)
	}
	rows := csv.NewReader(unzipped)
	rows.ReuseRecord = true
	head, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if !slices.Equal(head, columns) {
		return nil, fmt.Errorf("columns %q: want %q", head, columns)
	}
	days := map[string]*Day{}
	for {
		row, err := rows.Read()
		if err == io.EOF {
			return days, nil
		}
		if err != nil {
			return nil, err
		}
		on, _, _ := strings.Cut(row[4], " ")
		if date != "" && on != date {
			continue
		}
		line, err := parse(row)
		if err != nil {
			at, _ := rows.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", at, err)
		}
		day := days[on]
		if day == nil {
			day = &Day{Date: strings.Clone(on)}
			days[day.Date] = day
		}
		day.Lines = append(day.Lines, line)
	}
}

func parse(row []string) (Line, error) {
	quantity, err := strconv.ParseInt(row[3], 10, 64)
	if err != nil {
		return Line{}, fmt.Errorf("quantity %q: want a whole number", row[3])
	}
	at, err := time.Parse(time.DateTime, row[4])
	if err != nil {
		return Line{}, fmt.Errorf("date %q: want one such as 2010-12-09 08:34:00", row[4])
	}
	if _, ok := new(big.Rat).SetString(row[5]); !ok || strings.ContainsAny(row[5], "eE/_") {
		return Line{}, fmt.Errorf("unit price %q: want a decimal", row[5])
	}
	if row[0] == "" || row[1] == "" {
		return Line{}, errors.New("no invoice or no product")
	}
	return Line{
		Invoice: strings.Clone(row[0]), SKU: strings.Clone(row[1]), Quantity: quantity,
		Minute: time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute,
		Price:  strings.Clone(row[5]), Customer: strings.TrimSuffix(strings.Clone(row[6]), ".0"),
	}, nil
}
