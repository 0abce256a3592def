package web

import (
	"context"
	"net/netip"
	"strings"
)

// proxies are networks whose word about the client is believed.
type proxies []netip.Prefix

func (p proxies) hold(a netip.Addr) bool {
	for _, n := range p {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// ClientIP is the address of the client behind the request that ctx belongs to:
// the first from the right of X-Forwarded-For that no trusted proxy has, since
// everything left of it may be made up. Without trusted proxies it is who
// connected. It is invalid outside a request.
func ClientIP(ctx context.Context) netip.Addr {
	q := requestOf(ctx)
	if q == nil {
		return netip.Addr{}
	}
	return clientIP(q.remote, q.forwards, q.trusted)
}

func clientIP(remote string, forwards []string, trusted proxies) netip.Addr {
	client := parseIP(remote)
	hops := strings.Split(strings.Join(forwards, ","), ",")
	for i := len(hops) - 1; i >= 0 && trusted.hold(client); i-- {
		next := parseIP(strings.TrimSpace(hops[i]))
		if !next.IsValid() {
			break // what a trusted proxy could not name, or nothing
		}
		client = next
	}
	return client
}

// parseIP reads an address with or without a port. IPv4 within IPv6 is IPv4.
func parseIP(s string) netip.Addr {
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a.Addr().Unmap().WithZone("")
	}
	a, _ := netip.ParseAddr(strings.Trim(s, "[]"))
	return a.Unmap().WithZone("")
}

// ClientNet is what to limit a client by: an IPv4 address, or the /64 of an IPv6
// address, since one household has all of that.
func ClientNet(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	n, _ := a.Prefix(bits) // an invalid address is an invalid network
	return n
}
