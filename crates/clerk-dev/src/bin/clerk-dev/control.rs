use serde_json::{Value, json};

use crate::call::{Call, encoded};
use crate::options::{self, Options};

impl Options {
    /// The call that stands after `control`.
    pub(crate) fn control(mut self) -> Result<Call, String> {
        let words: Vec<_> = self.words.iter().map(String::as_str).collect();
        let call = match *words {
            ["state"] => Call::new("GET", "/state", None),
            ["set"] => {
                let mut body = self
                    .numbers(&[("token-life", "tokenLifeSeconds"), ("clock-ahead", "clockAheadSeconds")])?;
                if let Some(several) = self.take("several-sessions") {
                    body.insert("severalSessions".into(), options::json(&several, "several-sessions")?);
                }
                Call::new("PATCH", "/settings", Some(body.into()))
            }
            ["fault"] => Call::new("POST", "/faults", Some(self.fault()?)),
            ["clear-faults"] => Call::new("DELETE", "/faults", None),
            ["revoke"] => Call::new("POST", "/sessions/revoke", Some(self.whose()?)),
            ["template", name] => {
                let path = format!("/templates/{}", encoded(name));
                if self.take("remove").is_some() {
                    Call::new("DELETE", &path, None)
                } else {
                    let mut body = self.numbers(&[("life", "lifeSeconds")])?;
                    let claims = self.take("claims").ok_or("say --claims or --remove")?;
                    body.insert("claims".into(), options::json(&claims, "claims")?);
                    Call::new("PUT", &path, Some(body.into()))
                }
            }
            ["reset"] => Call::new("POST", "/reset", None),
            [] => {
                return Err("say what to do: state, set, fault, clear-faults, revoke, template, reset".into());
            }
            [first, ..] => return Err(format!("{first} is no call, or has a word too many or too few")),
        };
        self.all_taken(call)
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
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn parsed(words: &[&str], given: &[(&str, &str)]) -> Result<Call, String> {
        let given = given.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let words = words.iter().map(|word| (*word).into()).collect();
        Options { words, given, ..Options::new(PathBuf::new()) }.control()
    }

    #[test]
    fn options_become_the_members_of_the_body() {
        let given = [("status", "429"), ("retry-after", "7"), ("path", "/v1/client"), ("hang", "true")];
        let fault = parsed(&["fault"], &given).unwrap_or_else(|why| panic!("{why}"));
        let body = json!({ "status": 429, "retryAfter": 7, "path": "/v1/client", "hang": true });
        assert_eq!((fault.method, fault.path.as_str(), fault.body), ("POST", "/faults", Some(body)));

        let template = parsed(&["template", "a/b"], &[("claims", r#"{"aud":"x"}"#), ("life", "5")]);
        let template = template.unwrap_or_else(|why| panic!("{why}"));
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
            let problem = parsed(words, given).err().unwrap();
            assert!(problem.contains(said), "{problem}");
        }
    }
}
