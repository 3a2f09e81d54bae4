use std::fmt;

use clerk_core::{PublishableKey, TokenKind};

#[cfg(feature = "jwks")]
use crate::auth::Auth;
#[cfg(feature = "jwks")]
use crate::check::check_audience;
#[cfg(feature = "jwks")]
use crate::rejection::Rejection;
use crate::token::JwtKind;

/// As `@clerk/backend` 3.25 has it.
const DEFAULT_SKEW_MILLIS: i64 = 5_000;

/// What a token has to say to be accepted.
///
/// Everything is checked unless a method named `any_…` opts out of it. The issuer and the audience are asked
/// of every kind of token, the authorized party of sessions alone: only a page has an origin.
///
/// ```
/// use clerk_verify::Policy;
///
/// let key = "pk_live_Y2xlcmsuY2xlcmsuZGV2JA".parse()?;
/// let policy = Policy::for_instance(&key).authorized_parties(["https://foo.com"])?;
/// # let _ = policy;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub(crate) issuers: Option<Vec<String>>,
    pub(crate) parties: Option<Vec<String>>,
    audiences: Audiences,
    pub(crate) skew_millis: i64,
    pub(crate) admit_pending: bool,
}

/// A policy whose authorized parties are still to be named.
#[derive(Clone, Debug)]
#[must_use = "name the authorized parties to get a policy"]
pub struct PolicyDraft {
    issuers: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Audiences {
    session: Audience,
    oauth: Audience,
    m2m: Audience,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// A token that names an audience names somebody else.
    Unnamed,
    OneOf(Vec<String>),
    Any,
}

/// Why there is no policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyError {
    /// The list of authorized parties names nobody.
    NoAuthorizedParty,
    /// The list of audiences names none.
    NoAudience,
    /// API keys and tokens of JWT templates have no audience to check.
    KindWithoutAudience,
    /// The issuer is no URL of the form `https://host`, or `http://` for this machine alone.
    Issuer,
}

impl Policy {
    /// For the tokens of the instance that `key` names.
    pub fn for_instance(key: &PublishableKey) -> PolicyDraft {
        PolicyDraft { issuers: Some(vec![key.issuer()]) }
    }

    /// For the tokens of `issuer`: what they carry as `iss`, to the letter, such as
    /// `https://clerk.foo.com`, without a slash at the end. Plain http is for loopback hosts only.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Issuer`].
    pub fn for_issuer(issuer: impl Into<String>) -> Result<PolicyDraft, PolicyError> {
        Self::for_issuers([issuer])
    }

    /// For the tokens of any of `issuers`, as after a move from one domain to another.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Issuer`], also if there is none.
    pub fn for_issuers<I>(issuers: I) -> Result<PolicyDraft, PolicyError>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let issuers: Vec<String> = issuers.into_iter().map(Into::into).collect();
        if issuers.is_empty() || !issuers.iter().all(|issuer| is_issuer(issuer)) {
            return Err(PolicyError::Issuer);
        }
        Ok(PolicyDraft { issuers: Some(issuers) })
    }

    /// Does not check who issued a token, which then depends on the keys alone.
    pub fn for_any_issuer() -> PolicyDraft {
        PolicyDraft { issuers: None }
    }

    /// Accepts tokens made for one of these audiences (`aud`), and no token that names none.
    ///
    /// Without this a token must not name an audience: Clerk's session tokens do not, unless the
    /// instance adds the claim. It is for every kind of token; [`audience_for`](Self::audience_for) is for one.
    ///
    /// # Errors
    ///
    /// [`PolicyError::NoAudience`] if the list is empty.
    pub fn audience<I>(mut self, audience: I) -> Result<Self, PolicyError>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let audience = Audience::one_of(audience)?;
        let [session, oauth, m2m] = [audience.clone(), audience.clone(), audience];
        self.audiences = Audiences { session, oauth, m2m };
        Ok(self)
    }

    /// Does not check whom a token was made for, whatever its kind.
    #[must_use]
    pub fn any_audience(mut self) -> Self {
        self.audiences = Audiences { session: Audience::Any, oauth: Audience::Any, m2m: Audience::Any };
        self
    }

    /// [`audience`](Self::audience) for tokens of one kind: an API whose session tokens name no audience
    /// may still ask its name of OAuth tokens (RFC 9068 §4), or its machine's id of M2M tokens.
    ///
    /// # Errors
    ///
    /// [`PolicyError::NoAudience`] if the list is empty, [`PolicyError::KindWithoutAudience`] for kinds
    /// that have none.
    pub fn audience_for<I>(mut self, kind: TokenKind, audience: I) -> Result<Self, PolicyError>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        *self.audiences.of(kind)? = Audience::one_of(audience)?;
        Ok(self)
    }

    /// Does not check whom a token of this kind was made for.
    ///
    /// # Errors
    ///
    /// [`PolicyError::KindWithoutAudience`] for kinds that have none.
    pub fn any_audience_for(mut self, kind: TokenKind) -> Result<Self, PolicyError> {
        *self.audiences.of(kind)? = Audience::Any;
        Ok(self)
    }

    /// Whether what Clerk says of an opaque token fits: an OAuth token may name whom it was made for.
    #[cfg(feature = "jwks")]
    pub(crate) fn admits_answer(&self, auth: &Auth) -> Result<(), Rejection> {
        match auth {
            Auth::OAuth(token) => check_audience(token.claims().get("aud"), &self.audiences.oauth),
            _ => Ok(()),
        }
    }

    pub(crate) fn audience_of(&self, kind: JwtKind) -> &Audience {
        match kind {
            JwtKind::Session => &self.audiences.session,
            JwtKind::OAuth => &self.audiences.oauth,
            JwtKind::M2M => &self.audiences.m2m,
        }
    }

    /// How far the clocks may differ, in milliseconds; 5,000 unless set. Negative, it refuses a token
    /// that long before its time is over.
    #[must_use]
    pub fn clock_skew_millis(mut self, millis: i64) -> Self {
        self.skew_millis = millis;
        self
    }

    /// Accepts sessions in which a task is still to be done (`sts: pending`). They count as signed out
    /// unless this is said.
    #[must_use]
    pub fn admit_pending_sessions(mut self) -> Self {
        self.admit_pending = true;
        self
    }
}

impl PolicyDraft {
    /// Accepts tokens made for pages of these origins (`azp`), to the letter, such as `https://foo.com`.
    /// A token that names none is refused.
    ///
    /// # Errors
    ///
    /// [`PolicyError::NoAuthorizedParty`] if the list is empty.
    pub fn authorized_parties<I>(self, parties: I) -> Result<Policy, PolicyError>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let parties = non_empty(parties);
        if parties.is_empty() {
            return Err(PolicyError::NoAuthorizedParty);
        }
        Ok(self.policy(Some(parties)))
    }

    /// Does not check which page a token was made for. Tokens of native apps name none.
    pub fn any_authorized_party(self) -> Policy {
        self.policy(None)
    }

    fn policy(self, parties: Option<Vec<String>>) -> Policy {
        Policy {
            issuers: self.issuers,
            parties,
            audiences: Audiences {
                session: Audience::Unnamed,
                oauth: Audience::Unnamed,
                m2m: Audience::Unnamed,
            },
            skew_millis: DEFAULT_SKEW_MILLIS,
            admit_pending: false,
        }
    }
}

impl Audiences {
    fn of(&mut self, kind: TokenKind) -> Result<&mut Audience, PolicyError> {
        match kind {
            TokenKind::Session => Ok(&mut self.session),
            TokenKind::OAuth => Ok(&mut self.oauth),
            TokenKind::M2M => Ok(&mut self.m2m),
            _ => Err(PolicyError::KindWithoutAudience),
        }
    }
}

impl Audience {
    fn one_of<I>(names: I) -> Result<Self, PolicyError>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let names = non_empty(names);
        if names.is_empty() { Err(PolicyError::NoAudience) } else { Ok(Self::OneOf(names)) }
    }
}

/// An empty name on a list must not match an empty claim.
fn non_empty<I>(names: I) -> Vec<String>
where
    I: IntoIterator,
    I::Item: Into<String>,
{
    names.into_iter().map(Into::into).filter(|name| !name.is_empty()).collect()
}

fn is_issuer(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#@\\".contains(&byte));
    let authority = |rest: &str| rest.split('/').next().unwrap_or_default().to_owned();
    let reachable = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => !authority(rest).is_empty(),
        (_, Some(rest)) => is_loopback(&authority(rest)),
        _ => false,
    };
    plain && reachable && !text.ends_with('/')
}

/// A host, perhaps with a port, that can only be this machine.
pub(crate) fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        _ => authority,
    };
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    ip.map_or(host == "localhost" || host.ends_with(".localhost"), |ip| ip.is_loopback())
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAuthorizedParty => {
                "no authorized party is named; give the origins of the pages that use this API, or opt out \
                 with any_authorized_party"
            }
            Self::NoAudience => {
                "no audience is named; give what tokens for this API carry as aud, or opt out with any_audience"
            }
            Self::KindWithoutAudience => "tokens of this kind carry no audience that could be checked",
            Self::Issuer => {
                "the issuer must be a URL such as https://clerk.foo.com, without a slash at the end; plain \
                 http is for this machine (localhost, 127.0.0.1) only"
            }
        })
    }
}

impl std::error::Error for PolicyError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_https_or_this_machine() {
        for good in [
            "https://clerk.foo.com",
            "https://clerk.foo.com/path",
            "http://localhost:8080/__clerk",
            "http://127.0.0.1:1",
            "http://[::1]:8080",
            "http://app.localhost",
        ] {
            assert!(Policy::for_issuer(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "clerk.foo.com",
            "https://",
            "https://clerk.foo.com/",
            "http://clerk.foo.com",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "http://localhost@evil.example",
            "http://192.168.0.1",
            "ftp://localhost",
            "https://a b",
        ] {
            assert_eq!(Policy::for_issuer(bad).err(), Some(PolicyError::Issuer), "{bad}");
        }
        assert_eq!(Policy::for_issuers([""; 0]).err(), Some(PolicyError::Issuer));
    }

    #[test]
    fn a_list_of_nobody_is_no_list() {
        for list in [&[][..], &[""], &["", ""]] {
            let error = Policy::for_any_issuer().authorized_parties(list.iter().copied());
            assert_eq!(error, Err(PolicyError::NoAuthorizedParty));
            let policy = || Policy::for_any_issuer().any_authorized_party();
            assert_eq!(policy().audience(list.iter().copied()), Err(PolicyError::NoAudience));
            let oauth = policy().audience_for(TokenKind::OAuth, list.iter().copied());
            assert_eq!(oauth, Err(PolicyError::NoAudience));
        }
    }
}
