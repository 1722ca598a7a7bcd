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
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// The directory of a database that is no file.
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
pub struct ExportFiles(PathBuf);

impl ExportFiles {
    /// Those of an installation; `configured` is the directory that it names.
    #[must_use]
    pub fn new(engine: &Engine, configured: Option<&Path>) -> Self {
        let usual = || engine.beside_database(BESIDE).unwrap_or_else(|| USUAL_DIRECTORY.into());
        Self(configured.map_or_else(usual, Path::to_owned))
    }

    /// The file of a try: of two processes that both believe an export to be theirs, each writes its own.
    fn path(&self, id: ExportId, tries: u32, format: Format) -> PathBuf {
        self.0.join(format!("{id}.{tries}.{}", format.as_str()))
    }

    /// Makes the directory, for nobody else to read.
    fn make(&self) -> Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0)
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
        let there = match std::fs::read_dir(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        let there: Vec<PathBuf> = there.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        let kept: HashSet<(ExportId, u32)> = engine.exports_with_file().await?.into_iter().collect();
        for path in there.iter().filter(|path| is_left_over(path, &kept)) {
            remove(path);
        }
        Ok(())
    }
}

/// Whether a file is of an export, and none of those that are kept. Whatever is not named like one is somebody else's.
fn is_left_over(path: &Path, kept: &HashSet<(ExportId, u32)>) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut parts = name.split('.');
    let id = parts.next().and_then(|id| id.parse::<ExportId>().ok());
    let of = id.zip(parts.next().and_then(|tries| tries.parse().ok()));
    of.is_some_and(|of| !kept.contains(&of))
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
                match write_one(&engine, &files, task).await {
                    Ok(()) => {}
                    Err(engine::Error::Unavailable(cause)) => {
                        tracing::warn!(%cause, "an export was broken off");
                        give_back(&engine).await;
                    }
                    Err(error) => tracing::warn!(%error, "how an export ended could not be noted"),
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
    let done = AtomicU32::new(0);
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
        () = keep_until_given_up(engine, &task, &done) => return Ok(()),
    };
    match written {
        Ok(manifest) => {
            if !engine.finish_export(&task, &manifest).await? {
                // Cancelled at the last moment. If it cannot be removed now, the search for left-over files does it.
                let _ = std::fs::remove_file(&path);
            }
            Ok(())
        }
        Err(ExportError::Engine(error @ engine::Error::Unavailable(_))) => Err(error),
        Err(error) => {
            tracing::warn!(%error, "an export failed");
            engine.fail_export(&task, &sentence(error)).await
        }
    }
}

/// Gives back what was broken off, as soon as the store can be reached: it is begun anew.
async fn give_back(engine: &Engine) {
    loop {
        // Before the first time as well, so that nothing is begun again and again without a pause.
        tokio::time::sleep(LOOK).await;
        match engine.release_exports().await {
            Err(engine::Error::Unavailable(_)) => {}
            // Anything else is tried no more: the claim ends by itself.
            Err(error) => return tracing::warn!(%error, "an export could not be given back"),
            Ok(()) => return,
        }
    }
}

/// Says again and again that the export is being written; ends when it is not to be any more.
async fn keep_until_given_up(engine: &Engine, task: &ExportTask, done: &AtomicU32) {
    loop {
        tokio::time::sleep(SIGN_OF_LIFE).await;
        match engine.keep_export(task.place(), done.load(Ordering::Relaxed)).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::warn!(%error, "how far an export is could not be noted"),
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
