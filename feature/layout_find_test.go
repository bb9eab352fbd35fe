package feature

import "testing"

func TestFindLayout(t *testing.T) {
	for _, c := range []struct{ path, before, root string }{
		{"projects/ndr/versions/v1/root.json", "", "projects/ndr/versions/v1"},
		{"/projects/ndr/versions/v1/root.json", "/", "projects/ndr/versions/v1"},
		{"/home/me/projects/mine/out/projects/a/versions/b/root.json", "/home/me/projects/mine/out", "projects/a/versions/b"},
		{"s3://bucket/some/prefix/projects/a/versions/b/x/y", "s3://bucket/some/prefix", "projects/a/versions/b"},
		{"out/projects/a/versions/b/runs/test-1/root.json", "out", "projects/a/versions/b/runs/test-1"},
		{"out/projects/a/versions/b/runs/test-1", "out", "projects/a/versions/b"},
	} {
		before, l, ok := FindLayout(c.path, nil)
		if !ok || before != c.before || l.Root() != c.root {
			t.Errorf("%s: got %q, %q, %t, want %q, %q", c.path, before, l.Root(), ok, c.before, c.root)
		}
	}
	for _, path := range []string{"", "x", "projects/ndr/versions/v1", "projects/ndr/version/v1/x", "projects/a b/versions/v1/x"} {
		if before, l, ok := FindLayout(path, nil); ok {
			t.Errorf("%s: got %q, %q, want none", path, before, l.Root())
		}
	}
}
