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
    /// Events that are counted.
    pub events: u64,
    /// Events that wait to be counted; those that were sent again may be among them.
    pub waiting: u64,
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
        if let Some(file) = store::file_of(&settings.database_url)? {
            is_there(&file)?;
            let looked_at = Db::open_backup(&file).await?;
            let is_ours = looked_at.version().await? > 0;
            if is_ours && looked_at.has_log().await? {
                return Err(fault(format!("{} is a backup: `reachline restore` takes it.", file.display())));
            }
            looked_at.close().await;
        }
        Self::open(settings, clock).await
    }

    /// Writes all data into a file, new or empty: an SQLite database in the form of a backup, whatever this one is. The audit
    /// log tells the name that the file will have. People's sessions are not in it, and neither are the files of exports. It
    /// can run at any time and holds up nobody.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the tables are not up to date; otherwise of the store or the file, which is of no use then.
    pub async fn back_up(
        &self,
        _: &Operator,
        (file, name): (&Path, &str),
        progress: impl CopyProgress,
    ) -> Result<Copied, Error> {
        let backup = Db::create_backup(file).await?;
        self.note_copy(Action::BackupBegun, name.to_owned()).await?;
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
        let to = empty(to).await?;
        self.note_copy(Action::CopyBegun, format!("To {kind}")).await?;
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
        is_there(file)?;
        let no_backup = || fault(format!("{} is no backup.", file.display()));
        let backup = Db::open_backup(file).await.map_err(|_| no_backup())?;
        if !backup.has_log().await.map_err(|_| no_backup())? {
            return Err(no_backup());
        }
        let to = empty(to).await?;
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
            return Err(fault("Its tables are not up to date: run `reachline migrate` first."));
        }
        let mut tx = self.0.db.begin().await?;
        self.note(&mut tx, Note { customer: None, by: CONSOLE, action, subject, details: Value::Null }).await?;
        tx.commit().await
    }
}

fn fault(detail: impl Into<String>) -> Error {
    Faults::one("database", FaultCode::FieldInvalid, detail).into()
}

fn is_taken() -> Error {
    let detail = "What is to be filled must be an empty database that nobody else is connected to.";
    Faults::one("database", FaultCode::FieldTaken, detail).into()
}

fn is_there(file: &Path) -> Result<(), Error> {
    match std::fs::File::open(file) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(fault(format!("There is no file {}.", file.display())))
        }
        Err(error) => Err(fault(format!("{}: {error}.", file.display()))),
    }
}

/// A database to be filled, once it is known that there is nothing in it: before, nothing is changed.
async fn empty(settings: &Settings) -> Result<Db, Error> {
    if store::file_of(&settings.database_url)?.is_none_or(|file| file.exists()) {
        let looked_at = Db::connect(settings).await?;
        let is_empty = store::whole::is_empty(&looked_at).await;
        looked_at.close().await;
        if !is_empty? {
            return Err(is_taken());
        }
    }
    Db::connect_to_fill(settings).await
}

/// Copies all rows. The other database first gets the tables that these rows were written in, and then those of this version.
async fn copy(
    from: &Db,
    to: &Db,
    note: Option<(Note<'_>, &dyn Clock)>,
    mut progress: impl CopyProgress,
) -> Result<Copied, Error> {
    let version = from.known_version().await?;
    if version < FIRST_VERSION {
        return Err(fault("It is none of Reachline, or of a version that knew no backups."));
    }
    to.migrate_to(version).await?;
    if to.version().await? != version {
        return Err(is_taken());
    }
    let mut whole = Whole::see(from).await?;
    let (total, (events, waiting)) = (whole.count().await?, whole.events().await?);
    let months = whole.days().await?.into_iter().map(|day| Zone::UTC.day(day).month().0).collect();
    let mut filling = Filling::begin(to).await?.ok_or_else(is_taken)?;
    make_partitions(filling.tx(), &mut BTreeSet::new(), months).await?;
    let rows = filling.fill(&mut whole, |done| progress(done, total)).await?;
    if rows != total {
        return Err(Error::Internal(format!("{rows} rows were copied of {total}")));
    }
    if let Some((note, clock)) = note {
        let now = clock.now();
        store::audit::insert(filling.tx(), AuditEntryId::from_uuid(new_uuid(now)), now, &note).await?;
    }
    filling.commit().await?;
    to.migrate().await?;
    Ok(Copied { rows, events, waiting })
}
