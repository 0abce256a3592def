// Package snippets is the Go code of docs/COMING-FROM-FASTAPI.md: compiled,
// tested, and copied into the page by region.
package snippets
