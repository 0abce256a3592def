// Package cache holds values that are slow to make.
package cache
