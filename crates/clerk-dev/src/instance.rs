use std::time::Duration;

use aws_lc_rs::error::Unspecified;
use clerk_core::PublishableKey;

use crate::client::{Client, Session};
use crate::clock::{self, Millis};
use crate::identity::Identity;
use crate::origin::AppOrigin;
use crate::packages::Packages;
use crate::people::{self, Person};
use crate::settings::Settings;
use crate::setup_error::SetupError;
use crate::store::{ClientKey, Store};
use crate::tokens::Tokens;
use crate::{ids, wire};

/// All that the routes share.
pub(crate) struct Instance {
    pub(crate) origin: AppOrigin,
    pub(crate) publishable_key: PublishableKey,
    pub(crate) people: Vec<Person>,
    pub(crate) tokens: Tokens,
    pub(crate) store: Store,
    pub(crate) packages: Packages,
}

impl Instance {
    pub(crate) fn open(settings: Settings) -> Result<Self, SetupError> {
        let origin: AppOrigin = settings.app_origin.parse()?;
        if settings.token_life < Duration::from_secs(1) {
            return Err(SetupError::TokenLife);
        }
        let packages = Packages::open(&settings.clerk_js, &settings.clerk_ui)?;
        let Identity { publishable_key, signing_key } = Identity::open(&settings.data_dir)?;
        let people = people::everyone();
        let store = Store::open(&settings.data_dir, &people)?;
        let tokens = Tokens::new(signing_key, &origin, settings.token_life);
        Ok(Self { origin, publishable_key, people, tokens, store, packages })
    }

    /// What is known of a browser, or what would be known of a new one.
    ///
    /// Never nothing: clerk-js takes "no client" for "no news" and stays signed in.
    pub(crate) fn client(&self, key: Option<&ClientKey>) -> Result<Client, Unspecified> {
        match key.and_then(|key| self.store.get(key)) {
            Some(client) => Ok(client),
            None => Ok(Client::new(ids::random("client")?, clock::now())),
        }
    }

    /// The person with that id. The store holds no session or sign-in of anybody else.
    pub(crate) fn person(&self, user_id: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.id() == user_id)
    }

    pub(crate) fn client_json(&self, client: &Client) -> Result<wire::Client, Unspecified> {
        let now = clock::now();
        let sessions = client.sessions.iter().filter_map(|session| self.live_json(session, now).transpose());
        let sign_in = client
            .sign_in
            .as_ref()
            .and_then(|sign_in| Some(wire::SignIn::new(sign_in, self.person(&sign_in.user_id)?)));
        Ok(wire::Client::new(client, sessions.collect::<Result<_, _>>()?, sign_in))
    }

    /// A session that is over: it carries no token.
    pub(crate) fn ended_json(&self, session: &Session) -> Option<wire::Session> {
        Some(wire::Session::new(session, self.person(&session.user_id)?, None, clock::now()))
    }

    fn live_json(&self, session: &Session, now: Millis) -> Result<Option<wire::Session>, Unspecified> {
        let Some(person) = self.person(&session.user_id) else { return Ok(None) };
        let token = wire::Token::new(self.tokens.issue(session, now)?);
        Ok(Some(wire::Session::new(session, person, Some(token), now)))
    }
}
