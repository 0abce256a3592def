package localredis

import (
	"slices"
	"strings"
)

// EmbeddedLacks lists the commands of Redis 7.0 that the embedded server does
// not know, in capitals and sorted: whole ones (CONFIG), subcommands of those
// that it knows in part (OBJECT ENCODING), and sections of INFO. The caller may
// change the list, which is a fresh one.
func EmbeddedLacks() []string {
	whole := strings.Fields(`
		ACL ASKING BGREWRITEAOF BGSAVE BITFIELD BITFIELD_RO BLMPOP CONFIG DEBUG
		FAILOVER FCALL FCALL_RO FUNCTION GEOHASH GEOSEARCHSTORE LASTSAVE LATENCY
		LCS LOLWUT MIGRATE MODULE MONITOR PFDEBUG PFSELFTEST PSYNC READONLY
		READWRITE REPLCONF REPLICAOF RESET RESTORE-ASKING ROLE SAVE SHUTDOWN
		SLAVEOF SLOWLOG SORT SORT_RO SPUBLISH SSUBSCRIBE SUBSTR SUNSUBSCRIBE SYNC
		XSETID ZDIFF ZDIFFSTORE ZINTERCARD ZRANGESTORE`)
	return slices.Sorted(func(yield func(string) bool) {
		for _, name := range whole {
			if !yield(name) {
				return
			}
		}
		for name, parts := range lackingParts() {
			for part := range strings.FieldsSeq(parts) {
				if !yield(name + " " + part) {
					return
				}
			}
		}
	})
}

// lackingParts are the missing subcommands of commands that are there.
func lackingParts() map[string]string {
	return map[string]string{
		"CLIENT": `CACHING GETREDIR ID INFO KILL LIST NO-EVICT PAUSE REPLY TRACKING
			TRACKINGINFO UNBLOCK UNPAUSE`,
		"CLUSTER": `ADDSLOTS ADDSLOTSRANGE BUMPEPOCH COUNT-FAILURE-REPORTS
			COUNTKEYSINSLOT DELSLOTS DELSLOTSRANGE FAILOVER FLUSHSLOTS FORGET
			GETKEYSINSLOT INFO LINKS MEET MYID REPLICAS REPLICATE RESET SAVECONFIG
			SET-CONFIG-EPOCH SETSLOT SLAVES`,
		"INFO": `CLUSTER COMMANDSTATS CPU ERRORSTATS KEYSPACE LATENCYSTATS MEMORY
			MODULES PERSISTENCE REPLICATION SERVER`,
		"MEMORY": "DOCTOR MALLOC-STATS PURGE STATS",
		"OBJECT": "ENCODING FREQ REFCOUNT",
		"PUBSUB": "SHARDCHANNELS SHARDNUMSUB",
		"SCRIPT": "DEBUG KILL",
		"XGROUP": "SETID",
	}
}

// Lacks reports whether the server is the embedded one and does not know a
// command, such as "CONFIG" or "object encoding". Words after those that name
// the command are ignored, so a whole command line may be given.
func (r *Redis) Lacks(command string) bool {
	words := strings.Fields(strings.ToUpper(command))
	if r.kind != Embedded || len(words) == 0 {
		return false
	}
	lacks := EmbeddedLacks()
	return slices.Contains(lacks, words[0]) ||
		len(words) > 1 && slices.Contains(lacks, words[0]+" "+words[1])
}
