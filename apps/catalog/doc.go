// Package catalog is an application: a product API whose readers are answered from
// memory, from Redis or from the store, and a page that shows which.
//
// # When to use
//
// To see what a cache does to a real API, under load and while its Redis is broken;
// as a model of an API over kit/cache. grind app catalog starts it, and its scripts
// load, drill and outage try it.
//
// # Design
//
// Files: catalog.go is the domain and knows no HTTP; layers.go its switches;
// untold.go what the caches could not be told; store.go, seed.go and origin.go the
// stores; api.go the operations, responses.go the cache before them; page.go and
// page/ the page; instances.go what instances know of each other; app.go the wiring;
// load.go, drill.go and outage.go its trials.
//
// A product is cached by its id; a list by its question, with a tag for each product
// that it shows. One tag for all lists was tried: at ten changes a second no list
// was ever answered from a cache.
//
// Whole responses stand before both, by kit/cache/httpcache, with the tags of the
// products that they show. A response is for all instances, so it is never made
// from the memory of one: that hears of a change later than Redis, and would bring
// back for everybody what the change has just taken away. Browsers are told
// no-cache, with an ETag, for nobody could take an answer back that they keep.
//
// A change is made in the store and then told to the caches: see Catalog.change for
// why this and not cache.Write. Three things see to it that the telling happens: the
// call itself; untold, which repeats it in the background while Redis does not
// answer; and with a database the outbox, a row in the same transaction, from which
// any instance tells what one that died could not.
//
// Without Redis readers go to the store, which bounds by itself how many it asks at
// a time; the others wait in line. A bulkhead that refuses was rejected: 200 readers
// of 200 products would see errors although the store could have had them all within
// a second.
//
// Neither Redis nor the store takes an instance out of the load balancer: all
// instances share both, and would leave together.
//
// # Redis footprint
//
// Keys begin with app.Env.Prefix, grind:catalog: by default. <prefix>product and
// <prefix>list are those of kit/cache: 184 bytes a product, and for a list of ten 968
// bytes and a tag of 104 bytes for each product in it, for 11 minutes at most, since
// what is past its time is kept for a store that does not answer. <prefix>response
// are those of httpcache, for half a minute: 424 bytes a product, and for a list of
// ten 1,640 and tags of 152. <prefix>{instances}:… are told in instances.go, <prefix>health
// in kit/health. Each has an end. With eviction use volatile-ttl.
//
// # Guarantees
//
//   - Whoever changed a product reads the change from the same instance, also while
//     Redis does not answer. Every other instance answers with it within the time of
//     a message, and within 2 s where no message arrives; a change that was made
//     while Redis did not answer is told when it does, and until then an instance
//     may answer with what Redis held.
//   - One question for a product is under way at the store, over all instances, while
//     Redis answers.
//   - While Redis does not answer nobody sees an error, and the store is asked at
//     most 32 things at a time by an instance.
//   - While the store does not answer, what is cached is answered for 10 minutes
//     past its time; the rest is 503 within 3 s.
//   - After kill -9 of an instance with a database no change stays untold. With an
//     origin behind HTTP an old value may live for its time, a minute.
//
// # Caveats
//
// The page can break things, so it is served with app.Env.Reveal only. The store's
// ids are as they are: an id that does not exist is remembered for 30 s.
package catalog
