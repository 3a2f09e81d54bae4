use clerk_core::TokenKind;

/// Which kinds of token are accepted: `acceptsToken` of Clerk's SDKs.
///
/// Wherever one is asked for, a [`TokenKind`] or an array of them will do.
///
/// ```
/// use clerk_verify::{AcceptsToken, TokenKind};
///
/// let one: AcceptsToken = TokenKind::OAuth.into();
/// let several: AcceptsToken = [TokenKind::Session, TokenKind::OAuth].into();
/// assert!(several.contains(TokenKind::OAuth) && !several.contains(TokenKind::ApiKey));
/// assert!(AcceptsToken::ANY.contains(TokenKind::ApiKey) && !one.contains(TokenKind::Session));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptsToken {
    session: bool,
    oauth: bool,
    m2m: bool,
    api_key: bool,
}

impl AcceptsToken {
    /// Sessions, OAuth access tokens, M2M tokens and API keys.
    pub const ANY: Self = Self { session: true, oauth: true, m2m: true, api_key: true };

    /// Sessions alone, which is what is accepted wherever nothing is said.
    pub const SESSION: Self = Self { session: true, ..Self::NONE };

    const NONE: Self = Self { session: false, oauth: false, m2m: false, api_key: false };

    /// Whether tokens of this kind are accepted. Tokens from a JWT template never are: they prove no session.
    pub fn contains(self, kind: TokenKind) -> bool {
        match kind {
            TokenKind::Session => self.session,
            TokenKind::OAuth => self.oauth,
            TokenKind::M2M => self.m2m,
            TokenKind::ApiKey => self.api_key,
            _ => false,
        }
    }

    /// The kinds that this and `other` accept.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self {
            session: self.session && other.session,
            oauth: self.oauth && other.oauth,
            m2m: self.m2m && other.m2m,
            api_key: self.api_key && other.api_key,
        }
    }
}

impl Default for AcceptsToken {
    fn default() -> Self {
        Self::SESSION
    }
}

impl From<TokenKind> for AcceptsToken {
    fn from(kind: TokenKind) -> Self {
        [kind].into()
    }
}

impl<const N: usize> From<[TokenKind; N]> for AcceptsToken {
    fn from(kinds: [TokenKind; N]) -> Self {
        kinds.into_iter().collect()
    }
}

impl FromIterator<TokenKind> for AcceptsToken {
    fn from_iter<I: IntoIterator<Item = TokenKind>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self::NONE, |accepts, kind| match kind {
            TokenKind::Session => Self { session: true, ..accepts },
            TokenKind::OAuth => Self { oauth: true, ..accepts },
            TokenKind::M2M => Self { m2m: true, ..accepts },
            TokenKind::ApiKey => Self { api_key: true, ..accepts },
            _ => accepts,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [TokenKind; 4] = [TokenKind::Session, TokenKind::OAuth, TokenKind::M2M, TokenKind::ApiKey];

    #[test]
    fn a_set_holds_what_was_put_into_it() {
        for kind in KINDS {
            let one = AcceptsToken::from(kind);
            assert!(KINDS.iter().all(|other| one.contains(*other) == (*other == kind)), "{kind:?}");
            assert_eq!(one.intersection(AcceptsToken::ANY), one);
        }
        assert_eq!(AcceptsToken::from(KINDS), AcceptsToken::ANY);
        assert_eq!(AcceptsToken::default(), TokenKind::Session.into());
    }

    #[test]
    fn a_template_is_never_accepted() {
        assert!(!AcceptsToken::ANY.contains(TokenKind::Template));
        assert!(!AcceptsToken::from(TokenKind::Template).contains(TokenKind::Template));
    }
}
