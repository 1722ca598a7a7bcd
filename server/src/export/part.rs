//! Files that appear under their name only when they are whole.

use std::fs::{File, OpenOptions};
use std::io::Result;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Who may read a new file: as the process is set, by its umask.
pub const USUAL: u32 = 0o666;
/// Who may read a new file: nobody else.
pub const PRIVATE: u32 = 0o600;

/// A file that is being written beside the one that it becomes. Dropped before it is finished it leaves nothing behind.
pub struct Part {
    part: PathBuf,
    path: PathBuf,
    is_finished: bool,
}

impl Part {
    /// Creates the file beside `path`; `mode` is [`USUAL`] or [`PRIVATE`].
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn create(path: &Path, mode: u32) -> Result<(Self, File)> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = path.with_file_name(name);
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&part)?;
        Ok((Self { part, path: path.to_owned(), is_finished: false }, file))
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
        // Of others the umask takes away what it does from any file.
        let plain = directory.path().join("plain");
        File::create(&plain).unwrap();
        let (part, _) = Part::create(&path, USUAL).unwrap();
        assert_eq!(mode(part.place()), mode(&plain));
    }
}
