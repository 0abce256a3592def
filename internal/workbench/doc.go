// Package workbench is the page in the browser: the path, a unit with its bench,
// and the playground.
//
// When to use: the command `grind` opens it. It knows neither the course nor
// the exercises; both are handed in.
//
// Design: pages and fragments are made on the server by html/template; a page's
// modules only send what a person did and place the fragments that come back.
// What happens over time (a run, a check, the state of Redis) reaches a tab over
// one event stream. A stream is read by position: the server keeps the latest
// run of a unit, a tab says what it saw last and is sent the rest, so a tab that
// slept, or one opened later, needs no other path. Nobody is buffered for, so a
// slow tab costs nothing. Stepping a race is stateless: a page sends a schedule
// and gets it played.
//
// Guarantees: it listens on 127.0.0.1 alone; an address without the printed
// token shows nothing; a request with a foreign Host, Origin or Sec-Fetch-Site
// is refused; no page contains a script or a style of its own text, and the
// content security policy would not run one; nothing is fetched from another
// machine. The prompt of the playground reaches only a server that grind
// started.
//
// Caveats: whoever can read the learner's terminal can read the token. The list
// of commands that the prompt refuses keeps a learner from breaking the course
// by accident; it is no border against the learner, whose machine it is.
package workbench
