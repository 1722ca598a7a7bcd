//! Which rows of a file have been brought in, as one hash.
//!
//! It is of what rows mean and not of their bytes: so it is exactly of what was brought in, and holds no session but as a
//! keyed hash.

use domain::history::Record;
use sha2::{Digest, Sha256};

/// The first rows of a file.
#[derive(Clone, Default)]
pub struct Prefix(Sha256);

impl Prefix {
    /// Adds the next row.
    pub fn take(&mut self, record: &Record) {
        let Record { application, helpline, action, at, session, count } = *record;
        // Each is as long as in any other row, so that no two lists of rows give the same bytes.
        self.0.update(at.millis().to_be_bytes());
        self.0.update(application.0.to_be_bytes());
        self.0.update(helpline.0.to_be_bytes());
        self.0.update([action.code()]);
        self.0.update(session.0);
        self.0.update(count.to_be_bytes());
    }

    /// SHA-256 of all rows so far, in hexadecimal.
    pub fn digest(&self) -> String {
        self.0.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;
    use domain::event::{Action, ContactMethod, SessionKey};
    use domain::ids::{ApplicationNo, HelplineNo};
    use std::collections::HashSet;

    fn digest(records: &[Record]) -> String {
        let mut prefix = Prefix::default();
        records.iter().for_each(|record| prefix.take(record));
        prefix.digest()
    }

    #[test]
    fn whatever_differs_makes_another_prefix() {
        let one = Record {
            application: ApplicationNo(1),
            helpline: HelplineNo(2),
            action: Action::Display,
            at: Timestamp::from_millis(3),
            session: SessionKey([4; 16]),
            count: 5,
        };
        let other = Record { at: Timestamp::from_millis(4), ..one };
        let all = [
            vec![],
            vec![one],
            vec![one, one],
            vec![one, other],
            vec![other, one],
            vec![Record { application: ApplicationNo(2), ..one }],
            vec![Record { helpline: HelplineNo(1), ..one }],
            vec![Record { action: Action::Click(ContactMethod::Phone), ..one }],
            vec![Record { session: SessionKey([5; 16]), ..one }],
            vec![Record { count: 6, ..one }],
        ];
        let digests: HashSet<String> = all.iter().map(|records| digest(records)).collect();
        assert_eq!(digests.len(), all.len());
        assert_eq!(digest(&[]), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
