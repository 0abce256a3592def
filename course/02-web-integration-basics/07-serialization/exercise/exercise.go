//go:build !solution

// Package exercise keeps bikes in Redis through deploys and rollbacks.
package exercise

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// What Decode may say about bytes.
var (
	// ErrNewer says that a newer program wrote them.
	ErrNewer = errors.New("written by a newer program")
	// ErrDamaged says that they are no bike of any version.
	ErrDamaged = errors.New("not a bike")
)

// Bike is one of the city's.
type Bike struct {
	ID      int64
	Station string
	Battery int // per mille
}

// Encode writes a bike down as this program, version 2, does:
//
//	{"v":2,"id":7,"station":"Harbour East","battery":640}
func Encode(b Bike) ([]byte, error) {
	return nil, ErrNotImplemented
}

// Decode reads what any program up to version 2 wrote. The first one had no versions,
// and counted the battery in per cent:
//
//	{"id":7,"station":"Harbour East","battery":64}
//
// A value of version 2 may hold fields besides, which other programs of version 2 have
// added. The errors match ErrNewer or ErrDamaged.
func Decode(data []byte) (Bike, error) {
	return Bike{}, ErrNotImplemented
}

// Update changes the bike at a key, which nobody else writes meanwhile. What is there is
// read as Decode does; it is written as version 2. Fields that this program does not
// know stay as they are, and so does the key's time to live. A value that is newer or
// damaged is left alone, and the error says which.
func Update(ctx context.Context, rdb redis.Cmdable, key string, change func(*Bike)) error {
	return ErrNotImplemented
}

// Fetch returns the bike at a key. If there is none, or it is damaged, load is asked
// once, and what it returns is stored for an hour, in place of the damaged value. If
// the value is newer, load is asked, and nothing is stored: programs of the next
// version need it. An error of load or of Redis is returned, and nothing is stored.
func Fetch(ctx context.Context, rdb redis.Cmdable, key string, load func(context.Context) (Bike, error)) (Bike, error) {
	return Bike{}, ErrNotImplemented
}
