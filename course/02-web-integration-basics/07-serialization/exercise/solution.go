//go:build solution

// Package exercise keeps bikes in Redis through deploys and rollbacks.
package exercise

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

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

// version is what this program writes.
const version = 2

// stored is a bike as it stands in Redis.
type stored struct {
	Version int    `json:"v"`
	ID      int64  `json:"id"`
	Station string `json:"station"`
	Battery int    `json:"battery"`
}

// Encode writes a bike down as this program, version 2, does:
//
//	{"v":2,"id":7,"station":"Harbour East","battery":640}
func Encode(b Bike) ([]byte, error) {
	return json.Marshal(stored{version, b.ID, b.Station, b.Battery})
}

// Decode reads what any program up to version 2 wrote. The first one had no versions,
// and counted the battery in per cent:
//
//	{"id":7,"station":"Harbour East","battery":64}
//
// A value of version 2 may hold fields besides, which other programs of version 2 have
// added. The errors match ErrNewer or ErrDamaged.
func Decode(data []byte) (Bike, error) {
	// The version first: of a newer value nothing else need be what we know.
	var envelope struct {
		Version int `json:"v"`
	}
	if err := json.Unmarshal(data, &envelope); err != nil {
		return Bike{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if envelope.Version > version {
		return Bike{}, fmt.Errorf("%w: version %d", ErrNewer, envelope.Version)
	}
	var s stored
	if err := json.Unmarshal(data, &s); err != nil {
		return Bike{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if s.ID == 0 {
		return Bike{}, fmt.Errorf("%w: it has no id", ErrDamaged)
	}
	if s.Version == 0 {
		s.Battery *= 10
	}
	return Bike{s.ID, s.Station, s.Battery}, nil
}

// Update changes the bike at a key, which nobody else writes meanwhile. What is there is
// read as Decode does; it is written as version 2. Fields that this program does not
// know stay as they are, and so does the key's time to live. A value that is newer or
// damaged is left alone, and the error says which.
func Update(ctx context.Context, rdb redis.Cmdable, key string, change func(*Bike)) error {
	data, err := rdb.Get(ctx, key).Bytes()
	if err != nil {
		return err
	}
	b, err := Decode(data)
	if err != nil {
		return err
	}
	change(&b)
	ours, err := Encode(b)
	if err != nil {
		return err
	}
	// Field by field: what we write goes over what was there, the rest stays.
	var fields, changed map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(data, &fields), json.Unmarshal(ours, &changed)); err != nil {
		return err
	}
	maps.Copy(fields, changed)
	if data, err = json.Marshal(fields); err != nil {
		return err
	}
	return rdb.Set(ctx, key, data, redis.KeepTTL).Err()
}

// Fetch returns the bike at a key. If there is none, or it is damaged, load is asked
// once, and what it returns is stored for an hour, in place of the damaged value. If
// the value is newer, load is asked, and nothing is stored: programs of the next
// version need it. An error of load or of Redis is returned, and nothing is stored.
func Fetch(ctx context.Context, rdb redis.Cmdable, key string, load func(context.Context) (Bike, error)) (Bike, error) {
	data, err := rdb.Get(ctx, key).Bytes()
	if err != nil && !errors.Is(err, redis.Nil) {
		return Bike{}, err
	}
	if err == nil {
		b, err := Decode(data)
		if err == nil {
			return b, nil
		}
		if errors.Is(err, ErrNewer) {
			return load(ctx)
		}
	}
	b, err := load(ctx)
	if err != nil {
		return Bike{}, err
	}
	if data, err = Encode(b); err != nil {
		return Bike{}, err
	}
	return b, rdb.Set(ctx, key, data, time.Hour).Err()
}
