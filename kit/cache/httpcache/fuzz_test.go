package httpcache

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

// FuzzParseDirectives: any text is read without a panic, whoever says no-store in
// form is heard, and no time is negative or beyond the bound.
func FuzzParseDirectives(f *testing.F) {
	for _, seed := range []string{"", "max-age=60", `no-cache="a, b", s-maxage="5"`, `private="`, ",,public,,", "a=b=c", "max-age=99999999999999999999, no-store", `x="\"",private`, "no-store\x00", " max-age = 5"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		d := parseDirectives([]string{line})
		for _, time := range []time.Duration{d.maxAge, d.sMaxAge, d.minFresh, d.whileRevalidate, d.ifError} {
			if time < -1 || time > maxDelta {
				t.Errorf("%q: got %d", line, time)
			}
		}
		plain := !strings.ContainsAny(line, `"\`)
		for element := range strings.SplitSeq(line, ",") {
			if plain && strings.EqualFold(strings.Trim(element, " \t"), "no-store") && !d.noStore {
				t.Errorf("%q: no-store was not heard", line)
			}
			if plain && strings.EqualFold(strings.Trim(element, " \t"), "private") && !d.private && !d.noStore {
				t.Errorf("%q: private was not heard", line)
			}
		}
		if upper := parseDirectives([]string{strings.ToUpper(line)}); isASCII(line) && upper != d {
			t.Errorf("%q: got %+v, in capitals %+v", line, d, upper)
		}
	})
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 126 })
}

// FuzzParseVary: a star, and what is no name, match nothing; order and repetition
// do not matter.
func FuzzParseVary(f *testing.F) {
	for _, seed := range []string{"", "*", "Accept", "accept , ACCEPT,Cookie", "a b", ",", "é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		names, ok := parseVary([]string{line})
		if ok && strings.Contains(line, "*") && !strings.ContainsAny(strings.ReplaceAll(line, "*", ""), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'+-.^_`|~") {
			t.Errorf("%q: got %q", line, names)
		}
		again, ok2 := parseVary([]string{line, line})
		if ok != ok2 || !reflect.DeepEqual(names, again) {
			t.Errorf("%q: got %q, twice %q", line, names, again)
		}
		for _, name := range names {
			if name != http.CanonicalHeaderKey(name) {
				t.Errorf("%q: got %q", line, name)
			}
		}
	})
}

// FuzzMatchesETag: a list of tags names each of them and no other, and no text
// makes it panic.
func FuzzMatchesETag(f *testing.F) {
	f.Add(`"a"`, `"a"`)
	f.Add(`W/"a" , "b"`, `"b"`)
	f.Add(`*`, ``)
	f.Add(`"a`, `"a"`)
	f.Add(`"a,b","c"`, `"c"`)
	f.Add(`""`, `""`)
	f.Fuzz(func(t *testing.T, line, etag string) {
		got := matchesETag([]string{line}, etag)
		opaque, rest, ok := cutTag(etag)
		if !ok || rest != "" {
			if got && strings.Trim(line, " \t\r\n") != "*" {
				t.Errorf("%q matches %q, which is no tag", line, etag)
			}
			return
		}
		if got && !strings.Contains(line, `"`+opaque+`"`) && !strings.Contains(line, "*") {
			t.Errorf("%q matches %q", line, etag)
		}
		for _, list := range []string{etag, `W/"` + opaque + `"`, `"x y"` + "," + etag, `"other" , ` + etag, etag + `,"other"`} {
			if !strings.HasPrefix(list, `"x y"`) && !matchesETag([]string{list}, etag) {
				t.Errorf("%q does not match %q", list, etag)
			}
		}
	})
}

// FuzzNormalQuery: the normal form is what url.ParseQuery reads in the text, its
// own normal form, and without what is dropped.
func FuzzNormalQuery(f *testing.F) {
	for _, seed := range []string{"", "a=1&b=2", "b=2&a=1&a=0", "utm_source=x&a", "a=%41+b", "a=%zz", "a;b", "&&", "=x", "%75tm_x=1&a=2"} {
		f.Add(seed)
	}
	c := &Cache{options: Options{DropQuery: []string{"utm_*", "fbclid"}}}
	f.Fuzz(func(t *testing.T, raw string) {
		normal, ok := c.normalQuery(raw)
		all, err := url.ParseQuery(raw)
		if ok != (err == nil) {
			t.Fatalf("%q: got %v, ParseQuery %v", raw, ok, err)
		}
		if !ok {
			return
		}
		for name := range all {
			if strings.HasPrefix(name, "utm_") || name == "fbclid" {
				delete(all, name)
			}
		}
		got, err := url.ParseQuery(normal)
		if err != nil || !reflect.DeepEqual(got, all) {
			t.Errorf("%q: got %q, which is %v, %v, want %v", raw, normal, got, err, all)
		}
		if again, _ := c.normalQuery(normal); again != normal {
			t.Errorf("%q: got %q, then %q", raw, normal, again)
		}
	})
}

// FuzzNormalPath: the normal form means the same path, and is its own.
func FuzzNormalPath(f *testing.F) {
	for _, seed := range []string{"/", "/a%2fb", "/%7Euser", "/%41", "/%", "/%4", "/%zz", "/a%20b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.Parse("http://x/" + strings.TrimLeft(path, "/"))
		if err != nil || u.Host != "x" {
			return
		}
		normal := normalPath(u.EscapedPath())
		if again := normalPath(normal); again != normal {
			t.Errorf("%q: got %q, then %q", path, normal, again)
		}
		if got, err := url.PathUnescape(normal); err != nil || got != u.Path {
			t.Errorf("%q: got %q, which is %q, %v, want %q", path, normal, got, err, u.Path)
		}
	})
}

// FuzzJudge: whatever the head of a response says, it is judged without a panic,
// and what is stored has a time, no cookie, and a status that may be stored.
func FuzzJudge(f *testing.F) {
	f.Add(200, "max-age=60", "Accept", "10", "Mon, 02 Jan 2006 15:04:05 GMT", "", "")
	f.Add(200, "", "", "-1", "", "0", "s=1")
	f.Fuzz(func(t *testing.T, status int, control, vary, age, date, expires, cookie string) {
		c := &Cache{options: Options{Heuristic: time.Hour, StaleIfError: time.Hour}}
		x := &exchange{cache: c, request: &http.Request{}}
		h := http.Header{"Cache-Control": {control}, "Vary": {vary}, "Age": {age}, "Date": {date}, "Expires": {expires}}
		if cookie != "" {
			h["Set-Cookie"] = []string{cookie}
		}
		v := x.judge(status, h, time.Now())
		if v.reason != storable {
			return
		}
		if cookie != "" || !understood(status) || v.fresh < 0 || v.fresh > maxDelta || v.fresh+v.ifError+v.whileRevalidate <= 0 {
			t.Errorf("%d %v: got %+v", status, h, v)
		}
		if v.aged < 0 || v.aged > maxDelta {
			t.Errorf("%v: got an age of %d", h, v.aged)
		}
	})
}
