package writebehind

import (
	_ "embed"

	"github.com/redis-grind/grind/kit/script"
)

var (
	//go:embed put.lua
	putSource string
	//go:embed ready.lua
	readySource string
	//go:embed take.lua
	takeSource string
	//go:embed renew.lua
	renewSource string
	//go:embed release.lua
	releaseSource string
	//go:embed ack.lua
	ackSource string
	//go:embed fail.lua
	failSource string
	//go:embed requeue.lua
	requeueSource string
	//go:embed stats.lua
	statsSource string
)

// A put that ran twice would take effect twice, with another's write in between;
// a requeue would count wrongly. All others are the same twice, by their token or
// by the versions that they name.
var (
	putScript     = script.Must(putSource)
	readyScript   = script.Must(readySource, script.Idempotent())
	takeScript    = script.Must(takeSource, script.Idempotent())
	renewScript   = script.Must(renewSource, script.Idempotent())
	releaseScript = script.Must(releaseSource, script.Idempotent())
	ackScript     = script.Must(ackSource, script.Idempotent())
	failScript    = script.Must(failSource, script.Idempotent())
	requeueScript = script.Must(requeueSource)
	statsScript   = script.Must(statsSource, script.Idempotent())
)
