use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The claims of the session's present token, as clerk-js read them: what a page shows, and not what a server goes
/// by. Empty until the first token is there.
///
/// Two are equal if they say the same of the person: what every refresh changes (`iat`, `nbf`, `exp`, `jti`, and `fva`,
/// which counts minutes) does not count, so that a changed role renders and a refresh does not.
#[derive(Clone, Default)]
pub struct Claims(Map<String, Value>);

const EVERY_REFRESH: [&str; 5] = ["iat", "nbf", "exp", "jti", "fva"];

impl Claims {
    pub(crate) fn from_json(json: &str) -> Self {
        let mut claims: Map<String, Value> = serde_json::from_str(json).unwrap_or_default();
        // clerk-js puts the token itself beside its claims.
        claims.remove("__raw");
        Self(claims)
    }

    /// One claim, such as `email` of a customized session token.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// One claim as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// All claims, read into a type of yours.
    ///
    /// # Errors
    ///
    /// What the type misses.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_value(Value::Object(self.0.clone()))
    }

    pub(crate) fn all(&self) -> &Map<String, Value> {
        &self.0
    }

    fn lasting(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.iter().filter(|(name, _)| !EVERY_REFRESH.contains(&name.as_str()))
    }
}

impl PartialEq for Claims {
    fn eq(&self, other: &Self) -> bool {
        self.lasting().count() == other.lasting().count()
            && self.lasting().all(|(name, value)| other.get(name) == Some(value))
    }
}

impl Eq for Claims {}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.0).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_changes_nothing_and_a_role_does() {
        let before = Claims::from_json(r#"{"sub":"user_1","iat":1,"exp":61,"jti":"a","fva":[0,-1]}"#);
        let refreshed =
            Claims::from_json(r#"{"fva":[1,-1],"jti":"b","exp":99,"iat":39,"nbf":29,"sub":"user_1"}"#);
        assert_eq!(before, refreshed);
        assert_eq!(refreshed.get("iat"), Some(&Value::from(39)));
        for other in [
            r#"{"sub":"user_1","o":{"rol":"admin"}}"#,
            r#"{"sub":"user_2"}"#,
            r#"{"iat":1}"#,
            r#"{"sub":null}"#,
        ] {
            assert_ne!(before, Claims::from_json(other), "{other}");
            assert_ne!(Claims::from_json(other), before, "{other}");
        }
    }

    #[test]
    fn the_token_itself_is_not_among_them() {
        let claims = Claims::from_json(r#"{"__raw":"ey.secret.x","sub":"user_1"}"#);
        assert!(!format!("{claims:?}").contains("secret"));
        assert_eq!((claims.get("__raw"), claims.text("sub")), (None, Some("user_1")));
    }

    #[test]
    fn what_is_no_object_has_none() {
        for json in ["", "null", "[1]", "7"] {
            assert_eq!(Claims::from_json(json), Claims::default());
        }
    }
}
