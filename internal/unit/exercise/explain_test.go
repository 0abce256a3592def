package exercise

import (
	"strings"
	"testing"
)

func TestExplainCompile(t *testing.T) {
	at := "course/01-a/02-b/exercise/exercise.go:12:3: "
	tests := map[string]string{ // an error of the compiler → a part of the help
		"undefined: strconv": `Add "strconv" to the import block`,
		"undefined: redis":   `Add "github.com/redis/go-redis/v9" to`,
		"undefined: cuont":   "Nothing is called cuont here",
		"rdb.Incrr undefined (type redis.Cmdable has no field or method Incrr, but does have method Incr)": "That type has no Incrr",
		"declared and not used: x":                                      "use x, or write _",
		`"fmt" imported and not used`:                                   `delete the line "fmt"`,
		`"github.com/redis/go-redis/v9" imported as redis and not used`: `delete the line "github.com/redis/go-redis/v9"`,
		"missing return":                                                "must end in a return",
		"cannot use rdb.Get(ctx, key) (value of type *redis.StringCmd) as string value in return statement": "returns a *redis.StringCmd: its .Result()",
		"assignment mismatch: 1 variable but f returns 2 values":                                            "value, err := f()",
		"not enough arguments in call to rdb.Incr\n\thave (string)\n\twant (context.Context, string)":       "take ctx first",
		"too many arguments in call to f":                                                                   "an argument too many",
		"not enough return values\n\thave (int64)\n\twant (int64, error)":                                   "the error last",
		"invalid operation: a + b (mismatched types int and int64)":                                         "int64(n)",
		"no new variables on left side of :=":                                                               "assign with =",
		"syntax error: unexpected newline, expected comma or )":                                             "a comma that is missing",
	}
	for text, want := range tests {
		got := explainCompile("# m/course [m/course.test]\n" + at + text + "\n")
		if !strings.HasPrefix(got, "exercise.go:12:3: "+text) || !strings.Contains(got, want) || strings.Contains(got, "# ") {
			t.Errorf("explainCompile(%q): got\n%s\nwant it to begin with exercise.go:12:3 and to say %q", text, got, want)
		}
	}
	got := explainCompile("course/01-a/02-b/exercise/steps_test.go:7:2: undefined: exercise.Like\n")
	if want := "steps_test.go:7:2: undefined: exercise.Like\nThe check calls Like: "; !strings.HasPrefix(got, want) {
		t.Errorf("explainCompile of a check: got\n%s\nwant it to begin with\n%s", got, want)
	}
	many := explainCompile(strings.Repeat(at+"declared and not used: x\n", 12) + at + "too many errors\n")
	if n := strings.Count(many, "\n"); n != maxErrors+1 || !strings.Contains(many, "\nand 2 more\n") {
		t.Errorf("explainCompile of 12 errors: got %d line ends:\n%s\nwant %d errors, how many more, and help", n, many, maxErrors)
	}
}
