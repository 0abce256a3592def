//go:build !unix

package redisproc

// On systems other than Unix a server can not be started, so none of these
// values ever exists: Start asks supported first.

func supported() error { return ErrUnsupported }

type reaper struct{}

func startReaper(string) (*reaper, error) { return nil, ErrUnsupported }
func (*reaper) close() error              { return ErrUnsupported }

type process struct{ done chan struct{} }

func startProcess(*reaper, string, string, ...string) (*process, error) {
	return nil, ErrUnsupported
}

func (*process) pid() int         { return 0 }
func (*process) running() bool    { return false }
func (*process) pause() error     { return ErrUnsupported }
func (*process) resume() error    { return ErrUnsupported }
func (*process) terminate() error { return ErrUnsupported }
func (*process) kill()            {}
