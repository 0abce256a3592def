package unit

import (
	"fmt"

	"github.com/redis-grind/grind/internal/localredis"
	"github.com/redis-grind/grind/internal/pgproc"
)

// NeedsError says that this machine lacks what a unit cannot do without.
type NeedsError struct {
	ID   string
	Need Need
	How  string // what to do about it
}

// Error says what is missing and how to get it.
func (e *NeedsError) Error() string {
	return fmt.Sprintf("unit %s needs %s. %s", e.ID, e.Need.words(), e.How)
}

func (n Need) words() string {
	switch n {
	case NeedRedis:
		return "a real Redis, and the embedded server is running"
	case NeedOwnServer:
		return "a redis-server that it may break, and none is installed"
	case NeedPostgres:
		return "a PostgreSQL that it may start, and none is installed"
	}
	return string(n)
}

const getRedis = "`grind setup` installs redis-server after asking; --redis URL uses one that you have."

// Missing says what keeps this unit from running on this Redis, and is nil when
// nothing does.
func (u *Unit) Missing(r *localredis.Redis) *NeedsError {
	for _, need := range u.Needs {
		if how := need.lacks(r); how != "" {
			return &NeedsError{u.ID, need, how}
		}
	}
	return nil
}

// lacks says what to do about a need that is not met here; empty when it is.
func (n Need) lacks(r *localredis.Redis) (how string) {
	switch n {
	case NeedRedis:
		if r.Kind() == localredis.Embedded {
			return getRedis
		}
	case NeedOwnServer:
		if _, ok := r.Binary(); !ok {
			return "`grind setup` installs redis-server after asking."
		}
	case NeedPostgres:
		if _, err := pgproc.Find(); err != nil {
			return "Install it, as with apt-get install postgresql, dnf install postgresql-server or brew install postgresql. It need not run: a private one is started."
		}
	default:
		return "This release cannot start one."
	}
	return ""
}
