// Package tap is a proxy on the wire between a program and one Redis server,
// in this process. It forwards every byte as it came and watches: each command
// becomes a trace.Event with its reply, duration and round trip. And it throws
// faults that no client library and no other proxy can: at one command, by
// name and key, down to a reply that is lost after the command was executed.
//
// # Design
//
// Two goroutines carry the bytes of a connection, one in each direction, with
// 32 kB each. They parse what passes but never re-encode it, and keep of a
// value only what an event shows, so a value of 100 MB needs no more memory
// than one of 100 bytes. A command is registered before it is forwarded and
// its event is handed over before the reply is, so a program that has its
// reply finds the event recorded. Replies pair with commands in order; what
// the server sends unasked (messages, invalidations, MONITOR) is told apart as
// the server itself does: by type in RESP3, by subscription state in RESP2.
//
// Without faults, what was read is forwarded at once. Only while a fault may
// strike a command are commands forwarded one decision at a time; of a command
// larger than the buffer, the part that fits decides.
//
// # Guarantees
//
// The program sees what it would have seen without the tap, byte for byte. A
// stream that is not RESP is forwarded without looking and counted in
// Stats.Unparsed. Passwords never enter an event. An end, a half-close or a
// reset on one side is passed on to the other.
//
// # Caveats
//
// A SUBSCRIBE inside MULTI is not followed. Commands under way cost some 400
// bytes each until they are answered. An ErrorReply inside a transaction does
// not make EXEC fail, since the server never saw the command.
package tap
