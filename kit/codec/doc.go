// Package codec turns values into the bytes that stand in Redis, and back.
package codec
