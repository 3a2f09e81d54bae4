use serde::{Deserialize, Serialize};

/// The protected resource: what `GET /foo` answers.
///
/// On the wire it is JSON in camelCase; times are seconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Foo {
    /// Which resource this is.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// Who asked for it, as the API read it from the token.
    pub asked_by: AskedBy,
    /// What the API may tell about the token that the request carried.
    pub token: TokenFacts,
}

/// Who asked: the person, the session and the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AskedBy {
    /// The person, `user_…`.
    pub user_id: String,
    /// The session, `sess_…`.
    pub session_id: String,
    /// The origin of the page that the token was made for; absent if the token names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorized_party: Option<String>,
}

/// What tells one token from the next without giving it away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenFacts {
    /// The token's own id, its `jti` claim; absent if the token has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When it was issued, in Unix seconds.
    pub issued_at: i64,
    /// Until when it counts, in Unix seconds.
    pub expires_at: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foo(authorized_party: Option<&str>, id: Option<&str>) -> Foo {
        Foo {
            id: "foo".into(),
            name: "The protected resource".into(),
            asked_by: AskedBy {
                user_id: "user_1".into(),
                session_id: "sess_1".into(),
                authorized_party: authorized_party.map(Into::into),
            },
            token: TokenFacts { id: id.map(Into::into), issued_at: 1_700_000_000, expires_at: 1_700_000_060 },
        }
    }

    #[test]
    fn the_wire_form_is_camel_case() {
        let wire = serde_json::json!({
            "id": "foo",
            "name": "The protected resource",
            "askedBy": {
                "userId": "user_1",
                "sessionId": "sess_1",
                "authorizedParty": "http://localhost:8080",
            },
            "token": { "id": "t1", "issuedAt": 1_700_000_000, "expiresAt": 1_700_000_060 },
        });
        let value = foo(Some("http://localhost:8080"), Some("t1"));
        assert_eq!(serde_json::to_value(&value).unwrap(), wire);
        assert_eq!(serde_json::from_value::<Foo>(wire).unwrap(), value);
    }

    #[test]
    fn what_a_token_does_not_say_is_absent() {
        let text = serde_json::to_string(&foo(None, None)).unwrap();
        assert!(!text.contains("null") && !text.contains("authorizedParty"), "{text}");
        assert_eq!(serde_json::from_str::<Foo>(&text).unwrap(), foo(None, None));
    }
}
