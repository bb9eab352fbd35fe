package feature

import "strings"

// FindLayout finds the layout in whose folder a path lies, and what stands before that folder, without the slash
// between them: the path may begin anywhere, as local paths and URLs do. Locations are those of NewLayout; without
// them the datasets lie at their default places. A path below no layout, or the folder of one itself, is not ok.
func FindLayout(path string, locations map[string]Location) (before string, l Layout, ok bool) {
	parts := strings.Split(path, "/")
	for i := 0; i+4 < len(parts); i++ {
		l, err := NewLayout(parts[i+1], parts[i+3], locations)
		if err != nil || l.root != strings.Join(parts[i:i+4], "/") {
			continue
		}
		before = strings.Join(parts[:i], "/")
		if i == 1 && parts[0] == "" {
			before = "/"
		}
		rest := strings.Join(parts[i:], "/")
		if id, _, found := strings.Cut(strings.TrimPrefix(rest, l.RunsPrefix()), "/"); found && strings.HasPrefix(rest, l.RunsPrefix()) {
			if run, err := l.Run(id); err == nil {
				return before, run, true
			}
		}
		return before, l, true
	}
	return "", Layout{}, false
}
