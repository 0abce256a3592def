// Command grind is the workbench: learn Redis by running it.
package main

import (
	"os"

	"github.com/redis-grind/grind/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
