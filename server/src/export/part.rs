//! Files that appear under their name only when they are whole.

use std::fs::File;
use std::io::Result;
use std::path::{Path, PathBuf};

/// A file that is being written beside the one that it becomes. Dropped before it is finished it leaves nothing behind.
pub struct Part {
    part: PathBuf,
    path: PathBuf,
    is_finished: bool,
}

impl Part {
    /// Creates the file beside `path`.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn create(path: &Path) -> Result<(Self, File)> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = path.with_file_name(name);
        let file = File::create(&part)?;
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
