//! The server as its clients see it: over a socket, on SQLite and on Postgres.
//!
//! `REACHLINE_TEST_POSTGRES_URL` names a Postgres server on which databases can be created; without it they fail.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

/// Runs each test on both databases.
macro_rules! on_both {
    ($($(#[$doc:meta])* async fn $name:ident($app:ident) $body:block)*) => {$(
        $(#[$doc])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            async fn check($app: &$crate::app::TestApp) $body

            #[tokio::test]
            async fn sqlite() {
                let app = $crate::app::TestApp::on_sqlite().await;
                check(&app).await;
                app.stop().await;
            }

            #[tokio::test]
            async fn postgres() {
                // A missing Postgres fails: skipping would hide half of what is promised.
                let app = $crate::app::TestApp::on_postgres().await.expect("REACHLINE_TEST_POSTGRES_URL names a Postgres");
                check(&app).await;
                app.stop().await;
            }
        }
    )*};
}

mod access;
mod analytics;
mod app;
mod batch;
mod billing;
mod catalogue;
mod commands;
mod connections;
mod events;
mod foreign;
mod limits;
mod oauth;
mod openapi;
mod refusals;
mod web;
