package unit

import (
	"context"
	"time"

	"github.com/redis-grind/grind/internal/race"
)

// Unit is one topic: a text, an experiment, and an exercise. Everything that is
// said about it, but for the text, stands in this literal.
type Unit struct {
	// ID is phase and number, such as 1.01. Progress is kept by it.
	ID string
	// Title is what people read.
	Title string
	// Lead is one sentence: the problem as it hurts.
	Lead string
	// Minutes is how long it takes, by the rule of docs/decisions/0014.
	Minutes int
	// After names the units it builds on.
	After []string
	// Needs says what the experiment cannot do without. Empty means that it also
	// runs on the embedded server, with counts and without timings.
	Needs []Need
	// Packages are the packages of kit that it teaches, such as cache/httpcache.
	Packages []string
	// Params are what a learner may turn.
	Params []Param
	// Predict is the question asked before the experiment runs.
	Predict Prediction
	// Claims are the assertions of the lesson. A run is ok when all of them hold.
	Claims []Claim
	// Slow is how long the experiment takes when that is over ten seconds; zero
	// means that it does not.
	Slow time.Duration
	// Run is the experiment.
	Run func(ctx context.Context, run *Run) error
	// Races can be stepped by hand and explored.
	Races []race.Scenario
	// Terms are the words of the trade that it explains; they make the glossary.
	Terms []Term
	// Formerly lists ids that the unit had before; progress made under them counts.
	Formerly []string
	// Tasks are what the exercise asks, in the order in which they are checked.
	// Empty means that the unit has no exercise.
	Tasks []Task
}

// Task is one thing that an exercise asks.
type Task struct {
	ID    string `json:"id"`    // such as exact
	Title string `json:"title"` // such as "counts every like of 50 clients"
}

// Need is something that an experiment cannot do without.
type Need string

// What an experiment may need.
const (
	NeedRedis     Need = "redis"      // a real server, not the embedded one
	NeedOwnServer Need = "own-server" // a server that it may break
	NeedSentinel  Need = "sentinel"
	NeedCluster   Need = "cluster"
	NeedTLS       Need = "tls"
	NeedPostgres  Need = "postgres"
)

// Prediction is a question whose answer comes out of the run.
type Prediction struct {
	Question string
	Choices  []string
	// Answer picks the right choice, by its index, out of what the run measured,
	// and says in a sentence why.
	Answer func(m Metrics) (choice int, because string)
}

// Claim is an assertion over a metric: "lost_get_set > 0".
type Claim struct {
	// Text is the assertion as the lesson makes it.
	Text string
	// Metric is the name of a metric of the run.
	Metric string
	// Op is one of == != < <= > >=.
	Op string
	// Bound is what the metric is compared with, unless Other names a metric; then
	// Bound is the factor that Other is multiplied with, and zero means one.
	Bound float64
	Other string
	// Timing marks a claim over time. The embedded server does not answer it.
	Timing bool
	// Need is what the claim's part of the experiment cannot do without, though the
	// rest of the unit can; see Run.Has. Where it is missing, nobody answers.
	Need Need
}

// Metrics are the figures of a run by name.
type Metrics map[string]float64
