//! Backups, and copies of all data from one database to another. Both are of one state, whoever writes meanwhile.

use crate::actor::{CONSOLE, Operator};
use crate::aggregate::make_partitions;
use crate::audit::Note;
use crate::clock::{Clock, new_uuid};
use crate::error::Error;
use crate::store::whole::{FIRST_VERSION, Filling, Whole};
use crate::store::{self, Db};
use crate::{Engine, Settings};
use domain::audit::Action;
use domain::ids::AuditEntryId;
use domain::zone::Zone;
use domain::{FaultCode, Faults};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// What was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Copied {
    /// Rows of all tables.
    pub rows: u64,
    /// Events, those included that are in no figure yet.
    pub events: u64,
}

/// Told how many rows are copied, and of how many.
pub trait CopyProgress: FnMut(u64, u64) {}
impl<F: FnMut(u64, u64)> CopyProgress for F {}

impl Engine {
    /// The engine on a database that is there already, whether or not its tables are up to date.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is none; [`Error::Unavailable`] if it cannot be reached.
    pub async fn open_existing(settings: Settings, clock: std::sync::Arc<dyn Clock>) -> Result<Self, Error> {
        if let Some(file) = store::file_of(&settings.database_url)?
            && !file.exists()
        {
            return Err(fault(FaultCode::FieldInvalid, format!("There is no file {}.", file.display())));
        }
        Self::open(settings, clock).await
    }

    /// Writes all data into a file, new or empty: an SQLite database in the form of a backup, whatever this one is. People's
    /// sessions are not in it, and neither are the files of exports. It can run at any time and holds up nobody.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the tables are not up to date; otherwise of the store or the file, which is of no use then.
    pub async fn back_up(&self, _: &Operator, file: &Path, progress: impl CopyProgress) -> Result<Copied, Error> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let subject = name.trim_end_matches(".part").to_owned();
        self.note_copy(Action::BackupMade, subject).await?;
        let backup = Db::create_backup(file).await?;
        let copied = copy(&self.0.db, &backup, None, progress).await;
        backup.close().await;
        copied
    }

    /// Writes all data into another database, which must be empty.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is not, or if the tables are not up to date here; otherwise of the store: then the other one
    /// is still empty.
    pub async fn copy_to(&self, _: &Operator, to: &Settings, progress: impl CopyProgress) -> Result<Copied, Error> {
        let kind = if store::file_of(&to.database_url)?.is_some() { "SQLite" } else { "Postgres" };
        let to = Db::connect_to_fill(to).await?;
        self.note_copy(Action::DatabaseCopied, format!("To {kind}")).await?;
        let copied = copy(&self.0.db, &to, None, progress).await;
        to.close().await;
        copied
    }

    /// Fills an empty database with what is in a backup, and brings its tables up to date.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is not empty, or the file is no backup that this version can read; otherwise of the store:
    /// then the database is still empty.
    pub async fn restore(
        to: &Settings,
        clock: &dyn Clock,
        file: &Path,
        progress: impl CopyProgress,
    ) -> Result<Copied, Error> {
        let no_backup = || fault(FaultCode::FieldInvalid, format!("{} is no backup.", file.display()));
        let backup = Db::open_backup(file).await.map_err(|_| no_backup())?;
        if !backup.has_log().await.map_err(|_| no_backup())? {
            return Err(no_backup());
        }
        let to = Db::connect_to_fill(to).await?;
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let note =
            Note { customer: None, by: CONSOLE, action: Action::BackupRestored, subject: name, details: Value::Null };
        let copied = copy(&backup, &to, Some((note, clock)), progress).await;
        to.close().await;
        backup.close().await;
        copied
    }

    /// Notes that all data leaves, before it does: so the copy has the entry, too.
    async fn note_copy(&self, action: Action, subject: String) -> Result<(), Error> {
        if !self.0.db.is_migrated().await {
            return Err(fault(
                FaultCode::FieldInvalid,
                "Its tables are not up to date: run `reachline migrate` first.",
            ));
        }
        let mut tx = self.0.db.begin().await?;
        self.note(&mut tx, Note { customer: None, by: CONSOLE, action, subject, details: Value::Null }).await?;
        tx.commit().await
    }
}

fn fault(code: FaultCode, detail: impl Into<String>) -> Error {
    Faults::one("database", code, detail).into()
}

/// Copies all rows. The other database first gets the tables that these rows were written in, and then those of this version.
async fn copy(
    from: &Db,
    to: &Db,
    note: Option<(Note<'_>, &dyn Clock)>,
    mut progress: impl CopyProgress,
) -> Result<Copied, Error> {
    let version = from.version().await?;
    if version > from.newest_version() {
        return Err(fault(FaultCode::FieldInvalid, "It is of a later version of Reachline."));
    }
    if version < FIRST_VERSION {
        return Err(fault(FaultCode::FieldInvalid, "It is none of Reachline, or of a version that knew no backups."));
    }
    let is_taken = || fault(FaultCode::FieldTaken, "The database to be filled must be an empty one that nobody uses.");
    to.migrate_to(version).await?;
    if to.version().await? != version {
        return Err(is_taken());
    }
    let mut whole = Whole::see(from).await?;
    let (total, events) = (whole.count().await?, whole.events().await?);
    let months = whole.days().await?.into_iter().map(|day| Zone::UTC.day(day).month().0).collect();
    let mut filling = Filling::begin(to).await?.ok_or_else(is_taken)?;
    make_partitions(filling.tx(), &mut BTreeSet::new(), months).await?;
    let rows = filling.fill(&mut whole, |done| progress(done, total)).await?;
    if let Some((note, clock)) = note {
        let now = clock.now();
        store::audit::insert(filling.tx(), AuditEntryId::from_uuid(new_uuid(now)), now, &note).await?;
    }
    filling.commit().await?;
    to.migrate().await?;
    Ok(Copied { rows, events })
}
