package redisproc

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// As a node of Redis 7.0 wrote it, with a slot on its way.
const nodesText = `07c37dfeb235213a872192d90877d0cd55635b91 127.0.0.1:30004@31004,host slave e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 0 1426238317239 4 connected
67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1 127.0.0.1:30002@31002 master,fail? - 0 1426238316232 2 disconnected 5461-10922 7
292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f :0@0 handshake - 0 0 0 connected
e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 127.0.0.1:30001@31001 myself,master - 0 0 1 connected 0-5460 [93->-67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1]
`

func TestParseNodes(t *testing.T) {
	t.Parallel()
	const first, second = "e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca", "67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1"
	want := []Peer{
		{ID: "07c37dfeb235213a872192d90877d0cd55635b91", Addr: "127.0.0.1:30004", Role: RoleReplica, Follows: first, Connected: true},
		{ID: second, Addr: "127.0.0.1:30002", Role: RolePrimary, Failing: true, Slots: []SlotRange{{5461, 10922}, {7, 7}}},
		{ID: "292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f", Addr: ":0", Role: RolePrimary, Connected: true, joining: true},
		{ID: first, Addr: "127.0.0.1:30001", Role: RolePrimary, Connected: true, Slots: []SlotRange{{0, 5460}}, myself: true},
	}
	if diff := cmp.Diff(want, parseNodes(nodesText), cmp.AllowUnexported(Peer{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("parseNodes (-want +got):\n%s", diff)
	}
}

// Whatever a server writes, a range is one, and no line stops the program.
func FuzzParseNodes(f *testing.F) {
	f.Add(nodesText)
	f.Add("a b c d e f g h [1-2 3- -4 9999999999999999999 8-7")
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range parseNodes(text) {
			if slices.ContainsFunc(p.Slots, func(r SlotRange) bool { return r.First > r.Last || r.First < 0 || r.Last >= Slots }) {
				t.Errorf("got slots %v", p.Slots)
			}
		}
	})
}
