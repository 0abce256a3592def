package projecttest

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/redis-grind/grind/internal/project"
)

// Contract is what is compared of a contract.yaml. It is read by its lines, which
// are laid out as in all our contracts: a path two spaces in, its methods four,
// their statuses eight.
type Contract struct {
	// Operations are such as "GET /products/{id}", with their statuses.
	Operations map[string][]string
	// Milestones are the ids of x-milestones in order, Bounds their figures.
	Milestones []string
	Bounds     map[string]map[string]int
}

var (
	pathLine   = regexp.MustCompile(`^ {2}(/\S*):$`)
	methodLine = regexp.MustCompile(`^ {4}(get|put|post|patch|delete):$`)
	statusLine = regexp.MustCompile(`^ {8}"(\d{3})":`)
	idLine     = regexp.MustCompile(`^ {2}- id: (\S+)$`)
	boundsLine = regexp.MustCompile(`^ {4}bounds: \{(.*)\}$`)
	boundPair  = regexp.MustCompile(`(\w+): (\d+)`)
)

// ReadContract reads a contract.yaml.
func ReadContract(t *testing.T, file string) *Contract {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := &Contract{Operations: map[string][]string{}, Bounds: map[string]map[string]int{}}
	var section, path, operation string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, " \n")
		if line != "" && line[0] != ' ' && line[0] != '#' {
			section = strings.TrimSuffix(line, ":")
		}
		switch section {
		case "paths":
			if m := pathLine.FindStringSubmatch(line); m != nil {
				path = m[1]
			}
			if m := methodLine.FindStringSubmatch(line); m != nil {
				operation = strings.ToUpper(m[1]) + " " + path
			}
			if m := statusLine.FindStringSubmatch(line); m != nil {
				c.Operations[operation] = append(c.Operations[operation], m[1])
			}
		case "x-milestones":
			c.milestone(line)
		}
	}
	return c
}

func (c *Contract) milestone(line string) {
	if m := idLine.FindStringSubmatch(line); m != nil {
		c.Milestones = append(c.Milestones, m[1])
		c.Bounds[m[1]] = map[string]int{}
	}
	if m := boundsLine.FindStringSubmatch(line); m != nil {
		for _, pair := range boundPair.FindAllStringSubmatch(m[1], -1) {
			c.Bounds[c.Milestones[len(c.Milestones)-1]][pair[1]], _ = strconv.Atoi(pair[2])
		}
	}
}

// holds wants every answer to be in the contract and, after all milestones, every
// operation to have been asked for.
func (c *Contract) holds(t *testing.T, seen map[string]bool, all bool) {
	t.Helper()
	allowed, asked := map[string]bool{}, map[string]bool{}
	for operation, statuses := range c.Operations {
		for _, status := range statuses {
			allowed[operation+" "+status] = true
		}
	}
	for answer := range seen {
		if !allowed[answer] {
			t.Errorf("%s is not in the contract", answer)
		}
		asked[answer[:strings.LastIndex(answer, " ")]] = true
	}
	for operation := range c.Operations {
		if all && !asked[operation] {
			t.Errorf("%s is in the contract, and no milestone asks for it", operation)
		}
	}
}

var number = regexp.MustCompile(`/(\d+|seven)(/|$)`)

// operation is what an answer was to, and its status.
func operation(a *project.Answer) string {
	path, _, _ := strings.Cut(a.Request, "?")
	return fmt.Sprintf("%s %d", number.ReplaceAllString(path, "/{id}$2"), a.Status)
}
