package cli

import (
	"math"
	"slices"
)

// scale places figures between two bounds.
type scale struct {
	low, high float64
	log       bool
}

// scaleOf begins at zero, or at the power of ten below the smallest figure; figures
// that are not above zero have no logarithm and stand there too.
func scaleOf(figures []float64, log bool) scale {
	sc := scale{log: log}
	for _, v := range figures {
		sc.high = max(sc.high, v)
		if v > 0 && (sc.low == 0 || v < sc.low) {
			sc.low = v
		}
	}
	if !log || sc.low == 0 {
		return scale{high: sc.high}
	}
	sc.low = math.Pow(10, math.Floor(math.Log10(sc.low)))
	return sc
}

// spanOf begins at the smallest figure.
func spanOf(figures []float64, log bool) scale {
	if len(figures) == 0 || log && slices.Min(figures) <= 0 {
		return scaleOf(figures, false)
	}
	return scale{slices.Min(figures), slices.Max(figures), log}
}

// part is where a figure stands, from 0 to 1.
func (sc scale) part(v float64) float64 {
	low, high := sc.low, sc.high
	if sc.log {
		low, high, v = math.Log10(low), math.Log10(high), math.Log10(max(v, low))
	}
	if high <= low {
		return 0
	}
	return min(max((v-low)/(high-low), 0), 1)
}
