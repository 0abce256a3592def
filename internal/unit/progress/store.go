package progress

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// Version is the version of the file that this program writes.
const Version = 1

// CorruptError says that the file cannot be read. It was left as it is.
type CorruptError struct {
	Path string
	Err  error
}

// Error says what to do about it.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("progress: %s is damaged (%v). It was left untouched. To begin anew, move it away: mv %s %s.damaged", e.Path, e.Err, e.Path, e.Path)
}

// Unwrap returns what was found wrong.
func (e *CorruptError) Unwrap() error { return e.Err }

// NewerError says that a newer program wrote the file. It was left as it is.
type NewerError struct {
	Path    string
	Version int
}

// Error says what to do about it.
func (e *NewerError) Error() string {
	return fmt.Sprintf("progress: %s has version %d, and this grind knows up to %d. It was left untouched. Update grind (git pull), or set XDG_STATE_HOME to keep another file", e.Path, e.Version, Version)
}

// Store is the progress file. It is safe for concurrent use, also by several
// processes.
type Store struct {
	path string

	mu   sync.Mutex
	last document // as it was read last; never changed in place
}

// document is the file with all that is in it.
type document struct {
	rest  map[string]json.RawMessage // fields beside version and units
	units map[string]unit
}

// Open reads the file at path; the empty path is the user's own. A file that is
// not there yet is an empty one. The error is a *CorruptError, a *NewerError, or
// that of the file system.
func Open(path string) (*Store, error) {
	if path == "" {
		var err error
		if path, err = defaultPath(); err != nil {
			return nil, fmt.Errorf("progress: find the home directory: %w: set HOME, or XDG_STATE_HOME to a folder for it", err)
		}
	}
	s := &Store{path: path}
	var err error
	s.last, err = s.read()
	return s, err
}

func defaultPath() (string, error) {
	state := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) { // the XDG specification ignores relative ones
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "grind", "progress.json"), nil
}

// Path is where the file is.
func (s *Store) Path() string { return s.path }

// Unit returns what is known of a unit. If the file cannot be read any more, that
// is what was read last.
func (s *Store) Unit(id string) Record {
	record, ok := s.All()[id]
	if !ok {
		record.Status = New
	}
	return record
}

// All returns the units that were ever touched, by id.
func (s *Store) All() map[string]Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now, err := s.read(); err == nil {
		s.last = now
	}
	all := make(map[string]Record, len(s.last.units))
	for id, u := range s.last.units {
		if r, err := u.record(); err == nil { // read has seen that it can be read
			all[id] = r
		}
	}
	return all
}

// Last returns the id of the unit touched last, and the empty one if there is
// none. What has no number, such as incident-1, is no unit.
func (s *Store) Last() string {
	var last string
	var at time.Time
	for id, r := range s.All() {
		if id == "" || id[0] < '0' || id[0] > '9' {
			continue
		}
		if r.LastAt.After(at) || r.LastAt.Equal(at) && id > last {
			last, at = id, r.LastAt
		}
	}
	return last
}

// Adopt gives a unit what was done under an id that it had before, unless it has
// been touched under its own. The former record stays in the file.
func (s *Store) Adopt(id, former string) error {
	all := s.All()
	before, known := all[former]
	if _, touched := all[id]; touched || !known {
		return nil
	}
	return s.Update(id, func(r *Record) { *r = before })
}

// Update changes the record of a unit. Nothing that another process writes in
// between is lost. LastAt becomes now, FirstAt too if it was zero. On an error
// the file is as it was.
func (s *Store) Update(id string, change func(*Record)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.MkdirAll(filepath.Dir(s.path), 0o755); err != nil {
		return s.unkept(err)
	}
	lock := flock.New(s.path + ".lock") // the file itself is replaced, and a lock with it
	if err := lock.Lock(); err != nil {
		return s.unkept(err)
	}
	defer lock.Unlock() //nolint:errcheck // what was written stays, and the lock ends with the process
	now, err := s.read()
	if err != nil {
		return err
	}
	if err := now.update(id, change); err != nil {
		return fmt.Errorf("progress: change unit %s: %w", id, err)
	}
	if err := s.write(now); err != nil {
		return fmt.Errorf("progress: write %s: %w", s.path, err)
	}
	s.last = now
	return nil
}

func (d document) update(id string, change func(*Record)) error {
	u := d.units[id]
	if u == nil {
		u = unit{}
		d.units[id] = u
	}
	r, err := u.record()
	if err != nil {
		return err
	}
	change(&r)
	r.LastAt = time.Now().UTC()
	if r.FirstAt.IsZero() {
		r.FirstAt = r.LastAt
	}
	r.Status = r.status()
	return u.set(r)
}

// unkept says that the file cannot be where it should, and what to do.
func (s *Store) unkept(err error) error {
	return fmt.Errorf("progress: cannot be kept in %s: %w: set XDG_STATE_HOME to a folder that you may write to", s.path, err)
}

// read reads the whole file, and knows after it that every record can be read.
func (s *Store) read() (document, error) {
	d := document{rest: map[string]json.RawMessage{}, units: map[string]unit{}}
	text, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if err != nil {
		return d, s.unkept(err)
	}
	if err := json.Unmarshal(text, &d.rest); err != nil {
		return d, &CorruptError{s.path, err}
	}
	var version int
	if err := json.Unmarshal(d.rest["version"], &version); err != nil || version < 1 {
		return d, &CorruptError{s.path, errors.New("it has no version")}
	}
	if version > Version {
		return d, &NewerError{s.path, version}
	}
	if err := json.Unmarshal(d.rest["units"], &d.units); err != nil {
		return d, &CorruptError{s.path, fmt.Errorf("its units: %w", err)}
	}
	for id, u := range d.units {
		if _, err := u.record(); err != nil || u == nil {
			return d, &CorruptError{s.path, fmt.Errorf("unit %s: %w", id, errors.Join(err))}
		}
	}
	return d, nil
}

// write replaces the file by one that is on disk.
func (s *Store) write(d document) (err error) {
	d.rest["version"] = json.RawMessage(fmt.Sprint(Version))
	if d.rest["units"], err = json.Marshal(d.units); err != nil {
		return err
	}
	packed, err := json.Marshal(d.rest)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := json.Indent(&text, packed, "", "  "); err != nil {
		return err
	}
	text.WriteByte('\n')
	tmp, err := os.CreateTemp(filepath.Dir(s.path), ".progress-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp.Name())
		}
	}()
	_, err = tmp.Write(text.Bytes())
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), s.path)
}
