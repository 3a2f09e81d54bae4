use std::fmt;
use std::time::Duration;

use bearer_fetch::ProviderError;
use wasm_bindgen::JsValue;

use crate::js;

/// Why clerk-js cannot be used.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LoadError {
    /// A script could not be fetched.
    Script {
        /// Its URL.
        url: String,
    },
    /// The script was fetched and made no `window.Clerk`; it says why in the console.
    NoClerk,
    /// It did not come to an end.
    TimedOut {
        /// The time limit.
        after: Duration,
    },
    /// clerk-js itself gave up.
    Clerk(ClerkError),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Script { url } => {
                write!(
                    f,
                    "Sign-in could not be loaded from {url}. Check the connection, then reload the page."
                )
            }
            Self::NoClerk => f.write_str(
                "Sign-in could not start: clerk-js refused its settings. The browser's console says which.",
            ),
            Self::TimedOut { after } => write!(
                f,
                "Sign-in did not load within {} s. Check the connection, then reload the page.",
                after.as_secs()
            ),
            Self::Clerk(error) => write!(f, "Sign-in could not start: {error}"),
        }
    }
}

impl std::error::Error for LoadError {}

/// What clerk-js said when it refused something.
///
/// Errors are told apart by `code` and `status`. The JavaScript error's name is of no use: the published
/// build is minified and calls every one of them `e`.
#[derive(Clone, Debug, PartialEq)]
pub struct ClerkError(
    /// Code, message, parameter, status, wait and trace id.
    pub ProviderError,
);

impl ClerkError {
    /// Reads whatever clerk-js threw.
    pub(crate) fn of(thrown: &JsValue) -> Self {
        let first = js::get(thrown, "errors").map(|errors| js::get_index(&errors, 0)).unwrap_or_default();
        let text = |key: &str| js::text(&first, key).or_else(|| js::text(thrown, key));
        let meta = js::get(&first, "meta").unwrap_or_default();
        Self(ProviderError {
            code: text("code").unwrap_or_else(|| "unknown".into()),
            message: js::text(&first, "longMessage")
                .or_else(|| text("message"))
                .or_else(|| thrown.as_string())
                .unwrap_or_else(|| "clerk-js gave no reason".into()),
            parameter: js::text(&meta, "paramName"),
            status: js::number(thrown, "status").map(|status| status as u16),
            retry_after: js::number(thrown, "retryAfter").and_then(|s| Duration::try_from_secs_f64(s).ok()),
            trace_id: js::text(thrown, "clerkTraceId"),
        })
    }

    /// Whether clerk-js says that the browser is offline.
    pub fn is_offline(&self) -> bool {
        self.0.code == "clerk_offline"
    }
}

impl fmt::Display for ClerkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0.message, self.0.code)
    }
}

impl std::error::Error for ClerkError {}
