use std::time::{Duration, Instant};

/// How long [`eventually`] waits: generous, because a wait that succeeds costs nothing.
const PATIENCE: Duration = Duration::from_secs(15);

/// Asks again every 25 ms until there is a value. Panics after 15 s, saying `what` was waited for.
pub async fn eventually<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    eventually_within(PATIENCE, what, ask).await
}

/// Like [`eventually`], with its own limit.
pub async fn eventually_within<T>(limit: Duration, what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = ask().await {
            return value;
        }
        assert!(started.elapsed() < limit, "waited {limit:?} in vain for {what}");
        pause(25).await;
    }
}

/// Sleeps that many milliseconds of real time.
pub async fn pause(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}
