// Package pipe sends the commands of many callers together: one write and one
// read for all that wait at the same time, instead of one each. It is the only
// place in the toolkit that knows go-redis's auto-pipelining, whose API is
// marked experimental, and it can be switched off.
//
// # When to use
//
// On the hot paths of a package, for commands that stand alone: a cache's read,
// a limiter's script. Transactions and blocking commands keep a connection to
// themselves: use the client for them. (Blocking ones that get here all the
// same go to the client.)
//
//	value, err := pipe.Do(ctx, p, redis.NewStringCmd(ctx, "get", key), (*redis.StringCmd).Result)
//
// A Pipe has Process, as every client has, so that a script runs through it:
//
//	take.Run(ctx, p, keys, args...)
//
// # Design
//
// Below 8 calls in flight a call goes to the client as usual, above that to the
// auto-pipelining of the same client. Measured on two cores against Redis 7.0:
// with one caller batching has 0.81 of the client's throughput, because each
// call is handed to another goroutine and back; with 8 callers they are level,
// with 256 it is four times as fast.
//
// go-redis repeats a batch as a whole or not at all, and cuts it where commands
// that may be repeated meet those that may not: 256 callers of which every
// second runs a script were slower than without batches. So nothing in a batch
// is repeated by go-redis; a call that failed there and may be repeated goes
// once more through the client.
//
// A Pipe starts nothing and needs no Close. The goroutines behind the batches
// belong to the client, come with the first batch and go with the client's
// Close, after what was accepted has been sent; calls after that are
// redis.ErrClosed.
//
// # Guarantees
//
//   - A call whose context is over is not sent: auto-pipelining does not look
//     at contexts, and a cancelled INCR was executed.
//   - A caller whose context ends meanwhile returns at once, and Do does not
//     touch the command any more: the batch may still be writing to it. The
//     outcome is then unknown.
//   - A Once is sent once, in a batch too; any other command is repeated as the
//     client repeats it.
//   - In a cluster each error on the way to a node makes the client look at the
//     topology again.
//
// # Caveats
//
// A []byte argument must not be changed after the call, even when the caller
// gave up. Hooks see batches, without the contexts of the callers: use
// Options.Observe for who called what. Once more than 65,536 calls wait for
// one client, further ones fail with redis.ErrAutoPipelineQueueFull and are not
// sent.
package pipe
