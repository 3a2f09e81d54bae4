use serde::Deserialize;

/// The kinds of token that Clerk issues.
///
/// Every JWT among them is signed with the same key of the instance, so a good signature does not tell
/// a session from a machine: the kind has to be read before anything is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenKind {
    /// A person's session in a browser.
    Session,
    /// A JWT from a template of the instance. It names a person but no session, and outlives it.
    Template,
    /// An OAuth access token: `oat_…`, or a JWT of type `at+jwt`.
    OAuth,
    /// A machine-to-machine token: `mt_…`, or a JWT whose subject is a machine (`mch_…`).
    M2M,
    /// An API key: `ak_…`.
    ApiKey,
}

/// The members of a JWT's header that tell its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct JwtHeader {
    /// The signature algorithm.
    pub alg: String,
    /// The key's id; Clerk uses the id of the instance, `ins_…`.
    pub kid: Option<String>,
    /// The media type: `JWT` or absent; `at+jwt` for OAuth.
    pub typ: Option<String>,
    /// Clerk's category of the token.
    pub cat: Option<String>,
}

/// Values of the `cat` header, as `@clerk/backend` 3.25 has them in `jwtCategories`.
const CATEGORY_SESSION: &str = "cl_B7d4PD111AAA";
const CATEGORY_TEMPLATE: &str = "cl_B7d4PD222AAA";
const CATEGORY_M2M: &str = "cl_B7d4PD333AAA";
/// Carried by instances that ask to have the category ignored.
const CATEGORY_IGNORED: &str = "cl_I7d4PD111III";

impl TokenKind {
    /// The kind of a token that is no JWT, by its prefix.
    pub fn of_opaque(token: &str) -> Option<Self> {
        [("oat_", Self::OAuth), ("mt_", Self::M2M), ("ak_", Self::ApiKey)]
            .into_iter()
            .find_map(|(prefix, kind)| token.starts_with(prefix).then_some(kind))
    }

    /// The kind of a JWT, by its header and its subject; `None` for a category that is not known here,
    /// which no check should accept.
    pub fn of_jwt(header: &JwtHeader, subject: &str) -> Option<Self> {
        if subject.starts_with("mch_") {
            return Some(Self::M2M);
        }
        if matches!(header.typ.as_deref(), Some("at+jwt" | "application/at+jwt")) {
            return Some(Self::OAuth);
        }
        match header.cat.as_deref() {
            // Tokens from before the category was introduced carry none.
            None | Some(CATEGORY_SESSION | CATEGORY_IGNORED) => Some(Self::Session),
            Some(CATEGORY_TEMPLATE) => Some(Self::Template),
            Some(CATEGORY_M2M) => Some(Self::M2M),
            Some(_) => None,
        }
    }

    /// Whether this `cat` is the one of instances that ask to have the category ignored: it says nothing.
    pub fn is_ignored_category(category: &str) -> bool {
        category == CATEGORY_IGNORED
    }

    /// The `cat` header that Clerk gives tokens of this kind, if it gives one.
    pub fn category(self) -> Option<&'static str> {
        match self {
            Self::Session => Some(CATEGORY_SESSION),
            Self::Template => Some(CATEGORY_TEMPLATE),
            Self::M2M => Some(CATEGORY_M2M),
            Self::OAuth | Self::ApiKey => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(typ: Option<&str>, cat: Option<&str>) -> JwtHeader {
        JwtHeader { alg: "RS256".into(), kid: None, typ: typ.map(Into::into), cat: cat.map(Into::into) }
    }

    #[test]
    fn tells_jwts_apart() {
        let kind = |typ, cat, sub| TokenKind::of_jwt(&header(typ, cat), sub);
        assert_eq!(kind(Some("JWT"), Some(CATEGORY_SESSION), "user_1"), Some(TokenKind::Session));
        assert_eq!(kind(None, None, "user_1"), Some(TokenKind::Session));
        assert_eq!(kind(Some("JWT"), Some(CATEGORY_IGNORED), "user_1"), Some(TokenKind::Session));
        assert_eq!(kind(Some("JWT"), Some(CATEGORY_TEMPLATE), "user_1"), Some(TokenKind::Template));
        assert_eq!(kind(Some("at+jwt"), None, "user_1"), Some(TokenKind::OAuth));
        assert_eq!(kind(Some("JWT"), Some("cl_new"), "user_1"), None);
        assert_eq!(kind(Some("JWT"), Some(""), "user_1"), None);
    }

    #[test]
    fn a_machine_stays_a_machine_whatever_its_header_says() {
        for (typ, cat) in [(None, None), (Some("at+jwt"), None), (Some("JWT"), Some(CATEGORY_SESSION))] {
            assert_eq!(TokenKind::of_jwt(&header(typ, cat), "mch_1"), Some(TokenKind::M2M));
        }
    }

    #[test]
    fn tells_opaque_tokens_apart() {
        assert_eq!(TokenKind::of_opaque("oat_x"), Some(TokenKind::OAuth));
        assert_eq!(TokenKind::of_opaque("mt_x"), Some(TokenKind::M2M));
        assert_eq!(TokenKind::of_opaque("ak_x"), Some(TokenKind::ApiKey));
        assert_eq!(TokenKind::of_opaque("AK_x"), None);
        assert_eq!(TokenKind::of_opaque("eyJ.e30.x"), None);
    }
}
