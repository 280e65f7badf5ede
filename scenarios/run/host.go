package run

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/retailflow/stampede/reports"
)

// readHostTimes reads /proc; ok is false where there is none.
func readHostTimes() (hostTimes, bool) {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return hostTimes{}, false
	}
	t, ok := parseHostTimes(data)
	t.run = treeTime(readProcesses(), os.Getpid())
	return t, ok
}

// readProcesses reads the process table; one that ends meanwhile is left out.
func readProcesses() map[int]hostProcess {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	all := map[int]hostProcess{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if data, err := os.ReadFile("/proc/" + e.Name() + "/stat"); err == nil {
			if p, ok := parseProcess(data); ok {
				all[pid] = p
			}
		}
	}
	return all
}

// memoryUsed is the share of memory that is not available, from /proc/meminfo; ok is false
// where there is none.
func memoryUsed() (float64, bool) {
	values := memInfo()
	total, available := values["MemTotal"], values["MemAvailable"]
	if total == 0 {
		return 0, false
	}
	return 1 - float64(available)/float64(total), true
}

// memInfo reads /proc/meminfo in bytes.
func memInfo() map[string]int64 {
	values := map[string]int64{}
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return values
	}
	scan := bufio.NewScanner(bytes.NewReader(data))
	for scan.Scan() {
		name, rest, found := strings.Cut(scan.Text(), ":")
		fields := strings.Fields(rest)
		if !found || len(fields) == 0 {
			continue
		}
		if kib, err := strconv.ParseInt(fields[0], 10, 64); err == nil {
			values[name] = kib << 10
		}
	}
	return values
}

// environment describes this machine.
func environment(dataDir string) reports.Environment {
	env := reports.Environment{
		OS:    runtime.GOOS + "/" + runtime.GOARCH,
		Cores: runtime.NumCPU(),
		Go:    runtime.Version(),
	}
	env.Host, _ = os.Hostname()
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		env.Kernel = unix.ByteSliceToString(uts.Release[:])
	}
	env.MemoryBytes = memInfo()["MemTotal"]
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(data)) {
			if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
				env.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	env.Filesystem = filesystem(dataDir)
	return env
}

// filesystems names the magic numbers of statfs(2) that a data directory is likely to be on.
var filesystems = map[int64]string{
	unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs",
	unix.TMPFS_MAGIC: "tmpfs", unix.OVERLAYFS_SUPER_MAGIC: "overlayfs",
}

func filesystem(dir string) string {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return ""
	}
	if name, ok := filesystems[int64(fs.Type)]; ok {
		return name
	}
	return fmt.Sprintf("type %#x", fs.Type)
}

// needSpace refuses to start with less than want bytes free in dir.
func needSpace(dir string, want int64) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return fmt.Errorf("look at free space of %s: %w", dir, err)
	}
	if free := int64(fs.Bavail) * fs.Bsize; free < want {
		return fmt.Errorf("%s has %d MB free, a run wants at least %d MB", dir, free>>20, want>>20)
	}
	return nil
}
