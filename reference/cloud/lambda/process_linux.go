package lambda

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// countUnread is the ioctl for the bytes that a pipe holds.
const countUnread = unix.TIOCINQ

// clockTick is the kernel's unit of CPU time in /proc: USER_HZ is 100 on every Linux that Go
// runs on (proc_pid_stat(5)).
const clockTick = 10 * time.Millisecond

// processCPU is the user and system time of a living process and of the children it has waited
// for; zero once it is gone.
func processCPU(pid int) time.Duration {
	if pid == 0 {
		return 0
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	return parseStat(stat)
}

// parseStat adds utime, stime, cutime and cstime, fields 14 to 17. The second field, the
// command in parentheses, may itself hold spaces and parentheses.
func parseStat(stat []byte) time.Duration {
	i := bytes.LastIndexByte(stat, ')')
	if i < 0 {
		return 0
	}
	fields := bytes.Fields(stat[i+1:])
	if len(fields) < 15 {
		return 0
	}
	var ticks int64
	for _, f := range fields[11:15] {
		n, _ := strconv.ParseInt(string(f), 10, 64) // a number, by the kernel's word
		ticks += n
	}
	return time.Duration(ticks) * clockTick
}
