use std::path::Path;
use std::time::Duration;

use clerk_dev::ControlAccess;
use serde_json::Value;

use crate::Failure;

/// Longer than any call of the control port takes.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// A request to the control port. No `Debug`: a token may be in it.
#[derive(PartialEq)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
}

impl Call {
    pub(crate) fn new(method: &'static str, path: impl Into<String>, body: Option<Value>) -> Self {
        Self { method, path: path.into(), body }
    }

    /// Asks the server that runs with this data folder; its answer, if it did what was asked.
    pub(crate) fn send(&self, data_dir: &Path) -> Result<String, Failure> {
        let access = ControlAccess::read(data_dir).map_err(|error| {
            format!("{error}; is clerk-dev running with --data-dir {}?", data_dir.display())
        })?;
        // Whatever proxy the user has, this is a call to this machine.
        let config = ureq::Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .timeout_global(Some(TIME_LIMIT))
            .build();
        let body = self.body.as_ref().map(Value::to_string).unwrap_or_default();
        let request = ureq::http::Request::builder()
            .method(self.method)
            .uri(format!("{}{}", access.url(), self.path))
            .header("authorization", format!("Bearer {}", access.secret()))
            .header("content-type", "application/json")
            .body(body)?;
        let mut response = ureq::Agent::new_with_config(config)
            .run(request)
            .map_err(|error| format!("no clerk-dev answers at {} ({error}); start it", access.url()))?;
        let text = response.body_mut().read_to_string()?;
        if response.status().is_success() {
            return Ok(text);
        }
        let message = serde_json::from_str::<Value>(&text)
            .ok()
            .and_then(|answer| Some(answer.get("error")?.get("message")?.as_str()?.to_owned()));
        Err(message.unwrap_or_else(|| format!("clerk-dev answered {}: {text}", response.status())).into())
    }
}

/// A segment of a path.
pub(crate) fn encoded(name: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(byte);
    let text = |byte: u8| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    name.bytes().map(text).collect()
}
