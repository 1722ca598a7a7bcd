//! The limit: the product's own router, with authentication, parsing and checks, over an engine that stores nothing.

use crate::Failure;
use engine::Engine;
use engine::clock::SystemClock;
use server::config::Config;
use server::state::AppState;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Serves until told to stop. Configured by `REACHLINE_*` variables, like `reachline serve`.
pub fn serve(addr: &str) -> Result<(), Failure> {
    let config = Config::load(None)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(addr).await?;
        let engine = Engine::open_limit(config.engine(), Arc::new(SystemClock)).await?;
        // The workers have nothing to do, but the engine has its keys from them.
        let workers = engine.start().await?;
        server::cli::answer_until_told(listener, AppState::new(engine, config)).await;
        workers.stop().await;
        Ok(())
    })
}
