// Package catalog is a product API behind caches.
package catalog
