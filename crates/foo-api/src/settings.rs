use std::env::VarError;
use std::fmt;
use std::path::PathBuf;

use clerk_verify::{PublishableKey, SecretKey};
use url::Url;

const NAMES: [&str; 10] = [
    "FOO_API_PORT",
    "FOO_API_APP_ORIGINS",
    "FOO_API_DATABASE",
    "FOO_API_OAUTH_AUDIENCE",
    "FOO_API_M2M_AUDIENCE",
    "CLERK_PUBLISHABLE_KEY",
    "CLERK_ISSUER",
    "CLERK_JWKS_URL",
    "CLERK_SECRET_KEY",
    "CLERK_API_URL",
];

const DEFAULT_PORT: u16 = 8081;
const DEFAULT_DATABASE: &str = "foo-api.sqlite3";
const DEFAULT_API_URL: &str = "https://api.clerk.com";
const DEFAULT_APP_ORIGIN: &str = "http://localhost:8080";

/// What the API has to know, from the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `FOO_API_PORT`: the port on 127.0.0.1; 8081 unless set.
    pub port: u16,
    /// `FOO_API_APP_ORIGINS`: the origins of the pages that use the API, between commas;
    /// `http://localhost:8080` unless set. CORS admits them, and tokens must be made for one of them.
    pub app_origins: Vec<String>,
    /// `CLERK_PUBLISHABLE_KEY`: the Clerk instance, and the suffix of its cookies.
    pub publishable_key: Option<PublishableKey>,
    /// `CLERK_ISSUER`, or the issuer of the instance that `CLERK_PUBLISHABLE_KEY` names.
    pub issuer: String,
    /// `CLERK_JWKS_URL`: where the issuer's keys are; `/.well-known/jwks.json` below it unless set.
    pub jwks_url: String,
    /// `CLERK_SECRET_KEY`: without it, tokens that are not JWTs (`oat_`, `mt_`, `ak_`) are refused, since only
    /// Clerk's Backend API can tell what they are.
    pub secret_key: Option<SecretKey>,
    /// `CLERK_API_URL`: where the Backend API is; `https://api.clerk.com` unless set.
    pub api_url: String,
    /// `FOO_API_OAUTH_AUDIENCE`: what OAuth tokens for this API carry as `aud`, between commas. Unless set, a token
    /// that names an audience was made for another API.
    pub oauth_audience: Vec<String>,
    /// `FOO_API_M2M_AUDIENCE`: the same of M2M tokens: this API's own machine, `mch_…`.
    pub m2m_audience: Vec<String>,
    /// `FOO_API_DATABASE`: the SQLite file; `foo-api.sqlite3` in the current folder unless set.
    pub database: PathBuf,
}

/// A setting that is missing or wrong. Its value is not repeated where it might be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingsError {
    /// The value of this one is no text.
    NotText(&'static str),
    /// `FOO_API_PORT` is no port.
    Port,
    /// `FOO_API_APP_ORIGINS` names no origin at all.
    NoOrigin,
    /// An entry of `FOO_API_APP_ORIGINS` is no origin; with the one that may be meant.
    Origin {
        /// The entry.
        entry: String,
        /// Its origin, if it is a URL that has one.
        meant: Option<String>,
    },
    /// Neither `CLERK_PUBLISHABLE_KEY` nor `CLERK_ISSUER` is set.
    NoInstance,
    /// `CLERK_PUBLISHABLE_KEY` is no publishable key.
    PublishableKey(clerk_verify::PublishableKeyError),
    /// `CLERK_SECRET_KEY` is no secret key.
    SecretKey,
}

impl Settings {
    /// Reads the process's environment.
    ///
    /// # Errors
    ///
    /// The first setting that is wrong.
    pub fn from_env() -> Result<Self, SettingsError> {
        for name in NAMES {
            if matches!(std::env::var(name), Err(VarError::NotUnicode(_))) {
                return Err(SettingsError::NotText(name));
            }
        }
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads settings by their names; an empty value is none.
    ///
    /// # Errors
    ///
    /// The first setting that is wrong.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let get = |name| lookup(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let port = match get("FOO_API_PORT") {
            Some(port) => port.parse().map_err(|_| SettingsError::Port)?,
            None => DEFAULT_PORT,
        };
        let origins = get("FOO_API_APP_ORIGINS").unwrap_or_else(|| DEFAULT_APP_ORIGIN.into());
        let app_origins = entries(&origins).map(origin).collect::<Result<Vec<_>, _>>()?;
        if app_origins.is_empty() {
            return Err(SettingsError::NoOrigin);
        }
        let publishable_key =
            get("CLERK_PUBLISHABLE_KEY").map(|key| key.parse::<PublishableKey>()).transpose();
        let publishable_key = publishable_key.map_err(SettingsError::PublishableKey)?;
        let issuer = get("CLERK_ISSUER").or_else(|| publishable_key.as_ref().map(PublishableKey::issuer));
        let issuer = issuer.ok_or(SettingsError::NoInstance)?;
        let jwks_url = get("CLERK_JWKS_URL")
            .unwrap_or_else(|| format!("{}/.well-known/jwks.json", issuer.trim_end_matches('/')));
        let secret_key = get("CLERK_SECRET_KEY").map(|key| key.parse()).transpose();
        let secret_key = secret_key.map_err(|_| SettingsError::SecretKey)?;
        let api_url = get("CLERK_API_URL").unwrap_or_else(|| DEFAULT_API_URL.into());
        let audience = |name| entries(&get(name).unwrap_or_default()).map(str::to_owned).collect();
        let (oauth_audience, m2m_audience) =
            (audience("FOO_API_OAUTH_AUDIENCE"), audience("FOO_API_M2M_AUDIENCE"));
        let database = get("FOO_API_DATABASE").unwrap_or_else(|| DEFAULT_DATABASE.into()).into();
        Ok(Self {
            port,
            app_origins,
            publishable_key,
            issuer,
            jwks_url,
            secret_key,
            api_url,
            oauth_audience,
            m2m_audience,
            database,
        })
    }
}

/// What stands between commas.
fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

/// `text` must be what a browser would send as `Origin`, to the letter: it is compared with that.
fn origin(text: &str) -> Result<String, SettingsError> {
    let meant = web_url(text).map(|url| url.origin().ascii_serialization());
    if meant.as_deref() == Some(text) {
        return Ok(text.to_owned());
    }
    Err(SettingsError::Origin { entry: text.to_owned(), meant })
}

fn web_url(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotText(name) => write!(f, "{name} is not UTF-8 text; set it anew"),
            Self::Port => f.write_str("FOO_API_PORT must be a port, a number from 0 to 65535"),
            Self::NoOrigin => f.write_str(
                "FOO_API_APP_ORIGINS names no origin; give the app's, such as http://localhost:8080",
            ),
            Self::Origin { entry, meant: Some(meant) } => {
                write!(f, "FOO_API_APP_ORIGINS: {entry:?} is no origin; write {meant}")
            }
            Self::Origin { entry, meant: None } => write!(
                f,
                "FOO_API_APP_ORIGINS: {entry:?} is no origin; write scheme, host and port, such as \
                 http://localhost:8080"
            ),
            Self::NoInstance => f.write_str(
                "CLERK_PUBLISHABLE_KEY is not set; give the publishable key of your Clerk instance \
                 (pk_test_… or pk_live_…), or start everything with `cargo xtask dev`",
            ),
            Self::PublishableKey(error) => write!(f, "CLERK_PUBLISHABLE_KEY: {error}"),
            Self::SecretKey => f.write_str(
                "CLERK_SECRET_KEY is no secret key (sk_test_… or sk_live_…); take it from Clerk's dashboard, or \
                 leave it out",
            ),
        }
    }
}

impl std::error::Error for SettingsError {}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: (&str, &str) = ("CLERK_PUBLISHABLE_KEY", "pk_live_Y2xlcmsuY2xlcmsuZGV2JA");

    fn read(settings: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::read(|name| {
            settings.iter().find_map(|(other, value)| (*other == name).then(|| (*value).to_owned()))
        })
    }

    #[test]
    fn a_publishable_key_is_enough() {
        let wanted = Settings {
            port: 8081,
            app_origins: vec!["http://localhost:8080".into()],
            publishable_key: KEY.1.parse().ok(),
            issuer: "https://clerk.clerk.dev".into(),
            jwks_url: "https://clerk.clerk.dev/.well-known/jwks.json".into(),
            secret_key: None,
            api_url: "https://api.clerk.com".into(),
            oauth_audience: Vec::new(),
            m2m_audience: Vec::new(),
            database: "foo-api.sqlite3".into(),
        };
        assert_eq!(read(&[KEY]), Ok(wanted.clone()));
        assert_eq!(read(&[KEY, ("FOO_API_PORT", " "), ("CLERK_ISSUER", "")]), Ok(wanted));
    }

    #[test]
    fn every_setting_is_read() {
        let settings = read(&[
            KEY,
            ("FOO_API_PORT", "9000"),
            ("FOO_API_APP_ORIGINS", "https://foo.com, https://www.foo.com:8443,"),
            ("CLERK_ISSUER", "http://localhost:8080/__clerk"),
            ("CLERK_JWKS_URL", "http://127.0.0.1:8082/jwks"),
            ("CLERK_SECRET_KEY", "sk_test_hidden"),
            ("CLERK_API_URL", "http://127.0.0.1:8082"),
            ("FOO_API_OAUTH_AUDIENCE", "https://api.foo.com, foo"),
            ("FOO_API_M2M_AUDIENCE", "mch_1"),
            ("FOO_API_DATABASE", "/var/lib/foo/posts.sqlite3"),
        ]);
        let wanted = Settings {
            port: 9000,
            app_origins: vec!["https://foo.com".into(), "https://www.foo.com:8443".into()],
            publishable_key: KEY.1.parse().ok(),
            issuer: "http://localhost:8080/__clerk".into(),
            jwks_url: "http://127.0.0.1:8082/jwks".into(),
            secret_key: Some("sk_test_hidden".parse().unwrap()),
            api_url: "http://127.0.0.1:8082".into(),
            oauth_audience: vec!["https://api.foo.com".into(), "foo".into()],
            m2m_audience: vec!["mch_1".into()],
            database: "/var/lib/foo/posts.sqlite3".into(),
        };
        assert!(!format!("{settings:?}").contains("hidden"));
        assert_eq!(settings, Ok(wanted));
        let settings = read(&[("CLERK_ISSUER", "http://localhost:8080/__clerk")]).unwrap();
        assert_eq!(settings.jwks_url, "http://localhost:8080/__clerk/.well-known/jwks.json");
        assert_eq!(settings.publishable_key, None);
    }

    #[test]
    fn an_error_names_the_setting_and_says_what_to_write() {
        let cases = [
            (vec![], "CLERK_PUBLISHABLE_KEY is not set"),
            (
                vec![("CLERK_PUBLISHABLE_KEY", "sk_test_hidden")],
                "CLERK_PUBLISHABLE_KEY: this is a secret key",
            ),
            (
                vec![("CLERK_PUBLISHABLE_KEY", "pk_test_"), ("CLERK_ISSUER", "https://clerk.foo.com")],
                "CLERK_PUBLISHABLE_KEY: the publishable key is damaged",
            ),
            (vec![KEY, ("CLERK_SECRET_KEY", "pk_test_hidden")], "CLERK_SECRET_KEY is no secret key"),
            (vec![KEY, ("FOO_API_PORT", "99999")], "FOO_API_PORT must be a port"),
            (vec![KEY, ("FOO_API_APP_ORIGINS", ",")], "names no origin"),
            (vec![KEY, ("FOO_API_APP_ORIGINS", "https://foo.com/")], "write https://foo.com"),
            (vec![KEY, ("FOO_API_APP_ORIGINS", "https://FOO.com:443")], "write https://foo.com"),
            (vec![KEY, ("FOO_API_APP_ORIGINS", "*")], "\"*\" is no origin"),
            (vec![KEY, ("FOO_API_APP_ORIGINS", "null")], "\"null\" is no origin"),
            (vec![KEY, ("FOO_API_APP_ORIGINS", "file:///x")], "is no origin"),
        ];
        for (settings, wanted) in cases {
            let error = read(&settings).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
            assert!(!error.contains("hidden"), "{error}");
        }
    }
}
