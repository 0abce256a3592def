package cloakroom

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
)

// region: interface

// Coats is what the handlers need, and stands beside them, not beside Redis.
type Coats interface {
	// Hang takes a coat and returns its number.
	Hang(ctx context.Context, coat string) (number int, err error)
	// Take returns the coat of a number and forgets it, or ErrNoCoat.
	Take(ctx context.Context, number int) (coat string, err error)
}

// ErrNoCoat says that nothing hangs there.
var ErrNoCoat = errors.New("no coat has this number")

// endregion

// region: constructor

// desk is the handlers and what they were given.
type desk struct{ coats Coats }

// New returns the cloakroom's API over a store.
func New(coats Coats) http.Handler {
	d := &desk{coats}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /coats", d.hang)
	mux.HandleFunc("DELETE /coats/{number}", d.take)
	return mux
}

// endregion

func (d *desk) hang(w http.ResponseWriter, r *http.Request) {
	var in struct{ Coat string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<12)).Decode(&in); err != nil || in.Coat == "" {
		http.Error(w, "a coat is asked for", http.StatusUnprocessableEntity)
		return
	}
	number, err := d.coats.Hang(r.Context(), in.Coat)
	if err != nil {
		http.Error(w, "the cloakroom is closed for a moment", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]int{"number": number}) // who hung up does not read it
}

func (d *desk) take(w http.ResponseWriter, r *http.Request) {
	number, err := strconv.Atoi(r.PathValue("number"))
	if err != nil {
		http.Error(w, "a number is asked for", http.StatusUnprocessableEntity)
		return
	}
	switch coat, err := d.coats.Take(r.Context(), number); {
	case errors.Is(err, ErrNoCoat):
		http.Error(w, err.Error(), http.StatusNotFound)
	case err != nil:
		http.Error(w, "the cloakroom is closed for a moment", http.StatusServiceUnavailable)
	default:
		_ = json.NewEncoder(w).Encode(map[string]string{"coat": coat})
	}
}
