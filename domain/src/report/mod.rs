//! Reports for regulators and the public: what they may hold, and what of it is printed.
//!
//! - [`template`]: what a kind of report consists of, and where that comes from.
//! - [`form`]: what somebody asks for, checked against its template.
//! - [`content`]: a report as it is printed, and how one version differs from the one before.
//! - [`cells`]: the counts of a report before it is decided which of them are printed.
//! - [`exact`]: what numbers that must be printed exactly would give away of others, and [`rests`] how that is kept.
//! - [`imported`]: what it says of history that was imported without sessions.
//! - [`rules`]: by which rules it was counted, and what its figures mean, in words that it keeps.
//! - [`suppress`]: which of them are not, so that no small group can be made out.

pub mod cells;
pub mod content;
pub mod exact;
pub mod form;
pub mod imported;
mod rests;
pub mod rules;
pub mod suppress;
pub mod template;

pub use cells::{Known, RawRow, RawTable, Tables, Unprotectable};
pub use content::{CONTENT_VERSION, Cell, Change, Content, Place, Row, Table, Text};
pub use exact::{Exact, leaves_small};
pub use form::{ReportForm, Wanted};
pub use imported::{Contribution, Days, Imported};
pub use rules::{Rules, Wording};
pub use suppress::Said;
pub use template::{PeriodKind, TableBy, Template, TemplateForm, TextField};

#[cfg(test)]
mod attacks;
