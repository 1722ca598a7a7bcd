//! A thread with a runtime of its own, for work that must neither keep those who answer requests from a processor nor
//! wait for them.

use crate::error::Error;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, oneshot};

/// What a process ends with whose thread has panicked, as any program of Rust does.
const EXIT_FAULT: i32 = 101;

/// The thread. Dropped, it ends as if the process had been killed.
pub(crate) struct WorkerThread {
    name: &'static str,
    stop: Arc<Notify>,
    /// Never sent: the thread ends when this is dropped.
    _alive: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
}

impl WorkerThread {
    /// Starts it. What it runs ends in order once it is told to stop.
    ///
    /// # Errors
    /// If there is no thread to be had.
    pub fn start<W, F>(name: &'static str, work: W) -> Result<Self, Error>
    where
        W: FnOnce(Arc<Notify>) -> F + Send + 'static,
        F: Future<Output = ()>,
    {
        let failed = |error: std::io::Error| Error::Internal(format!("the thread of the {name}: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let stop = Arc::new(Notify::new());
        let (alive, mut dropped) = oneshot::channel::<()>();
        let (end, ended) = oneshot::channel();
        let told = stop.clone();
        let run = move || {
            let work = || {
                runtime.block_on(async {
                    tokio::select! {
                        () = work(told) => {}
                        _ = &mut dropped => {}
                    }
                });
            };
            if std::panic::catch_unwind(AssertUnwindSafe(work)).is_err() {
                // Without it a process is worth nothing, and looks sound: whatever watches over it starts another.
                tracing::error!(thread = name, "this is a fault of the program: the process ends");
                std::process::exit(EXIT_FAULT);
            }
            // Nobody need wait for it.
            let _ = end.send(());
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(run).map_err(failed)?;
        Ok(Self { name, stop, _alive: alive, ended })
    }

    /// Lets what it runs end in order, and waits for it at most so long.
    pub async fn stop(self, wait_max: Duration) {
        self.stop.notify_one();
        if tokio::time::timeout(wait_max, self.ended).await.is_err() {
            tracing::warn!(thread = self.name, "could not end in time");
        }
    }
}
