package profile

import (
	"context"
	"encoding/json"

	"github.com/redis/go-redis/v9"
)

// shape is a way to keep a record in Redis.
type shape struct {
	name, title string
	create      func(ctx context.Context, rdb redis.Cmdable, key string, record map[string]string) error
	change      func(ctx context.Context, rdb redis.Cmdable, key, field, value string) error
	look        func(ctx context.Context, rdb redis.Cmdable, key, field string) (string, error)
}

var shapes = []shape{
	{"json", "one JSON string", createJSON, changeJSON, lookJSON},
	{"hash", "a hash", createHash, changeHash, lookHash},
}

// region: json

// changeJSON changes one field of a record that is one JSON string.
func changeJSON(ctx context.Context, rdb redis.Cmdable, key, field, value string) error {
	record := map[string]string{}
	text, err := rdb.Get(ctx, key).Bytes()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &record); err != nil {
		return err
	}
	record[field] = value
	return createJSON(ctx, rdb, key, record)
}

func createJSON(ctx context.Context, rdb redis.Cmdable, key string, record map[string]string) error {
	text, err := json.Marshal(record)
	if err != nil {
		return err
	}
	return rdb.Set(ctx, key, text, 0).Err()
}

// endregion

func lookJSON(ctx context.Context, rdb redis.Cmdable, key, field string) (string, error) {
	record := map[string]string{}
	text, err := rdb.Get(ctx, key).Bytes()
	if err != nil {
		return "", err
	}
	err = json.Unmarshal(text, &record)
	return record[field], err
}

// region: hash

// changeHash changes one field of a record that is a hash.
func changeHash(ctx context.Context, rdb redis.Cmdable, key, field, value string) error {
	return rdb.HSet(ctx, key, field, value).Err()
}

// endregion

func createHash(ctx context.Context, rdb redis.Cmdable, key string, record map[string]string) error {
	return rdb.HSet(ctx, key, record).Err()
}

func lookHash(ctx context.Context, rdb redis.Cmdable, key, field string) (string, error) {
	return rdb.HGet(ctx, key, field).Result()
}
