//! Billing: what a month's figures cost, and how the number on a statement comes about.
//!
//! [`card`] says what units cost, [`price`](mod@price) what a quantity costs, [`waterfall`] how the quantity comes about, and [`statement`]
//! puts them together, with what arrived late for earlier months. All amounts are exact: see [`money`].

pub mod card;
pub mod judge;
pub mod money;
pub mod price;
pub mod statement;
pub mod waterfall;

pub use card::{BillableFigure, CardVersion, PriceTier, Terms, TermsForm, TierForm};
pub use money::{AmountTooLarge, Currency, Money};
pub use price::{Line, LineKind, Priced, price};
pub use statement::{Adjustment, Billed, CardUsed, Forecast, Statement, Status};
pub use waterfall::{Intake, Step, Waterfall};
