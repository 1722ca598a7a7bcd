//! What all handlers share.

use crate::config::Config;
use crate::export::jobs::ExportFiles;
use crate::http::limits::{Addresses, Bursts, Places};
use crate::http::metrics::Metrics;
use axum::extract::FromRef;
use engine::Engine;
use leptos::config::LeptosOptions;
use std::ops::Deref;
use std::sync::Arc;

/// The state of one server. Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

/// What is shared.
pub struct Shared {
    pub engine: Engine,
    pub config: Config,
    pub bursts: Bursts,
    pub addresses: Addresses,
    pub metrics: Metrics,
    pub batches: Places,
    pub exports: ExportFiles,
    leptos: LeptosOptions,
}

impl AppState {
    /// The state of a server over `engine`.
    #[must_use]
    pub fn new(engine: Engine, config: Config) -> Self {
        let leptos = LeptosOptions::builder().output_name("reachline").build();
        let addresses = Addresses::new(config.catalogue_rate_per_ip);
        let (bursts, metrics) = (Bursts::default(), Metrics::default());
        let exports = ExportFiles::new(&engine, config.export_dir.as_deref());
        let batches = Places::default();
        Self(Arc::new(Shared { engine, config, bursts, addresses, metrics, batches, exports, leptos }))
    }

    /// What leptos wants to know.
    #[must_use]
    pub fn leptos_options(&self) -> LeptosOptions {
        self.leptos.clone()
    }
}

impl Deref for AppState {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}
