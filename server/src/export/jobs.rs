//! Exports that are written in the background: where their files are, and the worker that writes them.

use super::ExportError;
use super::file::write_alone;
use super::part::PRIVATE;
use axum::body::Body;
use bytes::Bytes;
use domain::export::Format;
use domain::export::job::{ExportJob, progress, too_many_rows};
use domain::ids::ExportId;
use engine::{Engine, ExportPage, ExportTask};
use futures_util::stream;
use std::collections::HashSet;
use std::io::{ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// The directory of databases that are no files: each has one of its own in it.
const USUAL_DIRECTORY: &str = "reachline-exports";
/// What is added to the name of a database's file for the directory beside it.
const BESIDE: &str = "-exports";
/// How often it is looked for exports that another process was asked for, or has left.
const LOOK: Duration = Duration::from_secs(2);
/// How often it is said how far an export is.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);
/// Looks between two searches for files that are left over: half an hour's.
const LOOKS_PER_SEARCH: u32 = 900;
/// Bytes of a file that are read at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Where the files of exports are.
#[derive(Debug, Clone)]
pub struct ExportFiles {
    directory: PathBuf,
    /// Where they were before each database had a directory of its own.
    earlier: Option<PathBuf>,
}

impl ExportFiles {
    /// Those of an installation; `configured` is the directory that it names.
    #[must_use]
    pub fn new(engine: &Engine, configured: Option<&Path>) -> Self {
        let beside = engine.beside_database(BESIDE);
        if let Some(directory) = configured.map(Path::to_owned).or(beside) {
            return Self { directory, earlier: None };
        }
        let earlier = PathBuf::from(USUAL_DIRECTORY);
        Self { directory: earlier.join(engine.database_mark().unwrap_or_default()), earlier: Some(earlier) }
    }

    /// The file of a try: of two processes that both believe an export to be theirs, each writes its own.
    fn path(&self, id: ExportId, tries: u32, format: Format) -> PathBuf {
        self.directory.join(format!("{id}.{tries}.{}", format.as_str()))
    }

    /// Makes the directory, for nobody else to read.
    fn make(&self) -> Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)
    }

    /// Takes over what is kept from where it was before. What else lies there may be another installation's.
    fn take_over(&self, kept: &HashSet<(ExportId, u32)>) -> Result<()> {
        let Some(earlier) = &self.earlier else { return Ok(()) };
        for path in files_in(earlier)?.iter().filter(|path| of(path).is_some_and(|of| kept.contains(&of))) {
            self.make()?;
            match std::fs::rename(path, self.directory.join(path.file_name().unwrap_or_default())) {
                // Another server of the same database has done it.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// The file of an export and its size in bytes; an error of the kind `NotFound` where another server has it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn open(&self, job: &ExportJob) -> Result<(Body, u64)> {
        let file = tokio::fs::File::open(self.path(job.id, job.tries, job.form.format)).await?;
        let bytes = file.metadata().await?.len();
        let pieces = stream::try_unfold(file, |mut file| async move {
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            let read = file.read_buf(&mut piece).await?;
            Ok::<_, std::io::Error>((read > 0).then(|| (Bytes::from(piece), file)))
        });
        Ok((Body::from_stream(pieces), bytes))
    }

    /// Removes the files of exports that are kept no longer, or were broken off.
    async fn clear_up(&self, engine: &Engine) -> std::result::Result<(), ExportError> {
        // The files first: an export that is requested meanwhile is none of those.
        let there = files_in(&self.directory)?;
        let kept: HashSet<(ExportId, u32)> = engine.exports_with_file().await?.into_iter().collect();
        for path in there.iter().filter(|path| is_left_over(path, &kept)) {
            remove(path);
        }
        Ok(self.take_over(&kept)?)
    }
}

/// What is in a directory, which need not be there.
fn files_in(directory: &Path) -> Result<Vec<PathBuf>> {
    match std::fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        other => other?.map(|entry| Ok(entry?.path())).collect(),
    }
}

/// Of which export and try a file is by its name; `None` of somebody else's.
fn of(path: &Path) -> Option<(ExportId, u32)> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut parts = name.split('.');
    let id = parts.next().and_then(|id| id.parse::<ExportId>().ok());
    id.zip(parts.next().and_then(|tries| tries.parse().ok()))
}

/// Whether a file is of an export, and none of those that are kept.
fn is_left_over(path: &Path, kept: &HashSet<(ExportId, u32)>) -> bool {
    of(path).is_some_and(|of| !kept.contains(&of))
}

/// Removes a file. One that cannot be removed keeps no other from it; one that is gone was removed by another server.
fn remove(path: &Path) {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            tracing::warn!(%error, path = %path.display(), "an export that is kept no longer could not be removed");
        }
        _ => {}
    }
}

/// Writes exports, one at a time, as long as the process runs.
pub async fn write_exports(engine: Engine, files: ExportFiles) {
    let mut looks = 0_u32;
    loop {
        // What was just deleted goes at once.
        if (engine.take_export_files_left() || looks.is_multiple_of(LOOKS_PER_SEARCH))
            && let Err(error) = files.clear_up(&engine).await
        {
            tracing::warn!(%error, "exports that are kept no longer could not be removed");
        }
        looks = looks.wrapping_add(1);
        match engine.claim_export().await {
            Ok(Some(task)) => {
                // An earlier try has left what it had come to.
                looks = if task.tries() > 1 { 0 } else { looks };
                if let Err(error) = write_one(&engine, &files, task).await {
                    tracing::warn!(%error, "how an export ended could not be noted");
                }
            }
            Ok(None) => {
                tokio::select! {
                    () = engine.export_requested() => {}
                    () = tokio::time::sleep(LOOK) => {}
                }
            }
            Err(error) => {
                tracing::warn!(%error, "exports could not be looked for");
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}

async fn write_one(
    engine: &Engine,
    files: &ExportFiles,
    mut task: ExportTask,
) -> std::result::Result<(), engine::Error> {
    let (done, away) = (AtomicU32::new(0), AtomicBool::new(false));
    let (export, form) = (task.take(), task.form().clone());
    let path = files.path(task.id(), task.tries(), form.format);
    let writing = async {
        files.make()?;
        let export = export?;
        let name = export.subject().file_name(form.format);
        let note = |page: &ExportPage| {
            if let Some(day) = page.day() {
                done.store(progress(form.period, day), Ordering::Relaxed);
            }
        };
        let (part, manifest) = write_alone(export, (form.format, form.bom), (&path, PRIVATE), name, note).await?;
        part.finish()?;
        Ok::<_, ExportError>(manifest)
    };
    let written = tokio::select! {
        written = writing => written,
        // Nothing is left of a file that is not finished.
        () = keep_until_given_up(engine, &task, &done, &away) => return Ok(()),
    };
    let ended = match written {
        Ok(manifest) => match engine.finish_export(&task, &manifest).await {
            Ok(is_kept) => {
                if !is_kept {
                    // Cancelled at the last moment. If it cannot be removed now, the search for left-over files does it.
                    let _ = std::fs::remove_file(&path);
                }
                Ok(())
            }
            Err(error) => Err(error),
        },
        Err(ExportError::Engine(error @ engine::Error::Unavailable(_))) => Err(error),
        Err(error) => {
            tracing::warn!(%error, "an export failed");
            engine.fail_export(&task, &sentence(error)).await
        }
    };
    match ended {
        Err(engine::Error::Unavailable(cause)) => {
            tracing::warn!(%cause, export = %task.id(), "an export was broken off");
            put_off(engine, &task, away.into_inner()).await
        }
        other => other,
    }
}

/// Gives back what was broken off, as soon as the store can be reached. Where that is at once, and it was `away` at no sign of
/// life, it was not away as a whole.
async fn put_off(engine: &Engine, task: &ExportTask, mut away: bool) -> std::result::Result<(), engine::Error> {
    loop {
        match engine.put_off_export(task, away).await {
            Err(engine::Error::Unavailable(_)) => away = true,
            // Anything else is tried no more: the claim ends by itself.
            other => return other,
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Says again and again that the export is being written, and notes if the store was away; ends when it is not to be written
/// any more.
async fn keep_until_given_up(engine: &Engine, task: &ExportTask, done: &AtomicU32, away: &AtomicBool) {
    loop {
        tokio::time::sleep(SIGN_OF_LIFE).await;
        match engine.keep_export(task.place(), done.load(Ordering::Relaxed)).await {
            Ok(true) => away.store(false, Ordering::Relaxed),
            Ok(false) => return,
            Err(error) => {
                away.store(true, Ordering::Relaxed);
                tracing::warn!(%error, "how far an export is could not be noted");
            }
        }
    }
}

/// Why an export failed, for whoever asked for it.
fn sentence(error: ExportError) -> String {
    match error {
        ExportError::Engine(engine::Error::Invalid(faults)) => {
            faults.0.into_iter().map(|fault| fault.detail).collect::<Vec<_>>().join(" ")
        }
        ExportError::Engine(engine::Error::NotFound) => "What it is about is not there any more.".to_owned(),
        ExportError::Engine(_) => "An error of the server: its log says more.".to_owned(),
        ExportError::Write(error) => format!("The file cannot be written: {error}."),
        ExportError::TooManyRows => too_many_rows(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_taken_over_and_nothing_else() {
        let earlier = tempfile::tempdir().unwrap();
        let files =
            ExportFiles { directory: earlier.path().join("0123456789ab"), earlier: Some(earlier.path().into()) };
        let id = |end| format!("01234567-89ab-7cde-8f01-23456789ab{end}");
        let kept = HashSet::from([(id("00").parse().unwrap(), 2)]);
        // An earlier try of the same export, another installation's, and what is no export.
        let others = [format!("{}.1.csv", id("00")), format!("{}.2.csv", id("01")), "notes.txt".to_owned()];
        let own = format!("{}.2.csv", id("00"));
        for name in others.iter().chain([&own]) {
            std::fs::write(earlier.path().join(name), name).unwrap();
        }
        // Twice, as at two starts.
        files.take_over(&kept).unwrap();
        files.take_over(&kept).unwrap();
        assert_eq!(std::fs::read_to_string(files.directory.join(&own)).unwrap(), own);
        assert!(!earlier.path().join(&own).exists());
        assert!(others.iter().all(|name| earlier.path().join(name).exists()));
        assert_eq!(files_in(&files.directory).unwrap().len(), 1);
    }
}
