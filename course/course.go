// Package course is the table of contents: nine phases, their units, in order, and
// the incidents that end them. What stands here is in the course.
package course

import (
	"embed"

	counter "github.com/redis-grind/grind/course/01-redis-fundamentals/01-strings"
	profile "github.com/redis-grind/grind/course/01-redis-fundamentals/02-hashes"
	expiry "github.com/redis-grind/grind/course/01-redis-fundamentals/03-expiration"
	batch "github.com/redis-grind/grind/course/01-redis-fundamentals/04-pipelines"
	transaction "github.com/redis-grind/grind/course/01-redis-fundamentals/05-transactions"
	queue "github.com/redis-grind/grind/course/01-redis-fundamentals/06-lists"
	blocking "github.com/redis-grind/grind/course/01-redis-fundamentals/07-blocking"
	guestlist "github.com/redis-grind/grind/course/01-redis-fundamentals/08-sets"
	ranking "github.com/redis-grind/grind/course/01-redis-fundamentals/09-sorted-sets"
	kitchen "github.com/redis-grind/grind/course/01-redis-fundamentals/10-streams"
	broadcast "github.com/redis-grind/grind/course/01-redis-fundamentals/11-pubsub"
	keyspace "github.com/redis-grind/grind/course/01-redis-fundamentals/12-scanning"
	notes "github.com/redis-grind/grind/course/01-redis-fundamentals/13-keys"
	incident1 "github.com/redis-grind/grind/course/01-redis-fundamentals/incident"
	lostfound "github.com/redis-grind/grind/course/02-web-integration-basics/01-first-api"
	carpark "github.com/redis-grind/grind/course/02-web-integration-basics/02-connections"
	stations "github.com/redis-grind/grind/course/02-web-integration-basics/03-sync-async"
	cloakroom "github.com/redis-grind/grind/course/02-web-integration-basics/04-dependency-injection"
	settings "github.com/redis-grind/grind/course/02-web-integration-basics/05-configuration"
	exam "github.com/redis-grind/grind/course/02-web-integration-basics/06-health"
	formats "github.com/redis-grind/grind/course/02-web-integration-basics/07-serialization"
	retries "github.com/redis-grind/grind/course/02-web-integration-basics/08-errors-retries"
	incident2 "github.com/redis-grind/grind/course/02-web-integration-basics/incident"
	aside "github.com/redis-grind/grind/course/03-caching-patterns/01-cache-aside"
	lifts "github.com/redis-grind/grind/course/03-caching-patterns/02-read-write-through"
	pages "github.com/redis-grind/grind/course/03-caching-patterns/03-write-behind"
	library "github.com/redis-grind/grind/course/03-caching-patterns/04-api-responses"
	seeds "github.com/redis-grind/grind/course/03-caching-patterns/05-query-results"
	canteen "github.com/redis-grind/grind/course/03-caching-patterns/06-invalidation"
	stampede "github.com/redis-grind/grind/course/03-caching-patterns/07-stampede"
	warming "github.com/redis-grind/grind/course/03-caching-patterns/08-warming"
	plaza "github.com/redis-grind/grind/course/03-caching-patterns/09-multi-layer"
	incident3 "github.com/redis-grind/grind/course/03-caching-patterns/incident"
	catalogproject "github.com/redis-grind/grind/course/09-projects/01-catalog"
	"github.com/redis-grind/grind/internal/unit"
)

//go:embed */*/lesson.md */incident/incident.md
var files embed.FS

// New returns the course.
func New() *unit.Course {
	return &unit.Course{
		Files: files,
		Phases: []unit.Phase{
			{Number: 1, Title: "Redis fundamentals", Teaches: "data types, expiry, transactions, pipelines", Units: []unit.Entry{
				{Dir: "01-redis-fundamentals/01-strings", Unit: &counter.Unit},
				{Dir: "01-redis-fundamentals/02-hashes", Unit: &profile.Unit},
				{Dir: "01-redis-fundamentals/03-expiration", Unit: &expiry.Unit},
				{Dir: "01-redis-fundamentals/04-pipelines", Unit: &batch.Unit},
				{Dir: "01-redis-fundamentals/05-transactions", Unit: &transaction.Unit},
				{Dir: "01-redis-fundamentals/06-lists", Unit: &queue.Unit},
				{Dir: "01-redis-fundamentals/07-blocking", Unit: &blocking.Unit},
				{Dir: "01-redis-fundamentals/08-sets", Unit: &guestlist.Unit},
				{Dir: "01-redis-fundamentals/09-sorted-sets", Unit: &ranking.Unit},
				{Dir: "01-redis-fundamentals/10-streams", Unit: &kitchen.Unit},
				{Dir: "01-redis-fundamentals/11-pubsub", Unit: &broadcast.Unit},
				{Dir: "01-redis-fundamentals/12-scanning", Unit: &keyspace.Unit},
				{Dir: "01-redis-fundamentals/13-keys", Unit: &notes.Unit},
			}},
			{Number: 2, Title: "Web integration", Teaches: "connections, dependencies, health, errors", Units: []unit.Entry{
				{Dir: "02-web-integration-basics/01-first-api", Unit: &lostfound.Unit},
				{Dir: "02-web-integration-basics/02-connections", Unit: &carpark.Unit},
				{Dir: "02-web-integration-basics/03-sync-async", Unit: &stations.Unit},
				{Dir: "02-web-integration-basics/04-dependency-injection", Unit: &cloakroom.Unit},
				{Dir: "02-web-integration-basics/05-configuration", Unit: &settings.Unit},
				{Dir: "02-web-integration-basics/06-health", Unit: &exam.Unit},
				{Dir: "02-web-integration-basics/07-serialization", Unit: &formats.Unit},
				{Dir: "02-web-integration-basics/08-errors-retries", Unit: &retries.Unit},
			}},
			{Number: 3, Title: "Caching patterns", Teaches: "from cache-aside to two layers", Units: []unit.Entry{
				{Dir: "03-caching-patterns/01-cache-aside", Unit: &aside.Unit},
				{Dir: "03-caching-patterns/02-read-write-through", Unit: &lifts.Unit},
				{Dir: "03-caching-patterns/03-write-behind", Unit: &pages.Unit},
				{Dir: "03-caching-patterns/04-api-responses", Unit: &library.Unit},
				{Dir: "03-caching-patterns/05-query-results", Unit: &seeds.Unit},
				{Dir: "03-caching-patterns/06-invalidation", Unit: &canteen.Unit},
				{Dir: "03-caching-patterns/07-stampede", Unit: &stampede.Unit},
				{Dir: "03-caching-patterns/08-warming", Unit: &warming.Unit},
				{Dir: "03-caching-patterns/09-multi-layer", Unit: &plaza.Unit},
			}},
			{Number: 4, Title: "Session management", Teaches: "logins, carts, many servers"},
			{Number: 5, Title: "Rate limiting", Teaches: "windows, buckets, quotas, attacks"},
			{Number: 6, Title: "Real-time features", Teaches: "broadcasts, sockets, presence, chat"},
			{Number: 7, Title: "Advanced patterns", Teaches: "locks, jobs, streams, places, sketches"},
			{Number: 8, Title: "Production practices", Teaches: "memory, failover, clusters, recovery"},
			{Number: 9, Title: "Projects", Teaches: "eight applications that you build", Units: []unit.Entry{
				{Dir: "09-projects/01-catalog", Unit: &catalogproject.Unit},
			}},
		},
		Incidents: []unit.IncidentEntry{
			{Phase: 1, Dir: "01-redis-fundamentals/incident", Incident: &incident1.Incident},
			{Phase: 2, Dir: "02-web-integration-basics/incident", Incident: &incident2.Incident},
			{Phase: 3, Dir: "03-caching-patterns/incident", Incident: &incident3.Incident},
		},
		Routes: []unit.Route{
			{Name: "all", Title: "All of it", About: "Every unit, in order."},
			{Name: "weekend", Title: "A weekend", About: "The shortest way to using Redis well, as far as the course has come.", Units: weekend},
			{Name: "project", Title: "By project", About: "What the application that you want to build rests on, as far as the course has come.", Units: everyProject()},
			{Name: "catalog", Title: "Catalog", About: "A product API that answers from memory.", Of: "project", Units: catalog},
			{Name: "chat", Title: "Chat", About: "Rooms, presence, and nothing lost in between.", Of: "project", Units: chat},
			{Name: "shortener", Title: "Shortener", About: "Short links, and every click counted once.", Of: "project", Units: shortener},
			{Name: "shop", Title: "Shop", About: "Carts, sessions and a checkout that never oversells.", Of: "project", Units: shop},
			{Name: "feed", Title: "Feed", About: "Followers, fan-out and a page that stays put.", Of: "project", Units: feed},
			{Name: "arena", Title: "Arena", About: "A leaderboard that moves while you look.", Of: "project", Units: arena},
			{Name: "jobs", Title: "Jobs", About: "A queue that loses no job when a worker dies.", Of: "project", Units: jobs},
			{Name: "limiter", Title: "Limiter", About: "How much is enough, exactly, for everybody at once.", Of: "project", Units: limiter},
		},
	}
}
