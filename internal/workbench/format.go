package workbench

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/redis-grind/grind/internal/unit"
)

// comma writes a whole number with separators: 50,000.
func comma[N int | int64](n N) string { return unit.Figure(float64(n), "") }

// short writes a figure for an axis: 50 k, 1.2 M.
func short(v float64) string {
	for _, step := range []struct {
		size float64
		unit string
	}{{1e9, " G"}, {1e6, " M"}, {1e3, " k"}} {
		if math.Abs(v) >= step.size {
			return tidy(v/step.size) + step.unit
		}
	}
	return tidy(v)
}

// tidy writes a figure without the zeros that say nothing: 0.5, 20, 0.001.
func tidy(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

// millis is a duration for people: 840 ms, 1.4 s, 2 min 5 s.
func millis(ms int64) string {
	switch {
	case ms < 1000:
		return strconv.FormatInt(ms, 10) + " ms"
	case ms < 60_000:
		return strings.TrimSuffix(strconv.FormatFloat(float64(ms)/1000, 'f', 1, 64), ".0") + " s"
	}
	return fmt.Sprintf("%d min %d s", ms/60_000, ms%60_000/1000)
}

// inMillis is a duration in milliseconds without its unit: 0.06, 1.2, 36.
func inMillis(micros int64) string {
	decimals := 0
	switch {
	case micros < 1000:
		decimals = 2
	case micros < 10_000:
		decimals = 1
	}
	return strconv.FormatFloat(float64(micros)/1000, 'f', decimals, 64)
}

// ttlText says when a key goes, from its TTL in milliseconds. pictures.js says
// the same while it counts down.
func ttlText(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	switch {
	case ms < 0:
		return "no expiry"
	case d < 10*time.Second:
		return fmt.Sprintf("expires in %.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("expires in %d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("expires in %d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("expires in %d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("expires in %d days", int(d.Hours())/24)
}

// share is part of whole in thousandths, for the width of a bar.
func share(part, whole float64) int {
	if whole <= 0 || part <= 0 {
		return 0
	}
	return int(math.Round(1000 * min(part/whole, 1)))
}

// actorClass is the class that colours an actor of a race, by index.
func actorClass(i int) string { return string(rune('a' + i%4)) }
