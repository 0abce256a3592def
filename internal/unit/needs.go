package unit

import (
	"fmt"

	"github.com/redis-grind/grind/internal/localredis"
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
	}
	return string(n)
}

const getRedis = "`grind setup` installs redis-server after asking; --redis URL uses one that you have."

// Missing says what keeps this unit from running on this Redis, and is nil when
// nothing does.
func (u *Unit) Missing(r *localredis.Redis) *NeedsError {
	for _, need := range u.Needs {
		switch need {
		case NeedRedis:
			if r.Kind() == localredis.Embedded {
				return &NeedsError{u.ID, need, getRedis}
			}
		case NeedOwnServer:
			if _, ok := r.Binary(); !ok {
				return &NeedsError{u.ID, need, "`grind setup` installs redis-server after asking."}
			}
		default:
			return &NeedsError{u.ID, need, "This release cannot start one."}
		}
	}
	return nil
}
