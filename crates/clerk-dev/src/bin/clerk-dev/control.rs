use std::path::{Path, PathBuf};
use std::time::Duration;

use clerk_dev::ControlAccess;
use serde_json::{Map, Value, json};

use crate::Failure;

/// Longer than any call of the control port takes.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Options that take no value.
pub(crate) const FLAGS: [&str; 4] = ["all", "drop", "hang", "remove"];

/// A request to the control port.
#[derive(Debug, PartialEq)]
pub(crate) struct Call {
    method: &'static str,
    path: String,
    body: Option<Value>,
}

/// What stands on the command line after `control`.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) words: Vec<String>,
    pub(crate) given: Vec<(String, String)>,
}

impl Options {
    /// The call that they ask for.
    pub(crate) fn call(mut self) -> Result<Call, String> {
        let words: Vec<_> = self.words.iter().map(String::as_str).collect();
        let call = |method, path: &str, body| Call { method, path: path.to_owned(), body };
        let call = match *words {
            ["state"] => call("GET", "/state", None),
            ["set"] => {
                let mut body = self
                    .numbers(&[("token-life", "tokenLifeSeconds"), ("clock-ahead", "clockAheadSeconds")])?;
                if let Some(several) = self.take("several-sessions") {
                    body.insert("severalSessions".into(), json(&several, "several-sessions")?);
                }
                call("PATCH", "/settings", Some(body.into()))
            }
            ["fault"] => call("POST", "/faults", Some(self.fault()?)),
            ["clear-faults"] => call("DELETE", "/faults", None),
            ["revoke"] => call("POST", "/sessions/revoke", Some(self.whose()?)),
            ["template", name] => {
                let path = format!("/templates/{}", encoded(name));
                if self.take("remove").is_some() {
                    call("DELETE", &path, None)
                } else {
                    let mut body = self.numbers(&[("life", "lifeSeconds")])?;
                    let claims = self.take("claims").ok_or("say --claims or --remove")?;
                    body.insert("claims".into(), json(&claims, "claims")?);
                    call("PUT", &path, Some(body.into()))
                }
            }
            ["reset"] => call("POST", "/reset", None),
            [] => {
                return Err("say what to do: state, set, fault, clear-faults, revoke, template, reset".into());
            }
            [first, ..] => return Err(format!("{first} is no call, or has a word too many or too few")),
        };
        match self.given.first() {
            Some((name, _)) => Err(format!("--{name} does not belong to this call")),
            None => Ok(call),
        }
    }

    fn fault(&mut self) -> Result<Value, String> {
        let mut body = self.numbers(&[("times", "times"), ("status", "status"), ("delay", "delayMillis")])?;
        for name in ["path", "method", "code", "body"] {
            if let Some(text) = self.take(name) {
                body.insert(name.into(), text.into());
            }
        }
        if let Some(text) = self.take("retry-after") {
            let value = text.parse::<u64>().map_or_else(|_| json!(text), |seconds| json!(seconds));
            body.insert("retryAfter".into(), value);
        }
        for name in ["hang", "drop"] {
            if self.take(name).is_some() {
                body.insert(name.into(), true.into());
            }
        }
        Ok(body.into())
    }

    fn whose(&mut self) -> Result<Value, String> {
        let all = self.take("all").map(|_| json!({ "all": true }));
        let session = self.take("session").map(|id| json!({ "session": id }));
        let person = self.take("person").map(|email| json!({ "person": email }));
        let mut given = [all, session, person].into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(whose), None) => Ok(whose),
            _ => Err("say one of --session, --person and --all".into()),
        }
    }

    /// Those of the options that are given, under the names of the JSON.
    fn numbers(&mut self, names: &[(&str, &str)]) -> Result<Map<String, Value>, String> {
        let mut numbers = Map::new();
        for (option, member) in names {
            if let Some(text) = self.take(option) {
                let number: i64 = text.parse().map_err(|_| format!("--{option} takes a whole number"))?;
                numbers.insert((*member).into(), number.into());
            }
        }
        Ok(numbers)
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let index = self.given.iter().position(|(given, _)| given == name)?;
        Some(self.given.remove(index).1)
    }
}

/// Calls the server that runs with this data folder; its answer, if it did what was asked.
pub(crate) fn call(data_dir: &Path, call: &Call) -> Result<String, Failure> {
    let access = ControlAccess::read(data_dir)
        .map_err(|error| format!("{error}; is clerk-dev running with --data-dir {}?", data_dir.display()))?;
    // Whatever proxy the user has, this is a call to this machine.
    let config = ureq::Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false)
        .timeout_global(Some(TIME_LIMIT))
        .build();
    let body = call.body.as_ref().map(Value::to_string).unwrap_or_default();
    let request = ureq::http::Request::builder()
        .method(call.method)
        .uri(format!("{}{}", access.url(), call.path))
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

fn json(text: &str, option: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("--{option} is no JSON ({error})"))
}

/// A segment of a path.
fn encoded(name: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(byte);
    let text = |byte: u8| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    name.bytes().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str], given: &[(&str, &str)]) -> Result<Call, String> {
        let given = given.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Options { data_dir: None, words: words.iter().map(|word| (*word).into()).collect(), given }.call()
    }

    #[test]
    fn options_become_the_members_of_the_body() {
        let given = [("status", "429"), ("retry-after", "7"), ("path", "/v1/client"), ("hang", "true")];
        let fault = parsed(&["fault"], &given).unwrap();
        let body = json!({ "status": 429, "retryAfter": 7, "path": "/v1/client", "hang": true });
        assert_eq!((fault.method, fault.path.as_str(), fault.body), ("POST", "/faults", Some(body)));

        let template = parsed(&["template", "a/b"], &[("claims", r#"{"aud":"x"}"#), ("life", "5")]).unwrap();
        assert_eq!(template.path, "/templates/a%2Fb");
        assert_eq!(template.body, Some(json!({ "claims": { "aud": "x" }, "lifeSeconds": 5 })));
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for (words, given, said) in [
            (&["fly"][..], &[][..], "fly is no call"),
            (&["state", "now"], &[], "a word too many"),
            (&["state"], &[("path", "/")], "--path does not belong"),
            (&["set"], &[("token-life", "long")], "--token-life takes a whole number"),
            (&["revoke"], &[("all", "true"), ("session", "s")], "say one of"),
            (&["template", "x"], &[], "say --claims or --remove"),
            (&["template", "x"], &[("claims", "{")], "--claims is no JSON"),
        ] {
            let problem = parsed(words, given).unwrap_err();
            assert!(problem.contains(said), "{problem}");
        }
    }
}
