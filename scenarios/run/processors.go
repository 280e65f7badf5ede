package run

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/retailflow/stampede/reports"
)

// clockTick is the unit of processor time in /proc: USER_HZ is 100 on every Linux that Go runs
// on (proc_stat(5)).
const clockTick = 10 * time.Millisecond

// hostTimes is a reading of the machine's processor time, all cores together, and of this run's
// part in it.
type hostTimes struct {
	total, busy time.Duration // busy includes steal
	steal       time.Duration // taken by the hypervisor for other machines
	run         time.Duration // of this process and all below it, those that have ended included
}

// parseHostTimes takes the first line of /proc/stat (proc_stat(5)): user nice system idle iowait
// irq softirq steal, in ticks. Waiting for disk is idle time; stolen time is busy.
func parseHostTimes(data []byte) (hostTimes, bool) {
	line, _, _ := bytes.Cut(data, []byte("\n"))
	fields := strings.Fields(string(line))
	if len(fields) < 9 || fields[0] != "cpu" {
		return hostTimes{}, false
	}
	var t hostTimes
	for i, field := range fields[1:9] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return hostTimes{}, false
		}
		d := time.Duration(ticks) * clockTick
		t.total += d
		if i != 3 && i != 4 {
			t.busy += d
		}
		if i == 7 {
			t.steal = d
		}
	}
	return t, true
}

// hostProcess is one line of the machine's process table.
type hostProcess struct {
	parent int
	used   time.Duration // by it, and by its children that have ended
}

// parseProcess takes ppid (field 4) and utime, stime, cutime, cstime (14 to 17) from
// /proc/<pid>/stat (proc_pid_stat(5)). The second field, the command in parentheses, may itself
// hold spaces and parentheses.
func parseProcess(stat []byte) (hostProcess, bool) {
	end := bytes.LastIndexByte(stat, ')')
	if end < 0 {
		return hostProcess{}, false
	}
	fields := strings.Fields(string(stat[end+1:]))
	if len(fields) < 15 {
		return hostProcess{}, false
	}
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		return hostProcess{}, false
	}
	p := hostProcess{parent: parent}
	for _, field := range fields[11:15] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return hostProcess{}, false
		}
		p.used += time.Duration(ticks) * clockTick
	}
	return p, true
}

// treeTime is the processor time of a process and all below it.
func treeTime(all map[int]hostProcess, root int) time.Duration {
	var sum time.Duration
	for pid, p := range all {
		for up, steps := pid, 0; up > 0 && steps < len(all); up, steps = all[up].parent, steps+1 {
			if up == root {
				sum += p.used
				break
			}
		}
	}
	return sum
}

// since says who used the processors between two readings.
func (t hostTimes) since(before hostTimes) reports.Processors {
	total := float64(t.total - before.total)
	if total <= 0 {
		return reports.Processors{}
	}
	share := func(part time.Duration) float64 { return min(max(float64(part)/total, 0), 1) }
	p := reports.Processors{Busy: share(t.busy - before.busy), Run: share(t.run - before.run), Steal: share(t.steal - before.steal)}
	// The two files are read one after the other, and ticks are coarse.
	p.Run = min(p.Run, p.Busy-p.Steal)
	p.Others = p.Busy - p.Run - p.Steal
	return p
}

// stretch joins looks that follow each other into intervals of one kind.
type stretch struct {
	interval reports.Interval
	sum      reports.Processors
	looks    float64
}

// stretches lists where kind says something of a look, with the mean use of the processors there.
func stretches(looks []observation, kind func(observation) string) []reports.Interval {
	var all []*stretch
	for _, o := range looks {
		reason := kind(o)
		if reason == "" {
			continue
		}
		start, end := reports.Seconds(o.at-time.Second), reports.Seconds(o.at)
		var last *stretch
		if n := len(all); n > 0 && all[n-1].interval.Reason == reason && start-all[n-1].interval.End < reports.Seconds(1500*time.Millisecond) {
			last = all[n-1]
		} else {
			last = &stretch{interval: reports.Interval{Start: max(start, 0), Reason: reason}}
			all = append(all, last)
		}
		last.interval.End = end
		last.sum = last.sum.Plus(o.host)
		last.looks++
	}
	var out []reports.Interval
	for _, s := range all {
		mean := s.sum.Times(1 / s.looks)
		s.interval.Processors = &mean
		s.interval.Reason += ": " + mean.String()
		out = append(out, s.interval)
	}
	return out
}

// hostLimited lists the stretches in which the host was the bottleneck: with more than the share
// busy of its processors in use, a capacity seen there is not the system's.
func hostLimited(looks []observation, busy float64) []reports.Interval {
	return stretches(looks, func(o observation) string {
		switch {
		case o.memory > 0.95:
			return "memory above 95 %"
		case o.host.Busy > busy:
			return "processors above " + reports.Percent(busy)
		}
		return ""
	})
}

// othersShare is the part of the machine's processors from which on what others take is told
// beside the figures.
const othersShare = 0.2

// otherLoad tells what else the machine did during the load; nil if that was little.
func otherLoad(looks []observation, length time.Duration) *reports.OtherLoad {
	within := func(o observation) bool { return o.at > 0 && o.at <= length+time.Second }
	foreign := func(o observation) float64 { return o.host.Others + o.host.Steal }
	out := &reports.OtherLoad{Above: othersShare, Of: reports.Seconds(length)}
	seconds := 0.0
	for _, o := range looks {
		if within(o) && foreign(o) > othersShare {
			out.Mean += foreign(o)
			out.Most = max(out.Most, foreign(o))
			seconds++
		}
	}
	if seconds == 0 {
		return nil
	}
	out.Mean /= seconds
	out.Took = min(reports.Seconds(seconds*float64(time.Second)), out.Of)
	out.Intervals = stretches(looks, func(o observation) string {
		if within(o) && foreign(o) > othersShare {
			return "others above " + reports.Percent(othersShare)
		}
		return ""
	})
	return out
}
