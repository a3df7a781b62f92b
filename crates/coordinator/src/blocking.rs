//! File operations that may take long: they run beside all else, so that no disk holds the signs of life up.

/// Runs `work` where it may block, and waits for it. It goes on to its end also when the caller does not wait any more.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The program ends, and nothing is waited for any more.
            Err(_) => std::future::pending().await,
        },
    }
}
