//! Files that appear under their name only when they are whole.

use rustix::fs::OFlags;
use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Who may read a new file: as the process is set, by its umask.
pub const USUAL: u32 = 0o666;
/// Who may read a new file: nobody else.
pub const PRIVATE: u32 = 0o600;

/// A file that is being written beside the one that it becomes. Dropped before it is finished it leaves nothing behind.
pub struct Part {
    part: PathBuf,
    path: PathBuf,
    /// Keeps it locked: nobody else writes it, or gives it its name, meanwhile.
    _lock: File,
    is_finished: bool,
}

impl Part {
    /// Creates the file beside `path`; `mode` is [`USUAL`] or [`PRIVATE`]. What broke off before is replaced.
    ///
    /// # Errors
    /// If it cannot be created, or another process is writing it.
    pub fn create(path: &Path, mode: u32) -> Result<(Self, File)> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = path.with_file_name(name);
        // A link there is somebody else's: it is not followed.
        let no_follow = OFlags::NOFOLLOW.bits().cast_signed();
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(mode)
            .custom_flags(no_follow)
            .open(&part)?;
        let taken = || Error::new(ErrorKind::ResourceBusy, "another process is writing this file");
        // Where files cannot be locked at all it goes without.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(taken());
        }
        // It may have been given its name, or removed, before it was locked here.
        if std::fs::symlink_metadata(&part).map_err(|_| taken())?.ino() != file.metadata()?.ino() {
            return Err(taken());
        }
        if mode == PRIVATE {
            file.set_permissions(Permissions::from_mode(mode))?;
        }
        file.set_len(0)?;
        Ok((Self { part, path: path.to_owned(), _lock: file.try_clone()?, is_finished: false }, file))
    }

    /// Where it is until it is finished.
    #[must_use]
    pub fn place(&self) -> &Path {
        &self.part
    }

    /// Gives the file its name, once all of it is on the disk.
    ///
    /// # Errors
    /// If that fails; the file is gone then.
    pub fn finish(mut self) -> Result<()> {
        File::open(&self.part)?.sync_all()?;
        std::fs::rename(&self.part, &self.path)?;
        self.is_finished = true;
        // The name is on the disk when its directory is.
        let directory = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_finished {
            // What broke off is of no use; that it cannot be removed changes nothing about that.
            let _ = std::fs::remove_file(&self.part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_private_file_is_private_from_its_beginning() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.csv");
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        let (part, _) = Part::create(&path, PRIVATE).unwrap();
        assert_eq!(mode(part.place()), 0o600);
        part.finish().unwrap();
        assert_eq!(mode(&path), 0o600);
        // Nor does one stay open to all that was prepared before, or that others write meanwhile.
        let left = directory.path().join("b.csv.part");
        std::fs::write(&left, "left").unwrap();
        std::fs::set_permissions(&left, Permissions::from_mode(0o644)).unwrap();
        let other = directory.path().join("b.csv");
        let (part, _) = Part::create(&other, PRIVATE).unwrap();
        assert_eq!((mode(part.place()), left.metadata().unwrap().len()), (0o600, 0));
        assert!(Part::create(&other, PRIVATE).is_err());
        part.finish().unwrap();
        std::os::unix::fs::symlink(&path, &left).unwrap();
        assert!(Part::create(&other, PRIVATE).is_err());
        assert!(other.exists() && path.exists());
        // Of others the umask takes away what it does from any file.
        let plain = directory.path().join("plain");
        File::create(&plain).unwrap();
        let (part, _) = Part::create(&path, USUAL).unwrap();
        assert_eq!(mode(part.place()), mode(&plain));
    }
}
