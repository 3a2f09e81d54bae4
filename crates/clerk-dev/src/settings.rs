use std::path::PathBuf;
use std::time::Duration;

/// What a [`ClerkDev`](crate::ClerkDev) is opened with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The origin of the app's pages, such as `http://localhost:8080`: plain http on `localhost`,
    /// `127.0.0.1` or `[::1]`. Requests from pages of any other origin are refused.
    pub app_origin: String,
    /// The folder of the signing key, the publishable key and the sign-ins. Made (mode 0700) if missing;
    /// the files in it have mode 0600.
    pub data_dir: PathBuf,
    /// The unpacked npm package `@clerk/clerk-js`: the folder that holds its `package.json` and `dist`.
    /// An empty path serves none: then only tokens can be had, for the tests of an API.
    pub clerk_js: PathBuf,
    /// The unpacked npm package `@clerk/ui`, likewise.
    pub clerk_ui: PathBuf,
    /// How long a session token lives, in whole seconds, at least one. Clerk's live 60 s.
    pub token_life: Duration,
    /// Whether several people may be signed in in one browser at once. In a new Clerk instance they may
    /// not.
    pub several_sessions: bool,
}

impl Settings {
    /// The life of Clerk's own session tokens: 60 s.
    pub const TOKEN_LIFE: Duration = Duration::from_secs(60);
}
