package state

import "github.com/cockroachdb/pebble/v2/vfs"

// unsyncedFS leaves out fsync: a lost store starts from a checkpoint, never from what a crash left on its disk, and a
// roll would otherwise wait several times for the disk.
type unsyncedFS struct{ vfs.FS }

// Create creates a file that is not synced.
func (fs unsyncedFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return unsynced(fs.FS.Create(name, category))
}

// OpenReadWrite opens a file that is not synced.
func (fs unsyncedFS) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return unsynced(fs.FS.OpenReadWrite(name, category, opts...))
}

// OpenDir opens a folder that is not synced.
func (fs unsyncedFS) OpenDir(name string) (vfs.File, error) { return unsynced(fs.FS.OpenDir(name)) }

// ReuseForWrite opens a file that is not synced.
func (fs unsyncedFS) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return unsynced(fs.FS.ReuseForWrite(from, to, category))
}

// Unwrap returns the file system below.
func (fs unsyncedFS) Unwrap() vfs.FS { return fs.FS }

func unsynced(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return unsyncedFile{f}, nil
}

type unsyncedFile struct{ vfs.File }

// Sync does nothing.
func (unsyncedFile) Sync() error { return nil }

// SyncData does nothing.
func (unsyncedFile) SyncData() error { return nil }

// SyncTo does nothing and says that all is done.
func (unsyncedFile) SyncTo(int64) (fullSync bool, err error) { return true, nil }
