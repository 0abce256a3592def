package workbench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/localredis"
	"github.com/redis-grind/grind/internal/picture"
)

// The bounds of what the playground shows of the keys.
const (
	maxScanned  = 2000
	maxPictures = 24
	maxOffers   = 8
)

// playView is the page of the prompt.
type playView struct {
	Refused string // why there is no prompt; empty when there is
	Redis   string
	Tries   []string
	Keys    playKeys
}

type playKeys struct {
	Keys  []keyView
	More  string // how many are not shown
	Error string
}

// tries are lines to begin with: one of each kind of value.
var tries = []string{
	"SET greeting hello EX 60",
	"INCR visits",
	"HSET user:1 name Ada city London",
	"RPUSH jobs mail resize invoice",
	"ZADD scores 120 ada 95 bob 143 eve",
	"XADD events * type login user 1",
	"SETBIT days 3 1",
	"SUBSCRIBE news",
}

// closed says why this server has no prompt.
func (s *Server) closed() string {
	if s.redis.Kind() == localredis.External {
		return "The playground sends whatever you type, so it works only on a server that grind started itself. This one is yours (" +
			s.redis.Short() + "). Use redis-cli for it, or start grind without --redis and REDIS_URL."
	}
	return ""
}

func (s *Server) getPlay(w http.ResponseWriter, _ *http.Request) {
	v := playView{Refused: s.closed(), Redis: s.redis.Short(), Tries: tries}
	f := s.frame("Playground", "play", "css/bench.css", "css/play.css")
	f.Kind, f.Page = "play", v
	if v.Refused != "" {
		f.Kind = ""
	}
	s.show(w, http.StatusOK, f, "play")
}

// postPlay sends one line of the prompt and answers with its reply, or with one
// after the other while a subscription lasts.
func (s *Server) postPlay(w http.ResponseWriter, r *http.Request) {
	if why := s.closed(); why != "" {
		s.sentence(w, http.StatusForbidden, errors.New(why))
		return
	}
	words, err := splitLine(r.PostFormValue("line"))
	out := newLines(w)
	defer out.close()
	switch {
	case err != nil:
		out.parts(reply(s, "error", err.Error()))
	case len(words) == 0:
	case refusal(words) != "":
		out.parts(reply(s, "said-by", refusal(words)))
	case strings.EqualFold(words[0], "help"):
		out.parts(reply(s, "said-by", helpOn(words[1:])))
	default:
		s.prompt(r.Context(), out, clip(r.PostFormValue("tab"), 40), words)
	}
}

// reply is a piece of the prompt's log.
func reply(s *Server, class, text string) part {
	return part{Slot: "reply", Mode: "append", HTML: s.fragment("reply", struct{ Class, Text string }{class, text})}
}

// prompt runs a command for a tab.
func (s *Server) prompt(ctx context.Context, out *lines, tab string, words []string) {
	name := strings.ToUpper(words[0])
	limit, listen := replyLimit, listens(name)
	conn := s.prompts.of(tab)
	switch {
	case listen:
		limit = listenLimit
		conn = &promptConn{} // a subscription has a connection of its own
		out.parts(reply(s, "said-by", fmt.Sprintf("Listening for %v; Ctrl+C ends it.", limit)))
	case blocks(words):
		limit = blockLimit
		out.parts(reply(s, "said-by", fmt.Sprintf("Waiting for up to %v; Ctrl+C ends it.", limit)))
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := conn.run(ctx, s.redis.Options(), words, listen, func(v value) error {
		class := ""
		if v.kind == '-' {
			class = "error"
		}
		return out.parts(reply(s, class, v.String()))
	})
	if err == nil {
		return
	}
	if scripted(name) && ctx.Err() != nil {
		s.killScript()
	}
	out.parts(reply(s, "said-by", s.whyEnded(ctx, err, listen, limit)))
}

// whyEnded is the sentence for a command that had no reply.
func (s *Server) whyEnded(ctx context.Context, err error, listen bool, limit time.Duration) string {
	switch {
	case listen && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Sprintf("%v are over. Send the command again to go on listening.", limit)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Sprintf("There was no reply within %v, so the connection was closed.", limit)
	case errors.Is(ctx.Err(), context.Canceled):
		return "Ended."
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "The server closed the connection. The next command opens a new one."
	}
	return "Redis does not answer: " + err.Error()
}

// killScript ends a script that would otherwise freeze the server for everyone.
func (s *Server) killScript() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	c := redis.NewClient(s.redis.Options())
	defer c.Close()
	c.ScriptKill(ctx)   // there may be none to kill
	c.FunctionKill(ctx) // likewise
}

func (s *Server) getKeys(w http.ResponseWriter, r *http.Request) {
	if why := s.closed(); why != "" {
		s.sentence(w, http.StatusForbidden, errors.New(why))
		return
	}
	answer(w, http.StatusOK, map[string]any{
		"parts": []part{{Slot: "play-keys", HTML: s.fragment("play-keys", s.playKeys(r.Context()))}},
	})
}

// playKeys draws the first keys of the server, by name.
func (s *Server) playKeys(ctx context.Context) playKeys {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	names, more, err := scan(ctx, s.client, "*")
	if err != nil {
		return playKeys{Error: "The keys cannot be read: " + err.Error()}
	}
	v := playKeys{}
	if len(names) > maxPictures {
		v.More = comma(len(names)-maxPictures) + " more"
		if more {
			v.More = "thousands more"
		}
		names = names[:maxPictures]
	}
	shots, err := picture.Many(ctx, s.client, names, nil)
	if err != nil {
		return playKeys{Error: "The keys cannot be read: " + err.Error()}
	}
	shots = slices.DeleteFunc(shots, func(k picture.Key) bool { return k.Type == "none" }) // gone since
	v.Keys = picturesOf(shots)
	return v
}

// scan lists keys by pattern, sorted, and says whether there are more than it
// looked at.
func scan(ctx context.Context, c *redis.Client, pattern string) (names []string, more bool, err error) {
	var cursor uint64
	for range maxScanned / 200 {
		var page []string
		page, cursor, err = c.Scan(ctx, cursor, pattern, 200).Result()
		if err != nil {
			return nil, false, err
		}
		names = append(names, page...)
		if cursor == 0 {
			break
		}
	}
	slices.Sort(names)
	return slices.Compact(names), cursor != 0, nil
}

// getComplete offers what may stand at the end of a line: a command, then keys.
func (s *Server) getComplete(w http.ResponseWriter, r *http.Request) {
	if s.closed() != "" {
		answer(w, http.StatusOK, completion{})
		return
	}
	line := clip(r.URL.Query().Get("line"), 512)
	c := complete(line)
	if c.prefix != nil {
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		defer cancel()
		names, _, err := scan(ctx, s.client, globLiteral(*c.prefix)+"*")
		if err == nil { // no offers are no harm
			c.Offers = names[:min(len(names), maxOffers)]
		}
	}
	answer(w, http.StatusOK, c)
}

// globLiteral keeps what a person typed from being a pattern.
func globLiteral(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(s)
}
