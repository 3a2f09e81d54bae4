use serde_json::json;

use crate::call::Call;
use crate::options::{self, Options};

impl Options {
    /// The call that stands after `token`, and whether it issues one.
    pub(crate) fn token(mut self) -> Result<(Call, bool), String> {
        let words: Vec<_> = self.words.iter().map(String::as_str).collect();
        let (call, issues) = match *words {
            ["list"] => (Call::new("GET", "/tokens", None), false),
            ["revoke", token] => {
                let token = json!(token);
                let body = json!({ "token": token, "reason": self.take("reason") });
                (Call::new("POST", "/tokens/revoke", Some(body)), false)
            }
            [kind @ ("oauth" | "m2m" | "api-key")] => {
                let kind = json!(kind);
                let mut body = self.numbers(&[("expires-in", "expiresInSeconds")])?;
                body.insert("kind".into(), kind);
                if self.take("jwt").is_some() {
                    body.insert("format".into(), "jwt".into());
                }
                for (option, member) in [("subject", "subject"), ("client-id", "clientId"), ("name", "name")]
                {
                    if let Some(text) = self.take(option) {
                        body.insert(member.into(), text.into());
                    }
                }
                for (option, member) in [("scope", "scopes"), ("audience", "audience")] {
                    body.insert(member.into(), self.take_all(option).into());
                }
                if let Some(claims) = self.take("claims") {
                    body.insert("claims".into(), options::json(&claims, "claims")?);
                }
                (Call::new("POST", "/tokens", Some(body.into())), true)
            }
            _ => return Err("say oauth, m2m, api-key, list, or revoke and a token or its id".into()),
        };
        Ok((self.all_taken(call)?, issues))
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn parsed(words: &[&str], given: &[(&str, &str)]) -> Result<(Call, bool), String> {
        let given = given.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let words = words.iter().map(|word| (*word).into()).collect();
        Options { words, given, ..Options::new(PathBuf::new()) }.token()
    }

    #[test]
    fn an_order_says_all_that_was_given() {
        let given = [
            ("scope", "a"),
            ("jwt", "true"),
            ("scope", "b"),
            ("expires-in", "-5"),
            ("subject", "ada@example.com"),
            ("client-id", "c"),
        ];
        let (call, issues) = parsed(&["oauth"], &given).unwrap_or_else(|why| panic!("{why}"));
        let body = json!({
            "kind": "oauth", "format": "jwt", "scopes": ["a", "b"], "audience": [], "expiresInSeconds": -5,
            "subject": "ada@example.com", "clientId": "c",
        });
        assert!(issues && (call.method, call.path.as_str()) == ("POST", "/tokens"));
        assert_eq!(call.body, Some(body));
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for (words, given, said) in [
            (&[][..], &[][..], "say oauth"),
            (&["session"], &[], "say oauth"),
            (&["revoke"], &[], "say oauth"),
            (&["list"], &[("scope", "a")], "--scope does not belong"),
            (&["m2m"], &[("claims", "{")], "--claims is no JSON"),
        ] {
            let problem = parsed(words, given).err().unwrap();
            assert!(problem.contains(said), "{problem}");
        }
    }
}
