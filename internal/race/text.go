package race

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/redis/go-redis/v9"
)

// The bounds of what a step shows.
const (
	maxArgs = 12
	maxText = 80 // bytes of one argument or reply
)

// commandText is what the commands of one step read like: GET likes:42, or MULTI;
// SET likes:42 1; EXEC.
func commandText(cmds []redis.Cmder, prefix string) string {
	return join(cmds, "; ", func(cmd redis.Cmder) string {
		var words []string
		for i, arg := range cmd.Args() {
			switch {
			case i == 0:
				words = append(words, strings.ToUpper(argText(arg)))
			case i > maxArgs:
				return strings.Join(append(words, "…"), " ")
			default:
				words = append(words, word(strings.ReplaceAll(argText(arg), prefix, "")))
			}
		}
		return strings.Join(words, " ")
	})
}

// join writes what a few commands read like, and an ellipsis for the rest.
func join(cmds []redis.Cmder, sep string, text func(redis.Cmder) string) string {
	var parts []string
	for i, cmd := range cmds {
		if i == maxArgs && len(cmds) > maxArgs+1 {
			parts = append(parts, "…", text(cmds[len(cmds)-1]))
			break
		}
		parts = append(parts, text(cmd))
	}
	return strings.Join(parts, sep)
}

// argText is an argument as go-redis puts it on the wire.
func argText(arg any) string {
	switch arg := arg.(type) {
	case string:
		return arg
	case []byte:
		return string(arg)
	case bool:
		if arg {
			return "1"
		}
		return "0"
	case encoding.BinaryMarshaler:
		text, err := arg.MarshalBinary()
		if err != nil {
			return err.Error()
		}
		return string(text)
	}
	if v := reflect.ValueOf(arg); v.Kind() == reflect.Int64 {
		return strconv.FormatInt(v.Int(), 10) // a time.Duration too
	}
	return fmt.Sprint(arg)
}

// word cuts an argument and quotes it where it would not read as one word.
func word(s string) string {
	s = cut(s)
	if s == "" || strings.ContainsAny(s, " \"';") || strconv.Quote(s) != `"`+s+`"` {
		return strconv.Quote(s)
	}
	return s
}

// cut bounds a text without cutting within a character.
func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	end := maxText
	for end > maxText-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// replyText is what the server answered to the commands of one step, and whether
// that is an error.
func replyText(cmds []redis.Cmder, err error, prefix string) (text string, failed bool) {
	if n := len(cmds); cmds[0].Name() == "multi" && n > 2 {
		if errors.Is(err, redis.TxFailedErr) {
			return "(nil)", false
		}
		cmds = cmds[1 : n-1] // the replies that EXEC brings
		text = "[" + join(cmds, ", ", oneReply) + "]"
	} else if n > 1 {
		text = join(cmds, "; ", oneReply)
	} else {
		cmds[0].SetErr(err) // go-redis does so too, but later
		text = oneReply(cmds[0])
	}
	return strings.ReplaceAll(text, prefix, ""), err != nil && !errors.Is(err, redis.Nil)
}

// oneReply reads a reply back from the command that go-redis read it into.
func oneReply(cmd redis.Cmder) string {
	if err := cmd.Err(); errors.Is(err, redis.Nil) {
		return "(nil)"
	} else if err != nil {
		return cut(err.Error())
	}
	switch cmd := cmd.(type) {
	case *redis.StatusCmd:
		return cmd.Val()
	case *redis.BoolCmd:
		// SET with NX answers OK or nil; the others 1 or 0.
		switch {
		case cmd.Name() != "set":
			return argText(cmd.Val())
		case cmd.Val():
			return "OK"
		}
		return "(nil)"
	case *redis.DurationCmd:
		unit := time.Second
		if cmd.Name()[0] == 'p' { // PTTL, PEXPIRETIME
			unit = time.Millisecond
		}
		if cmd.Val() < 0 { // -1 and -2 have no unit
			unit = 1
		}
		return strconv.FormatInt(int64(cmd.Val()/unit), 10)
	}
	// The commands of go-redis share no interface for their value.
	method := reflect.ValueOf(cmd).MethodByName("Val")
	if !method.IsValid() || method.Type().NumIn() != 0 || method.Type().NumOut() == 0 {
		return ""
	}
	return cut(valueText(method.Call(nil)[0].Interface()))
}

// valueText writes a value the way redis-cli would, on one line.
func valueText(value any) string {
	switch value := value.(type) {
	case nil:
		return "(nil)"
	case string:
		return strconv.Quote(value)
	case error:
		return value.Error()
	case redis.XMessage: // an entry of a stream: its fields are a map, so in the order of their names
		return value.ID + " " + strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(value.Values), "map["), "]")
	case redis.XStream:
		return valueText(value.Messages)
	}
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.Slice, reflect.Array:
		var parts []string
		for i := range min(v.Len(), maxArgs) {
			parts = append(parts, valueText(v.Index(i).Interface()))
		}
		if v.Len() > maxArgs {
			parts = append(parts, "…")
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case reflect.Map:
		return strings.TrimPrefix(fmt.Sprint(value), "map") // in the order of its keys
	case reflect.Struct:
		return fmt.Sprintf("%+v", value)
	}
	return fmt.Sprint(value)
}
