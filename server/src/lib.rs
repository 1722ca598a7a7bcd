//! Reachline over HTTP and on the command line.
//!
//! - [`router`]: the one table of routes, and [`state`]: what the handlers share.
//! - [`api`]: one file for each group of endpoints that programs call.
//! - [`web`]: what browsers get: the dashboard's pages, sessions, downloads, and the defences around them.
//! - [`http`]: what both stand on: errors, extractors, limits, the outermost layer.
//! - [`documents`]: statements and reports as PDF.
//! - [`export`]: events and figures as files, in several formats.
//! - [`openapi`]: the description of the API, for programs and for people.
//! - [`config`] and [`cli`]: the binary `reachline`.
//!
//! A handler calls one method of [`engine::Engine`] and holds no rule.

pub mod api;
pub mod assets;
pub mod cli;
pub mod config;
pub mod documents;
pub mod export;
pub mod http;
pub mod openapi;
pub mod router;
pub mod state;
pub mod web;
