use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// A boxed future of this thread.
pub type LocalBoxFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// Time and tasks, so that tests can bring their own. A page uses [`BrowserRuntime`].
pub trait Runtime {
    /// The time since some fixed moment.
    fn now(&self) -> Duration;

    /// Runs a task to its end. It is not polled within this call.
    fn spawn(&self, task: LocalBoxFuture<()>);

    /// Resolves after `time`.
    fn sleep(&self, time: Duration) -> LocalBoxFuture<()>;
}

/// The browser's clock, event loop and timers.
#[derive(Clone, Copy, Debug, Default)]
pub struct BrowserRuntime;

impl Runtime for BrowserRuntime {
    // The wall clock and not `performance.now`, which stands still in some browsers while the machine sleeps.
    fn now(&self) -> Duration {
        Duration::from_millis(js_sys::Date::now() as u64)
    }

    fn spawn(&self, task: LocalBoxFuture<()>) {
        wasm_bindgen_futures::spawn_local(task);
    }

    fn sleep(&self, time: Duration) -> LocalBoxFuture<()> {
        // `setTimeout` reads its delay as a signed 32-bit number.
        let millis = i32::try_from(time.as_millis()).unwrap_or(i32::MAX).unsigned_abs();
        Box::pin(gloo_timers::future::TimeoutFuture::new(millis))
    }
}
