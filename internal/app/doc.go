// Package app says what an application is to the command line and to the page:
// a name, what it needs, how it starts, and the scripts that try it. It imports
// nothing of ours, so an application can describe itself without knowing who
// reads it.
//
// # When to use
//
// Each folder of apps/ has one variable of type [App], and apps/apps.go lists
// them. `grind app` and the workbench read that table and nothing else.
//
//	var App = app.App{
//		Name: "catalog", Title: "Product catalogue", Line: "Reads that cost the database nothing",
//		Needs: []app.Need{app.Redis, app.Database},
//		Open:  open, // func(ctx, app.Env) (app.Instance, error)
//		Scripts: []app.Script{{Name: "load", Line: "Reads and writes as on a busy evening", Run: load}},
//	}
//
// # Design
//
// Open and Run are two, as everywhere in the house: Open reads the settings and
// takes the port, so that its address is known and its mistakes are told at once;
// Run serves, and cleans up when its context ends. A load and a fault drill are
// both scripts with a [Report]: figures, and what held.
//
// A secret is in the environment or in a file that the environment names
// (NAME_FILE), never in a flag, where every process of the machine could read it.
//
// # Guarantees
//
// What was opened and run leaves nothing behind when its context has ended. An
// Instance that was opened must be run, with a context that has ended if need be:
// that closes it.
package app
