package workbench

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed commands.txt
var commandLines string

// commands are the forms of the commands that people type, by name.
var commands = sync.OnceValues(func() (names []string, forms map[string]string) {
	forms = map[string]string{}
	for line := range strings.Lines(commandLines) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, _, _ := strings.Cut(line, " ")
		if before, ok := forms[name]; ok {
			forms[name] = before + "\n" + line
			continue
		}
		names = append(names, name)
		forms[name] = line
	}
	return names, forms
})

// completion is what may come next on a line.
type completion struct {
	Offers []string `json:"offers,omitempty"`
	From   int      `json:"from"` // where an offer replaces the line's end, in UTF-16 units
	Form   string   `json:"form,omitempty"`

	prefix *string // keys with this beginning are wanted
}

// complete looks at the last word of a line.
func complete(line string) completion {
	names, forms := commands()
	start := strings.LastIndexAny(line, " \t") + 1
	word := line[start:]
	c := completion{From: utf16Len(line[:start])}
	if strings.TrimSpace(line[:start]) == "" {
		for _, name := range names {
			if word != "" && strings.HasPrefix(name, strings.ToUpper(word)) && len(c.Offers) < maxOffers {
				c.Offers = append(c.Offers, name)
			}
		}
		c.Form = forms[strings.ToUpper(word)]
		return c
	}
	name := strings.ToUpper(strings.Fields(line)[0])
	c.Form = forms[name]
	if !strings.ContainsAny(word, `"'`) && strings.Contains(c.Form, "key") {
		c.prefix = &word
	}
	return c
}

func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		if n++; r > 0xffff {
			n++
		}
	}
	return n
}

// helpOn says how a command is written.
func helpOn(words []string) string {
	_, forms := commands()
	if len(words) == 0 {
		return "Type a command of Redis, such as SET greeting hello. Tab completes, ↑ brings back earlier lines, Ctrl+L clears, HELP SET shows how SET is written."
	}
	if form, ok := forms[strings.ToUpper(words[0])]; ok {
		return form
	}
	return "There is no help on " + clip(words[0], 40) + "."
}
