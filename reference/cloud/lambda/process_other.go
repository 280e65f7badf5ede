//go:build unix && !linux

package lambda

import "time"

// countUnread is the ioctl for the bytes that a pipe holds: FIONREAD, _IOR('f', 127, int) on
// every BSD.
const countUnread = 0x4004667f

// processCPU is unknown here before a process has ended.
func processCPU(int) time.Duration { return 0 }
