package workbench

import (
	"slices"
	"strings"
	"time"
)

// refusals say why the prompt does not send a command. It keeps the course's own
// server working; whoever wants these has redis-cli.
var refusals = map[string]string{
	"SHUTDOWN":     "it would end the server that every unit runs on",
	"DEBUG":        "it can crash or freeze the server that every unit runs on",
	"REPLICAOF":    "it would empty this server and make it follow another",
	"SLAVEOF":      "it would empty this server and make it follow another",
	"FAILOVER":     "this server has no replica to hand over to",
	"MODULE":       "it loads foreign code into the server",
	"MIGRATE":      "it connects to other servers; the playground stays on this one",
	"PSYNC":        "it turns the connection into a replica's, which a prompt cannot show",
	"SYNC":         "it turns the connection into a replica's, which a prompt cannot show",
	"REPLCONF":     "it is how replicas talk, and this is none",
	"CLUSTER":      "this server is not part of a cluster",
	"SAVE":         "it freezes the server while it writes; BGSAVE does not",
	"UNSUBSCRIBE":  "a subscription here ends by itself, or with Ctrl+C",
	"PUNSUBSCRIBE": "a subscription here ends by itself, or with Ctrl+C",
	"SUNSUBSCRIBE": "a subscription here ends by itself, or with Ctrl+C",
}

// subRefusals are those of a subcommand.
var subRefusals = map[string]string{
	"ACL SETUSER":    "it could lock the course out of its own server",
	"ACL DELUSER":    "it could lock the course out of its own server",
	"ACL LOAD":       "it could lock the course out of its own server",
	"ACL SAVE":       "it writes files; the playground changes data alone",
	"CONFIG REWRITE": "it writes files; the playground changes data alone",
	"CLIENT PAUSE":   "it would make every unit wait; use a unit's own switches",
	"CLIENT KILL":    "it would cut the course's own connections",
	"CLIENT REPLY":   "a prompt without replies could not tell that it hung",
}

// settable are the settings that CONFIG SET may change: what units speak of.
// Others touch files, the network or who may log in.
var settable = []string{
	"maxmemory", "maxmemory-policy", "maxmemory-samples", "notify-keyspace-events",
	"hash-max-", "list-max-", "set-max-", "zset-max-", "stream-node-max-", "lfu-",
	"slowlog-", "latency-monitor-threshold", "active-expire-effort", "lazyfree-",
}

// refusal says why the prompt does not send these words; empty when it does.
func refusal(words []string) string {
	name := strings.ToUpper(words[0])
	if why, ok := refusals[name]; ok {
		return name + " is not sent: " + why + "."
	}
	if len(words) < 2 {
		return ""
	}
	sub := name + " " + strings.ToUpper(words[1])
	if why, ok := subRefusals[sub]; ok {
		return sub + " is not sent: " + why + "."
	}
	if sub == "CONFIG SET" {
		for i := 2; i < len(words); i += 2 {
			setting := strings.ToLower(words[i])
			if !slices.ContainsFunc(settable, func(s string) bool {
				return setting == s || strings.HasSuffix(s, "-") && strings.HasPrefix(setting, s)
			}) {
				return "CONFIG SET " + clip(setting, 40) + " is not sent: only memory, encodings, events and the slow log can be set here."
			}
		}
	}
	if name == "HELLO" && words[1] != "2" && words[1] != "3" {
		return "HELLO is sent with 2 or 3 only."
	}
	return ""
}

// How long the prompt waits for what it sent.
const (
	replyLimit  = 10 * time.Second
	blockLimit  = 60 * time.Second
	listenLimit = 60 * time.Second
	maxMessages = 500
)

// listens says whether a command turns its connection into a stream.
func listens(name string) bool {
	return slices.Contains([]string{"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR"}, name)
}

// blocks says whether a command may wait for another client.
func blocks(words []string) bool {
	switch name := strings.ToUpper(words[0]); name {
	case "BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH", "BLMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP", "WAIT", "WAITAOF":
		return true
	case "XREAD", "XREADGROUP":
		return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, "BLOCK") })
	}
	return false
}

// scripted says whether a command may run for ever on the server.
func scripted(name string) bool {
	return slices.Contains([]string{"EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO"}, name)
}
