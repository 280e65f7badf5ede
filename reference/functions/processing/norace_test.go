//go:build !race

package processing

const underRace = false
