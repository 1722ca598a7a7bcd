//! An export as a file, with its manifest beside it.

use super::ExportError;
use super::columnar::Columnar;
use super::hash::{Hashed, Hashing, hash};
use super::part::{Part, USUAL};
use super::sheet::Sheet;
use super::text::{TextFormat, TextRows};
use domain::export::{Cell, Format, Manifest, Subject, Written};
use engine::{Export, ExportPage};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;

/// Pages that wait to be written while the next one is read.
const PAGES_AHEAD: usize = 1;

/// What is added to a file's name for its manifest.
const MANIFEST: &str = ".manifest.json";

/// Where the manifest of a file is.
#[must_use]
pub fn manifest_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(MANIFEST);
    path.with_file_name(name)
}

/// Writes an export to a file and its manifest beside it. Both appear under their names when they are whole, the file
/// last. `progress` is told of every page.
///
/// # Errors
/// Those of the engine and of writing; [`ExportError::TooManyRows`] if a sheet cannot hold all rows. Nothing of the file
/// is left then, and what was there before is as it was.
pub async fn write(
    export: Export,
    form: (Format, bool),
    path: &Path,
    progress: impl Fn(&ExportPage),
) -> Result<Manifest, ExportError> {
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (part, manifest) = write_alone(export, form, (path, USUAL), file, progress).await?;
    let (manifest_part, mut to) = Part::create(&manifest_path(path), USUAL)?;
    let mut json = serde_json::to_vec_pretty(&manifest).map_err(std::io::Error::from)?;
    json.push(b'\n');
    to.write_all(&json)?;
    manifest_part.finish()?;
    part.finish()?;
    Ok(manifest)
}

/// Writes the file alone, which is still to be finished. `name` is what its manifest calls it; `mode` says who
/// may read it, as [`Part::create`] takes it.
///
/// # Errors
/// As [`write`].
pub async fn write_alone(
    mut export: Export,
    (format, bom): (Format, bool),
    (path, mode): (&Path, u32),
    name: String,
    progress: impl Fn(&ExportPage),
) -> Result<(Part, Manifest), ExportError> {
    if path.is_dir() {
        // Renaming would fail at the very end.
        return Err(std::io::Error::from(std::io::ErrorKind::IsADirectory).into());
    }
    let subject = export.subject().clone();
    let (part, file) = Part::create(path, mode)?;
    let (pages, to_write) = mpsc::channel(PAGES_AHEAD);
    let place = (subject.clone(), part.place().to_owned());
    // Writing takes a processor for long stretches, and the next page is read meanwhile.
    let writing = tokio::task::spawn_blocking(move || write_pages(to_write, file, (format, bom), &place));
    let read = async {
        while let Some(page) = export.next().await? {
            progress(&page);
            if pages.send(page).await.is_err() {
                // Writing has failed, and says why.
                break;
            }
        }
        Ok::<_, engine::Error>(())
    }
    .await;
    drop(pages);
    let written = writing.await.map_err(std::io::Error::other)?;
    read?;
    let (rows, Hashed { bytes, sha256 }) = written?;
    Ok((part, subject.manifest(Written { file: name, format, bytes, rows, sha256 })))
}

fn write_pages(
    mut pages: mpsc::Receiver<ExportPage>,
    file: File,
    (format, bom): (Format, bool),
    (subject, path): &(Subject, PathBuf),
) -> Result<(u64, Hashed), ExportError> {
    let mut to = FileRows::begin(file, (format, bom), subject, path)?;
    let mut rows = 0;
    while let Some(page) = pages.blocking_recv() {
        page.each(|cells| to.row(cells))?;
        rows += page.rows() as u64;
    }
    Ok((rows, to.finish(path)?))
}

/// A file that is being written, in any format.
enum FileRows {
    Text(TextRows<Hashing<File>>),
    Sheet(Box<Sheet>, File),
    Columnar(Box<Columnar<Hashing<File>>>),
}

impl FileRows {
    fn begin(file: File, (format, bom): (Format, bool), subject: &Subject, path: &Path) -> Result<Self, ExportError> {
        let columns = subject.columns();
        let text = |format, file| TextRows::begin(format, Hashing::new(file), &columns).map(Self::Text);
        Ok(match format {
            Format::Csv => text(TextFormat::Csv { bom }, file)?,
            Format::Ndjson => text(TextFormat::Ndjson, file)?,
            Format::Xlsx => {
                let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                let directory = directory.unwrap_or_else(|| Path::new("."));
                Self::Sheet(Box::new(Sheet::begin(directory, subject.made_at, &columns)?), file)
            }
            Format::Parquet => {
                let file = Columnar::begin(Hashing::new(file), subject.kind.as_str(), &columns)?;
                Self::Columnar(Box::new(file))
            }
        })
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), ExportError> {
        match self {
            Self::Text(text) => Ok(text.row(cells)?),
            Self::Sheet(sheet, _) => sheet.row(cells),
            Self::Columnar(columnar) => Ok(columnar.row(cells)?),
        }
    }

    fn finish(self, path: &Path) -> Result<Hashed, ExportError> {
        match self {
            Self::Text(text) => Ok(text.finish()?.finish()?),
            // A workbook is not written from its beginning to its end.
            Self::Sheet(sheet, file) => {
                sheet.finish(file)?;
                Ok(hash(File::open(path)?)?)
            }
            Self::Columnar(columnar) => Ok(columnar.finish()?.finish()?),
        }
    }
}
