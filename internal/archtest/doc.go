// Package archtest holds the import rules of this repository, as tests.
//
// The rules are not written here. They are read from the block of arrows in
// docs/ARCHITECTURE.md, so that the page a person reads and the rule a machine
// applies cannot differ. A second set of tests reads the source of kit for what
// imports cannot show: init functions, package state, net/http outside the
// files meant for it.
//
// The package has no code of its own but its tests; nothing imports it.
package archtest
