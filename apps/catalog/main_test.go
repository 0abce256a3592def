package catalog_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/redis-grind/grind/apps/catalog"
	"github.com/redis-grind/grind/internal/app"
	"github.com/redis-grind/grind/kit/redistest"
)

// instance is the argument by which the test binary is an instance of the catalog,
// made from its environment as grind app makes one.
const instance = "instance-of-the-catalog"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == instance {
		if err := serve(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	redistest.Main(m)
}

func serve() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	a, err := catalog.Open(ctx, app.Env{
		Redis: os.Getenv("REDIS_URL"), Prefix: "grind:catalog:", Addr: os.Getenv("ADDR"), Lookup: os.LookupEnv,
		Database: os.Getenv("DATABASE_URL"), Dir: os.Getenv("DIR"),
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	return a.Run(ctx)
}
