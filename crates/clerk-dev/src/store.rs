use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use aws_lc_rs::error::Unspecified;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::client::{Client, Session, SessionStatus};
use crate::clock::{Clock, Millis};
use crate::people::Person;
use crate::setup_error::SetupError;
use crate::{ids, private_file};

const FILE: &str = "sign-ins.json";

/// How a browser is told from the others: the hash of what it has in its cookie, so that neither the
/// memory nor the file holds anything that signs somebody in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct ClientKey(String);

/// What is known of every browser. Who is signed in outlives the server, in a file.
#[derive(Debug)]
pub(crate) struct Store {
    clients: Mutex<Clients>,
    file: PathBuf,
    clock: Arc<Clock>,
}

type Clients = BTreeMap<ClientKey, Client>;

impl ClientKey {
    pub(crate) fn of_secret(secret: &str) -> Self {
        Self(ids::sha256(secret))
    }
}

impl Store {
    /// Reads who was signed in. A file that makes no sense costs a sign-in, not the start.
    pub(crate) fn open(data_dir: &Path, people: &[Person], clock: Arc<Clock>) -> Result<Self, SetupError> {
        let file = data_dir.join(FILE);
        let mut clients = match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|_| {
                tracing::warn!("{} is damaged; everybody has to sign in again", file.display());
                Clients::new()
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Clients::new(),
            Err(source) => return Err(SetupError::Data { path: file, source }),
        };
        for client in clients.values_mut() {
            client.sessions.retain(|session| people.iter().any(|person| person.id() == session.user_id));
        }
        Ok(Self { clients: Mutex::new(clients), file, clock })
    }

    /// Takes a new browser in, and gives the secret for its cookie.
    pub(crate) fn add(&self, client: Client) -> Result<(ClientKey, String), Unspecified> {
        let secret = URL_SAFE_NO_PAD.encode(ids::random_bytes::<32>()?);
        let key = ClientKey::of_secret(&secret);
        self.lock().insert(key.clone(), client);
        Ok((key, secret))
    }

    pub(crate) fn knows(&self, key: &ClientKey) -> bool {
        self.lock().contains_key(key)
    }

    /// What is known of a browser now.
    pub(crate) fn get(&self, key: &ClientKey) -> Option<Client> {
        self.update(key, |client, _| client.clone())
    }

    /// Every session that is alive.
    pub(crate) fn sessions(&self) -> Vec<Session> {
        let keys = self.keys();
        keys.iter().filter_map(|key| self.get(key)).flat_map(|client| client.sessions).collect()
    }

    /// Ends sessions from outside of their browsers, which learn it at their next call; gives their ids.
    pub(crate) fn revoke(&self, which: impl Fn(&Session) -> bool) -> Vec<String> {
        let in_client = |client: &mut Client, now| {
            let ids =
                client.sessions.iter().filter(|session| which(session)).map(|session| session.id.clone());
            let ids: Vec<_> = ids.collect();
            for id in &ids {
                client.end(id, SessionStatus::Revoked, now);
            }
            ids
        };
        self.keys().iter().filter_map(|key| self.update(key, in_client)).flatten().collect()
    }

    fn keys(&self) -> Vec<ClientKey> {
        self.lock().keys().cloned().collect()
    }

    /// Changes what is known of a browser, in one step, given the time.
    pub(crate) fn update<T>(
        &self,
        key: &ClientKey,
        change: impl FnOnce(&mut Client, Millis) -> T,
    ) -> Option<T> {
        let now = self.clock.now();
        let mut clients = self.lock();
        let client = clients.get_mut(key)?;
        let before = signed_in(client);
        client.expire(now);
        let result = change(client, now);
        if signed_in(client) != before {
            self.save(&clients);
        }
        Some(result)
    }

    fn save(&self, clients: &Clients) {
        let kept: BTreeMap<_, _> = clients.iter().filter(|(_, client)| client.is_signed_in()).collect();
        let saved = serde_json::to_string(&kept)
            .map_err(io::Error::from)
            .and_then(|text| private_file::replace(&self.file, &text));
        if let Err(error) = saved {
            tracing::warn!(
                "{} could not be written ({error}); sign-ins end with this server",
                self.file.display()
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is worth a write when it changes.
fn signed_in(client: &Client) -> Vec<(String, Option<String>)> {
    let of = |session: &Session| (session.id.clone(), session.organization_id.clone());
    client.sessions.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::SignIn;
    use crate::people;

    fn sign_in(store: &Store) -> ClientKey {
        let person = &people::everyone()[0];
        let (key, _) = store.add(Client::new("client_1".into(), store.clock.now())).unwrap();
        store.update(&key, |client, now| {
            client.begin(
                SignIn {
                    id: "sia_1".into(),
                    user_id: person.id().to_owned(),
                    identifier: person.email().to_owned(),
                    attempts: 0,
                    created_session_id: None,
                },
                now,
            );
            client.complete("sess_1".into(), now).unwrap();
        });
        key
    }

    #[test]
    fn who_is_signed_in_outlives_the_server_and_who_signed_out_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let people = people::everyone();
        let store = Store::open(folder.path(), &people, Arc::default()).unwrap();
        let key = sign_in(&store);

        let again = Store::open(folder.path(), &people, Arc::default()).unwrap();
        assert!(again.get(&key).unwrap().session("sess_1").is_some());

        again.update(&key, |client, now| client.end("sess_1", SessionStatus::Removed, now));
        let again = Store::open(folder.path(), &people, Arc::default()).unwrap();
        assert!(!again.knows(&key));
    }

    #[test]
    fn what_is_revoked_is_gone_in_the_file_too() {
        let folder = tempfile::tempdir().unwrap();
        let people = people::everyone();
        let store = Store::open(folder.path(), &people, Arc::default()).unwrap();
        let key = sign_in(&store);
        assert!(store.revoke(|session| session.id == "sess_2").is_empty());
        assert_eq!(store.revoke(|session| session.user_id == people[0].id()), ["sess_1"]);
        assert!(store.sessions().is_empty());
        assert!(!Store::open(folder.path(), &people, Arc::default()).unwrap().knows(&key));
    }

    #[test]
    fn the_file_holds_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), &people::everyone(), Arc::default()).unwrap();
        let (key, secret) = store.add(Client::new("client_1".into(), 0)).unwrap();
        assert_eq!(ClientKey::of_secret(&secret), key);
        sign_in(&store);
        let text = fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert!(text.contains("sess_1") && !text.contains(&secret), "{text}");
    }

    #[test]
    fn a_damaged_file_and_people_who_left_sign_nobody_in() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), &people::everyone(), Arc::default()).unwrap();
        let key = sign_in(&store);
        let nobody = Store::open(folder.path(), &[], Arc::default()).unwrap();
        assert!(!nobody.get(&key).unwrap().is_signed_in());
        fs::write(folder.path().join(FILE), "{").unwrap();
        assert!(!Store::open(folder.path(), &people::everyone(), Arc::default()).unwrap().knows(&key));
    }
}
