package course

import (
	catalogproject "github.com/redis-grind/grind/course/09-projects/01-catalog"
	"github.com/redis-grind/grind/internal/project"
)

// Projects are what learners build in phase 9, each beside its unit.
func Projects() []*project.Project {
	return []*project.Project{
		&catalogproject.Project,
	}
}
