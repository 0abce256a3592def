package cli

import "testing"

func TestFoldCode(t *testing.T) {
	t.Parallel()
	text := "a line of prose that is wider than all\n```go\nfunc f() {\n    one(two, three, four, five)\n}\n```\nprose again, and it is as wide as that\n"
	want := "a line of prose that is wider than all\n```go\nfunc f() {\n    one(two, three,\n        four, five)\n}\n```\nprose again, and it is as wide as that\n"
	if got := foldCode(text, 24); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
