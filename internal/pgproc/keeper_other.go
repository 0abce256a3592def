//go:build !unix

package pgproc

import "context"

type keeper struct{}

func startKeeper(context.Context, string, string, string) (*keeper, error) {
	return nil, ErrUnsupported
}

func (*keeper) close() error { return ErrUnsupported }
