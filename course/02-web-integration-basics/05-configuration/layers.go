package settings

import (
	"context"
	"strings"

	"github.com/redis-grind/grind/internal/unit"
)

// layer is what one source says about one setting: nothing, or a value.
type layer struct {
	source string
	set    bool
	value  bool
}

// region: zero

// byZero takes what is not the zero value. Each later source wins.
func byZero(layers []layer) bool {
	value := false
	for _, l := range layers {
		if l.value { // false? then it was surely not set
			value = l.value
		}
	}
	return value
}

// endregion

// region: presence

// byPresence takes what is set, whatever it is. Each later source wins.
func byPresence(layers []layer) bool {
	value := false
	for _, l := range layers {
		if l.set {
			value = l.value
		}
	}
	return value
}

// endregion

// sources are in the order in which they win: the last one wins most.
var sources = []string{"default", "file", "environment", "flag", "remote", "operator"}

// layering tries every combination of sources that say yes, no or nothing.
func layering(_ context.Context, r *unit.Run) error {
	n := r.Int("sources")
	r.Step("One setting, cache=on or off, and %d sources: %s. Each says on, off or nothing.", n, strings.Join(sources[:n], ", "))
	combinations := 1
	for range n {
		combinations *= 3
	}
	wrongZero, wrongPresence := 0, 0
	var example []layer
	for c := range combinations {
		layers, want := combination(c, n)
		if byZero(layers) != want {
			if wrongZero++; example == nil {
				example = layers
			}
		}
		if byPresence(layers) != want {
			wrongPresence++
		}
	}
	r.Metric(unit.Metric{Name: "combinations", Label: "combinations", Value: float64(combinations), Minor: true})
	r.Metric(unit.Metric{Name: "wrong_zero", Label: "answered wrongly, merging by zero values", Value: float64(wrongZero), Tone: unit.Bad})
	r.Metric(unit.Metric{Name: "wrong_presence", Label: "answered wrongly, merging by presence", Value: float64(wrongPresence), Tone: unit.Good})
	table := unit.Table{Title: "One of the combinations", Columns: []string{"source", "says"}}
	for _, l := range example {
		says := "–"
		if l.set {
			says = onOff(l.value)
		}
		table.Rows = append(table.Rows, []string{l.source, says})
	}
	table.Rows = append(table.Rows, []string{"by zero values", onOff(byZero(example))}, []string{"by presence", onOff(byPresence(example))})
	r.Table(table)
	return nil
}

// combination is the c-th: each source says nothing, on or off. want is what the
// last that said anything said.
func combination(c, n int) (layers []layer, want bool) {
	for i := range n {
		says := c % 3
		c /= 3
		layers = append(layers, layer{source: sources[i], set: says > 0, value: says == 1})
	}
	for i := n - 1; i >= 0; i-- {
		if layers[i].set {
			return layers, layers[i].value
		}
	}
	return layers, false
}

func onOff(v bool) string {
	if v {
		return "on"
	}
	return "off"
}
