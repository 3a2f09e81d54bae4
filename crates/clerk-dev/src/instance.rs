use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_lc_rs::error::Unspecified;
use clerk_core::PublishableKey;

use crate::client::{Client, Session};
use crate::clock::{Clock, Millis};
use crate::faults::Faults;
use crate::grants::Grants;
use crate::identity::Identity;
use crate::organizations::{self, Membership};
use crate::origin::AppOrigin;
use crate::packages::Packages;
use crate::people::{self, Person};
use crate::secret_key::SecretKeys;
use crate::settings::Settings;
use crate::setup_error::SetupError;
use crate::store::{ClientKey, Store};
use crate::templates::Templates;
use crate::tokens::Tokens;
use crate::{ids, wire};

/// All that the routes share.
pub(crate) struct Instance {
    pub(crate) origin: AppOrigin,
    pub(crate) publishable_key: PublishableKey,
    pub(crate) secret_keys: SecretKeys,
    pub(crate) data_dir: PathBuf,
    pub(crate) people: Vec<Person>,
    pub(crate) tokens: Tokens,
    pub(crate) store: Store,
    pub(crate) grants: Grants,
    pub(crate) packages: Packages,
    pub(crate) templates: Templates,
    pub(crate) clock: Arc<Clock>,
    pub(crate) faults: Faults,
    several_sessions: AtomicBool,
    /// As it was opened, to which a reset goes back.
    token_life_at_start: i64,
    several_sessions_at_start: bool,
}

impl Instance {
    pub(crate) fn open(settings: Settings) -> Result<Self, SetupError> {
        let origin: AppOrigin = settings.app_origin.parse()?;
        if settings.token_life < Duration::from_secs(1) {
            return Err(SetupError::TokenLife);
        }
        let packages = Packages::open(&settings.clerk_js, &settings.clerk_ui)?;
        let identity = Identity::open(&settings.data_dir)?;
        let secret_keys = identity.secret_keys()?;
        let Identity { publishable_key, signing_key } = identity;
        let people = people::everyone();
        let clock = Arc::new(Clock::default());
        let store = Store::open(&settings.data_dir, &people, Arc::clone(&clock))?;
        let grants = Grants::open(&settings.data_dir)?;
        let tokens = Tokens::new(signing_key, &origin, settings.token_life);
        Ok(Self {
            token_life_at_start: tokens.life(),
            several_sessions_at_start: settings.several_sessions,
            origin,
            publishable_key,
            secret_keys,
            data_dir: settings.data_dir,
            people,
            tokens,
            store,
            grants,
            packages,
            templates: Templates::default(),
            clock,
            faults: Faults::default(),
            several_sessions: AtomicBool::new(settings.several_sessions),
        })
    }

    /// Whether several people may be signed in in one browser.
    pub(crate) fn several_sessions(&self) -> bool {
        self.several_sessions.load(Ordering::Relaxed)
    }

    pub(crate) fn set_several_sessions(&self, several: bool) {
        self.several_sessions.store(several, Ordering::Relaxed);
    }

    /// Goes back to what it was when it was opened, but for its keys; everybody is signed out.
    pub(crate) fn reset(&self) {
        self.faults.clear();
        self.templates.reset();
        self.tokens.set_life(self.token_life_at_start);
        self.set_several_sessions(self.several_sessions_at_start);
        self.store.revoke(|_| true);
        self.grants.clear();
        // Last: what ended, ended by the clock that was.
        self.clock.set_ahead(0);
    }

    /// What is known of a browser, or what would be known of a new one.
    ///
    /// Never nothing: clerk-js takes "no client" for "no news" and stays signed in.
    pub(crate) fn client(&self, key: Option<&ClientKey>) -> Result<Client, Unspecified> {
        match key.and_then(|key| self.store.get(key)) {
            Some(client) => Ok(client),
            None => Ok(Client::new(ids::random("client")?, self.clock.now())),
        }
    }

    /// The person with that id. The store holds no session or sign-in of anybody else.
    pub(crate) fn person(&self, user_id: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.id() == user_id)
    }

    pub(crate) fn client_json(&self, client: &Client) -> Result<wire::Client, Unspecified> {
        let now = self.clock.now();
        let sessions = client.sessions.iter().filter_map(|session| self.live_json(session, now).transpose());
        let sign_in = client
            .sign_in
            .as_ref()
            .and_then(|sign_in| Some(wire::SignIn::new(sign_in, self.person(&sign_in.user_id)?)));
        Ok(wire::Client::new(client, sessions.collect::<Result<_, _>>()?, sign_in))
    }

    /// A session that is over: it carries no token.
    pub(crate) fn ended_json(&self, session: &Session) -> Option<wire::Session> {
        Some(wire::Session::new(session, self.person(&session.user_id)?, None, self.clock.now()))
    }

    fn live_json(&self, session: &Session, now: Millis) -> Result<Option<wire::Session>, Unspecified> {
        let Some(person) = self.person(&session.user_id) else { return Ok(None) };
        let membership = session.organization_id.as_deref().and_then(|id| membership(session, id));
        let token = wire::Token::new(self.tokens.of_session(session, person, membership, now)?);
        Ok(Some(wire::Session::new(session, person, Some(token), now)))
    }
}

/// A session's place in an organization.
pub(crate) fn membership(session: &Session, organization_id: &str) -> Option<Membership> {
    organizations::membership(&session.user_id, organization_id)
}
