//! Where an installation keeps its files.

use crate::clock::random_bytes;
use crate::error::Error;
use crate::{Engine, store};
use sha2::{Digest, Sha256};

/// Hexadecimal digits of a mark: so many that no two databases of one server have the same.
const MARK_DIGITS: usize = 12;

impl Engine {
    /// What lies beside the database's file under its name and this ending; `None` if the database is no file.
    #[must_use]
    pub fn beside_database(&self, ending: &str) -> Option<std::path::PathBuf> {
        self.0.db.beside(ending)
    }

    /// What tells this database from others that are no files either, the same for all processes that use it by whatever
    /// address; `None` before its tables are there, and of one that is a file.
    #[must_use]
    pub fn database_mark(&self) -> Option<&str> {
        self.0.database_mark.get().map(String::as_str)
    }

    /// Reads the mark, whose seed is made when it is first needed. A copy of a database keeps the seed, so that its name takes
    /// part.
    pub(crate) async fn load_database_mark(&self) -> Result<(), Error> {
        let Some(name) = store::directory::database_name(&self.0.db).await? else { return Ok(()) };
        let seed = match store::directory::mark_seed(&self.0.db).await? {
            Some(seed) => seed,
            None => {
                let new = uuid::Uuid::from_bytes(random_bytes()).to_string();
                let mut tx = self.0.db.begin().await?;
                store::directory::make_mark_seed(&mut tx, &new).await?;
                tx.commit().await?;
                store::directory::mark_seed(&self.0.db).await?.ok_or(Error::NotFound)?
            }
        };
        let digest = Sha256::new().chain_update(seed).chain_update([0_u8]).chain_update(name).finalize();
        let mut mark: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        mark.truncate(MARK_DIGITS);
        // Another call may have been faster: it has read the same.
        let _ = self.0.database_mark.set(mark);
        Ok(())
    }
}
