package incident

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/redis-grind/grind/internal/unit/exercise"
	"github.com/redis-grind/grind/internal/unit/progress"
)

// tick is how often the facts are judged; wireEvery is how often the picture of
// the wire changes, so that a person can read it.
const (
	tick      = 500 * time.Millisecond
	wireEvery = 2 * time.Second
)

// Run runs the incident with the learner's file until ctx ends or the incident is
// over, and says which. Each save is built and takes the place of what runs. The
// empty file is the one in the workspace. emit is called for one event at a time.
// An error means that there was nothing to run: ErrNotStarted, ErrNoRedis,
// exercise.ErrNoGo.
func (r *Runner) Run(ctx context.Context, file string, emit func(Event)) (over bool, err error) {
	if file == "" {
		file = r.File()
	}
	if _, err := r.source(file); err != nil {
		return false, err
	}
	if file == r.File() { // somebody else's file says nothing about the learner
		if err := r.record(func(*progress.Record) {}); err != nil {
			return false, err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &session{Runner: r, file: file, emit: emit, board: newBoard(r.Entry.Incident.Facts, time.Now())}
	builds := newBuilds(ctx, r, file)
	defer builds.wait()
	defer cancel()
	defer func() {
		if s.now != nil {
			err = errors.Join(err, s.now.end())
		}
	}()
	return s.loop(ctx, builds)
}

// session is one run of an incident.
type session struct {
	*Runner
	file  string
	emit  func(Event)
	board *board
	now   *deployment // nil until the first one runs
	count int         // of deployments
	drawn time.Time   // when the wire was last shown
}

// loop does one thing at a time: a save, a judgement, a crash.
func (s *session) loop(ctx context.Context, builds *builds) (over bool, err error) {
	ticks := time.NewTicker(tick)
	defer ticks.Stop()
	var crashed <-chan *crashError // of what runs now
	for {
		select {
		case <-ctx.Done():
			return false, nil
		case <-builds.began:
			s.emit(State{Phase: Building, Text: "building " + filepath.Base(s.file), Deployment: s.number()})
		case b := <-builds.done:
			if err := s.take(ctx, b); err != nil {
				return false, err
			}
			if s.now != nil {
				crashed = s.now.crashed
			}
		case crash := <-crashed:
			crashed = nil
			s.tellCrash(crash)
		case <-ticks.C:
			if s.judge(ctx) {
				return true, s.finish()
			}
		}
	}
}

// number is that of the deployment that runs.
func (s *session) number() int {
	if s.now == nil {
		return 0
	}
	return s.now.number
}

// take puts a build in the place of what runs.
func (s *session) take(ctx context.Context, b build) error {
	switch {
	case ctx.Err() != nil:
		return os.RemoveAll(b.dir)
	case b.err != nil && s.now == nil && !errors.Is(b.err, fs.ErrNotExist):
		return b.err
	case b.err != nil:
		s.emit(State{Phase: Failed, Text: sentence(b.err), Deployment: s.number()})
		return nil //nolint:nilerr // it was told, and the next save may do better
	case b.trouble != "":
		s.emit(State{Phase: Refused, Text: s.explained(b.trouble), Line: lineOf(b.trouble, filepath.Base(s.original(s.Entry.Incident.File))), Deployment: s.number()})
		return nil
	}
	s.emit(State{Phase: Starting, Text: "starting it on fresh data", Deployment: s.number()})
	next, err := deploy(ctx, s.Entry.Incident, s.count+1, s.Binary, b.dir)
	crash, crashed := asCrash(err)
	switch {
	case crashed:
		s.tellCrash(crash)
		return nil
	case ctx.Err() != nil: // it was told to end, and that is no error
		if next != nil {
			return next.end()
		}
		return nil
	case err != nil:
		return err
	}
	s.count++
	if s.now != nil {
		err = s.now.end()
	}
	s.now = next
	s.board.fresh(time.Now())
	s.emit(State{Phase: Running, Text: fmt.Sprintf("version %d runs, %d copies", s.count, s.Entry.Incident.Copies), Deployment: s.count, Programs: next.programs})
	return err
}

func (s *session) tellCrash(crash *crashError) {
	s.emit(State{Phase: Crashed, Text: crash.Error(), Line: crash.at(s.Entry.Incident.File), Deployment: s.number()})
}

// explained adds what to do when not the learner's file is refused but one that
// calls it.
func (s *session) explained(trouble string) string {
	if strings.HasPrefix(trouble, s.Entry.Incident.File+":") {
		return trouble
	}
	return trouble + fmt.Sprintf("\nThe rest of the program calls the functions of %s: keep the names and parameters that they came with. `grind incident %d --reset` starts the file anew and keeps a copy of yours.",
		s.Entry.Incident.File, s.Entry.Phase)
}

// judge reads the facts and says whether the incident is over.
func (s *session) judge(ctx context.Context) bool {
	if s.now == nil {
		return false
	}
	limited, cancel := context.WithTimeout(ctx, 2*time.Second)
	readings := s.now.play.Judge(limited)
	cancel()
	if ctx.Err() != nil {
		return false
	}
	now := time.Now()
	s.board.read(s.Entry.Incident.Facts, readings, s.now.number, now)
	if now.Sub(s.drawn) >= wireEvery {
		s.drawn = now
		s.emit(s.now.wire.sample())
	}
	s.emit(s.board.status(now))
	return s.board.over(now)
}

// finish tells and records that the incident is over.
func (s *session) finish() error {
	s.emit(Done{Millis: time.Since(s.board.began).Milliseconds(), Deployments: s.count})
	if s.file != s.File() {
		return nil
	}
	return s.record(func(p *progress.Record) {
		p.Attempts += s.count
		if p.PassedAt.IsZero() {
			p.PassedAt = time.Now().UTC()
		}
	})
}

// source reads the learner's file.
func (r *Runner) source(file string) ([]byte, error) {
	source, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: there is no %s; `grind incident %d --start` puts it there", ErrNotStarted, file, r.Entry.Phase)
	}
	if err != nil {
		return nil, fmt.Errorf("incident: %w", err)
	}
	return exercise.WithoutBuildLine(source), nil
}

// sentence is an error for people.
func sentence(err error) string { return strings.TrimPrefix(err.Error(), "incident: ") }
