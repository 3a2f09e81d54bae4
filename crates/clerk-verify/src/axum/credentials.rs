use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};

use super::cookies::SameOriginCookies;
use super::error::AuthError;

/// What a request presents. No `Debug`: it is a secret.
pub(super) enum Credentials {
    /// `Authorization: Bearer`.
    Bearer(String),
    /// A session cookie, and since when the browser's client is as it is (`__client_uat`), if it says.
    Cookie { token: String, client_updated_at: Option<i64> },
}

impl Credentials {
    /// The bearer decides if there is one, good or bad; only without one is a cookie looked for.
    pub(super) fn read(
        method: &Method,
        headers: &HeaderMap,
        cookies: Option<&SameOriginCookies>,
    ) -> Result<Self, AuthError> {
        match bearer_token(headers) {
            Ok(token) => Ok(Self::Bearer(token.to_owned())),
            Err(AuthError::NoCredentials) => cookies.ok_or(AuthError::NoCredentials)?.read(method, headers),
            Err(error) => Err(error),
        }
    }
}

/// The token of a request, from its `Authorization` header alone (RFC 6750 §2.1).
fn bearer_token(headers: &HeaderMap) -> Result<&str, AuthError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Err(AuthError::NoCredentials) };
    if values.next().is_some() {
        return Err(AuthError::MalformedCredentials);
    }
    let value = value.to_str().map_err(|_| AuthError::MalformedCredentials)?.trim_matches([' ', '\t']);
    let (scheme, token) = value.split_once([' ', '\t']).unwrap_or((value, ""));
    // Case-insensitive: RFC 9110 §11.1.
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(AuthError::NoCredentials);
    }
    let token = token.trim_start_matches(' ');
    if is_token68(token) { Ok(token) } else { Err(AuthError::MalformedCredentials) }
}

/// The characters of a Bearer token, RFC 6750 §2.1.
fn is_token68(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(values: &[&[u8]]) -> Result<String, AuthError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        bearer_token(&headers).map(Into::into)
    }

    #[test]
    fn reads_a_bearer_token_however_its_scheme_is_written() {
        for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER a.b.c", "Bearer   a.b.c", " Bearer a.b.c "] {
            assert_eq!(read(&[value.as_bytes()]).unwrap(), "a.b.c", "{value}");
        }
        assert_eq!(read(&[b"Bearer ak_x/5+7=="]).unwrap(), "ak_x/5+7==");
    }

    #[test]
    fn other_schemes_are_no_credentials() {
        for value in [&b""[..], b" ", b"Basic dTpw", b"DPoP a.b.c", b"a.b.c", b"Bearera.b.c"] {
            assert!(matches!(read(&[value]), Err(AuthError::NoCredentials)), "{value:?}");
        }
        assert!(matches!(read(&[]), Err(AuthError::NoCredentials)));
    }

    #[test]
    fn malformed_credentials_are_refused() {
        let cases: [&[&[u8]]; 9] = [
            &[b"Bearer a.b.c", b"Bearer a.b.c"],
            &[b"Basic dTpw", b"Bearer a.b.c"],
            &[b"Bearer a.b.c, Bearer a.b.c"],
            &[b"Bearer a.b.c extra"],
            &[b"Bearer"],
            &[b"Bearer "],
            &[b"Bearer\ta.b.c,"],
            &[b"Bearer \xffa.b.c"],
            &[b"Bearer =="],
        ];
        for values in cases {
            assert!(matches!(read(values), Err(AuthError::MalformedCredentials)), "{values:?}");
        }
    }
}
