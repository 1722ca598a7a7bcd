//! The rules of Reachline.
//!
//! Everything that decides a figure, a refusal or a permission lives here, free of databases, HTTP and clocks: the
//! present instant and randomness come in as arguments. The crate compiles to wasm, so the browser shares its types.

pub mod access_link;
pub mod account;
pub mod alert;
pub mod audit;
pub mod billing;
pub mod event;
pub mod export;
pub mod fault;
pub mod figures;
pub mod helpline;
pub mod history;
pub mod ids;
pub mod metering;
pub mod period;
pub mod quota;
pub mod report;
pub mod retention;
pub mod text;
pub mod timestamp;
pub mod zone;

pub use fault::{Fault, FaultCode, Faults};
pub use ids::{ApplicationId, CustomerId, EventId, HelplineId, SecretId, UserId};
pub use timestamp::Timestamp;
pub use zone::Zone;
