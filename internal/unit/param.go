package unit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ParamKind is the type of a parameter.
type ParamKind string

// The types of parameters.
const (
	IntParam      ParamKind = "int"
	DurationParam ParamKind = "duration"
	EnumParam     ParamKind = "enum"
	BoolParam     ParamKind = "bool"
)

// Param is something that a learner may turn. Values are text, as a person
// writes them: 50, 5ms, lru, true.
type Param struct {
	Name    string    `json:"name"`
	Label   string    `json:"label"` // what it is, in a few words
	Kind    ParamKind `json:"kind"`
	Min     string    `json:"min,omitempty"`     // int and duration
	Max     string    `json:"max,omitempty"`     // int and duration
	Choices []string  `json:"choices,omitempty"` // enum
	Default string    `json:"default"`
	Quick   string    `json:"quick,omitempty"` // the value in tests; empty means Default
}

// ParamError says which parameter was wrong, and what would be right.
type ParamError struct {
	Name, Value, Rule string
}

// Error returns the sentence a person reads.
func (e *ParamError) Error() string {
	return fmt.Sprintf("parameter %s: %s, got %q", e.Name, e.Rule, e.Value)
}

// Parse checks a value and returns it as it is kept: ints and durations in
// their shortest form.
func (p Param) Parse(value string) (string, error) {
	wrong := func(rule string) (string, error) {
		return "", &ParamError{p.Name, value, rule}
	}
	switch p.Kind {
	case IntParam:
		n, err := strconv.Atoi(strings.ReplaceAll(value, "_", ""))
		low, _ := strconv.Atoi(p.Min)
		high, _ := strconv.Atoi(p.Max)
		if err != nil || n < low || n > high {
			return wrong(fmt.Sprintf("must be a whole number from %d to %d", low, high))
		}
		return strconv.Itoa(n), nil
	case DurationParam:
		d, err := time.ParseDuration(value)
		low, _ := time.ParseDuration(p.Min)
		high, _ := time.ParseDuration(p.Max)
		if err != nil || d < low || d > high {
			return wrong(fmt.Sprintf("must be a duration from %v to %v, such as %s", low, high, p.Default))
		}
		return d.String(), nil
	case EnumParam:
		if !slices.Contains(p.Choices, value) {
			return wrong("must be one of " + strings.Join(p.Choices, ", "))
		}
		return value, nil
	case BoolParam:
		b, err := strconv.ParseBool(value)
		if err != nil {
			return wrong("must be true or false")
		}
		return strconv.FormatBool(b), nil
	}
	return "", fmt.Errorf("parameter %s has the unknown kind %q", p.Name, p.Kind)
}

// Settings resolves what a person set against a unit's parameters: what is not
// set takes its default, or in a quick run its quick value.
func (u *Unit) Settings(set map[string]string, quick bool) (map[string]string, error) {
	out := make(map[string]string, len(u.Params))
	for _, p := range u.Params {
		value, given := set[p.Name]
		switch {
		case given:
		case quick && p.Quick != "":
			value = p.Quick
		default:
			value = p.Default
		}
		parsed, err := p.Parse(value)
		if err != nil {
			return nil, fmt.Errorf("unit %s: %w", u.ID, err)
		}
		out[p.Name] = parsed
	}
	for name, value := range set {
		if _, known := out[name]; !known {
			return nil, fmt.Errorf("unit %s: %w", u.ID, &ParamError{name, value, "is not a parameter here; there are " + u.paramNames()})
		}
	}
	return out, nil
}

func (u *Unit) paramNames() string {
	if len(u.Params) == 0 {
		return "none"
	}
	names := make([]string, len(u.Params))
	for i, p := range u.Params {
		names[i] = p.Name
	}
	return strings.Join(names, ", ")
}
