package keyspace

import (
	"slices"
	"testing"
)

// The order is that of Redis' dictScan: for eight buckets 0 4 2 6 1 5 3 7.
func TestTable_between(t *testing.T) {
	eight := &table{size: 8}
	for _, tt := range []struct {
		cursor, next uint64
		want         []uint64
	}{
		{0, 0, []uint64{0, 4, 2, 6, 1, 5, 3, 7}},
		{0, 4, []uint64{0}},
		{2, 5, []uint64{2, 6, 1}},
		{3, 0, []uint64{3, 7}},
		{12, 2, []uint64{4}}, // a cursor of the time when there were more buckets
	} {
		if got := eight.between(tt.cursor, tt.next); !slices.Equal(got, tt.want) {
			t.Errorf("between(%d, %d): got %v, want %v", tt.cursor, tt.next, got, tt.want)
		}
	}
}
