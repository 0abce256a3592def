// Package lesson reads the text of a unit, and keeps the code and the output in
// it true.
//
// A fence that names a file holds what the file holds, between the lines
// "// region: hit" and "// endregion" of it, without their indentation:
//
//	```go file=stampede.go region=hit
//	```
//
// The path is relative to the text's folder, else to the module's root, to which a
// leading slash always leads. Without a region it is the whole file. Comments that
// begin with # or -- mark regions too, and marks inside a region are left out.
//
// A console fence holds a command of grind and what it printed:
//
//	```console cmd="grind run 1.01 --set clients=2"
//	```
//
// With exit=1 the command must end so. What differs from run to run (durations,
// rates, addresses, versions, dates) is masked before old and new output are
// compared, and mask="[0-9]+ lost" masks more. An update leaves a fence alone that
// differs in masked text only.
//
// A go fence must name its file, unless it says nocompile: code that must not
// compile, or that is no whole statement, says so.
package lesson
