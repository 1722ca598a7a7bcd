//! Bringing tables up to date.

use super::Db;
use super::db::Sql;
use crate::error::Error;
use domain::{FaultCode, Faults};
use sqlx::migrate::Migrator;

impl Db {
    /// Brings the tables up to date and says how many migrations were missing.
    pub async fn migrate(&self) -> Result<usize, Error> {
        self.migrate_to(i64::MAX).await
    }

    /// Brings the tables to a version, unless they are of that or a later one, and says how many migrations were missing.
    pub async fn migrate_to(&self, version: i64) -> Result<usize, Error> {
        let before = self.applied_migrations().await;
        let migrated = match self {
            Self::Sqlite { writer, .. } => self.migrator().run_to(version, writer).await,
            Self::Postgres { pool, .. } => self.migrator().run_to(version, pool).await,
        };
        migrated.map_err(|error| Error::Internal(format!("migration: {error}")))?;
        Ok(self.applied_migrations().await.saturating_sub(before))
    }

    fn migrator(&self) -> Migrator {
        match self {
            Self::Sqlite { .. } => sqlx::migrate!("../migrations/sqlite"),
            Self::Postgres { .. } => sqlx::migrate!("../migrations/postgres"),
        }
    }

    async fn applied_migrations(&self) -> usize {
        let applied = self.fetch_one(Sql::new("SELECT COUNT(*) FROM _sqlx_migrations WHERE success")).await;
        // Before the first migration there is no such table.
        applied.and_then(|row| row.int(0)).ok().and_then(|count| usize::try_from(count).ok()).unwrap_or(0)
    }

    /// Whether every migration has been applied.
    pub async fn is_migrated(&self) -> bool {
        self.applied_migrations().await >= self.migrator().iter().count()
    }

    /// The version of the tables; 0 if there are none. Fails where it cannot be told.
    pub async fn version(&self) -> Result<i64, Error> {
        let there = match self {
            Self::Sqlite { .. } => "SELECT COUNT(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'",
            Self::Postgres { .. } => "SELECT COUNT(to_regclass('_sqlx_migrations'))",
        };
        if self.fetch_one(Sql::new(there)).await?.int(0)? == 0 {
            return Ok(0);
        }
        let sql = "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations WHERE success";
        self.fetch_one(Sql::new(sql)).await?.int(0)
    }

    /// The version of the tables.
    ///
    /// # Errors
    /// [`Error::Invalid`] if they are of a later one than this program knows.
    pub async fn known_version(&self) -> Result<i64, Error> {
        let version = self.version().await?;
        if version > self.newest_version() {
            let detail = "It is of a later version of Reachline: run that one.";
            return Err(Faults::one("database", FaultCode::FieldInvalid, detail).into());
        }
        Ok(version)
    }

    /// Whether the log's table is beside the others.
    pub async fn has_log(&self) -> Result<bool, Error> {
        let sql = match self {
            Self::Sqlite { .. } => "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'log'",
            Self::Postgres { .. } => "SELECT COUNT(to_regclass('log'))",
        };
        Ok(self.fetch_one(Sql::new(sql)).await?.int(0)? > 0)
    }

    /// The version that this program brings tables to.
    fn newest_version(&self) -> i64 {
        self.migrator().iter().map(|migration| migration.version).max().unwrap_or_default()
    }
}
