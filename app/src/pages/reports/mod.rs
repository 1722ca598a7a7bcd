//! Reports for regulators and the public.

pub mod all;
pub mod editor;
pub mod list;
pub mod report;
