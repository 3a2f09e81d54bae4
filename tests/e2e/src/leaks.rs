//! The search for secrets in places where they must not be.

use std::collections::BTreeSet;
use std::fmt;

use percent_encoding::percent_decode_str;

use crate::net_log::Network;
use crate::storage::{Cookie, PageStorage};

/// Where a secret was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Url,
    Referrer,
    /// A header other than the ones the secret belongs in, by name.
    RequestHeader(String),
    Console,
    LocalStorage,
    SessionStorage,
    IndexedDb,
    CacheStorage,
    /// The page's text, `history.state` or `window.name`.
    Page,
    /// A cookie that is not Clerk's, by name.
    Cookie(String),
    /// What a server printed, by the server's name.
    Output(String),
}

/// Which secret was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Secret {
    Token,
    Payload,
    Signature,
    Password,
}

/// One secret in one place.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leak {
    pub place: Place,
    pub secret: Secret,
    /// What stood before it: enough to find the spot, without the secret.
    pub before: String,
}

impl fmt::Debug for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {:?}, after {:?}", self.secret, self.place, self.before)
    }
}

/// What is searched for.
#[derive(Clone, Default)]
pub struct Secrets {
    needles: BTreeSet<(String, Secret)>,
}

impl Secrets {
    /// A whole token, its payload part and its signature part.
    pub fn token(&mut self, token: &str) {
        self.needles.insert((token.to_owned(), Secret::Token));
        let mut parts = token.split('.').skip(1);
        for kind in [Secret::Payload, Secret::Signature] {
            let part = parts.next().unwrap_or_default();
            assert!(
                part.len() > 20,
                "not a token, so searching for its parts would find nothing or everything"
            );
            self.needles.insert((part.to_owned(), kind));
        }
    }

    /// A password. Typed into a form, it may be on the page; it may be nowhere else.
    pub fn password(&mut self, password: &str) {
        assert!(password.len() > 7, "too short to search for");
        self.needles.insert((password.to_owned(), Secret::Password));
    }

    /// How many tokens are searched for.
    pub fn tokens(&self) -> usize {
        self.needles.iter().filter(|(_, secret)| *secret == Secret::Token).count()
    }
}

/// Where it is searched for.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    pub network: Network,
    pub console: Vec<String>,
    pub storage: Vec<PageStorage>,
    pub cookies: Vec<Cookie>,
    /// Name and everything it printed.
    pub outputs: Vec<(String, String)>,
    /// The only origins to which `Authorization` and `Cookie` may carry a token.
    pub api_origin: String,
    pub app_origin: String,
}

/// Every secret in every place where it does not belong.
pub fn search(secrets: &Secrets, evidence: &Evidence) -> BTreeSet<Leak> {
    let mut leaks = BTreeSet::new();
    let mut look = |place: Place, text: &str| {
        let decoded = percent_decode_str(text).decode_utf8_lossy();
        for (needle, secret) in &secrets.needles {
            let hay = if text.contains(needle.as_str()) { text } else { &*decoded };
            if let Some(at) = hay.find(needle.as_str()) {
                let before: String = hay[..at].chars().rev().take(60).collect();
                let before = before.chars().rev().collect();
                leaks.insert(Leak { place: place.clone(), secret: *secret, before });
            }
        }
    };
    for fetch in &evidence.network.fetches {
        look(Place::Url, &fetch.url);
    }
    for exchange in &evidence.network.exchanges {
        look(Place::Url, &exchange.url);
        let origin = exchange.origin();
        for (name, value) in &exchange.request_headers {
            match name.as_str() {
                "referer" => look(Place::Referrer, value),
                "authorization" if origin == evidence.api_origin => {}
                "cookie" if origin == evidence.app_origin => {}
                name => look(Place::RequestHeader(name.to_owned()), value),
            }
        }
    }
    for line in &evidence.console {
        look(Place::Console, line);
    }
    for storage in &evidence.storage {
        let places = [
            (Place::LocalStorage, &storage.local),
            (Place::SessionStorage, &storage.session),
            (Place::IndexedDb, &storage.indexed_db),
            (Place::CacheStorage, &storage.caches),
            (Place::Page, &storage.page),
        ];
        for (place, entries) in places {
            for entry in entries {
                look(place.clone(), entry);
            }
        }
    }
    for cookie in evidence.cookies.iter().filter(|cookie| !is_clerks(&cookie.name)) {
        look(Place::Cookie(cookie.name.clone()), &format!("{}={}", cookie.name, cookie.value));
    }
    for (name, output) in &evidence.outputs {
        look(Place::Output(name.clone()), output);
    }
    leaks
}

fn is_clerks(cookie: &str) -> bool {
    ["__session", "__client", "__clerk"].iter().any(|prefix| cookie.starts_with(prefix))
        || cookie == "clerk_active_context"
}

/// Everything in a text that looks like a signed JWT.
pub fn tokens_in(text: &str) -> Vec<String> {
    let is_token = |word: &&str| {
        let parts: Vec<_> = word.split('.').collect();
        word.starts_with("eyJ") && parts.len() == 3 && parts.iter().all(|part| part.len() > 20)
    };
    let is_boundary = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    text.split(is_boundary).filter(is_token).map(str::to_owned).collect()
}
