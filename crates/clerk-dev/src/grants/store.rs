use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use super::grant::{Grant, Revocation};
use crate::clock::{DAY, Millis};
use crate::setup_error::SetupError;
use crate::{ids, private_file};

const FILE: &str = "machine-tokens.json";

/// The opaque tokens, by their hashes: neither the memory nor the file holds one. They outlive the server.
#[derive(Debug)]
pub(crate) struct Grants {
    all: Mutex<All>,
    file: PathBuf,
}

type All = BTreeMap<String, Grant>;

impl Grants {
    /// A file that makes no sense costs the tokens, not the start.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, SetupError> {
        let file = data_dir.join(FILE);
        let all = match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|_| {
                tracing::warn!("{} is damaged; the tokens in it no longer count", file.display());
                All::new()
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => All::new(),
            Err(source) => return Err(SetupError::Data { path: file, source }),
        };
        Ok(Self { all: Mutex::new(all), file })
    }

    /// Remembers a token, and forgets those that are long over.
    pub(crate) fn add(&self, token: &str, grant: Grant, now: Millis) {
        let mut all = self.lock();
        all.retain(|_, grant| grant.expires_at.is_none_or(|end| now < end.saturating_add(DAY)));
        all.insert(ids::sha256(token), grant);
        self.save(&all);
    }

    pub(crate) fn get(&self, token: &str) -> Option<Grant> {
        self.lock().get(&ids::sha256(token)).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Grant> {
        self.lock().values().cloned().collect()
    }

    /// Takes a token back, named by itself or by its id; `None` if there is none.
    pub(crate) fn revoke(&self, token_or_id: &str, reason: Option<String>, now: Millis) -> Option<Grant> {
        let mut all = self.lock();
        let hash = ids::sha256(token_or_id);
        let (_, grant) = all.iter_mut().find(|(known, grant)| **known == hash || grant.id == token_or_id)?;
        // What was revoked first is the reason.
        grant.revocation.get_or_insert(Revocation { reason });
        grant.updated_at = now;
        let grant = grant.clone();
        self.save(&all);
        Some(grant)
    }

    /// Forgets them all.
    pub(crate) fn clear(&self) {
        let mut all = self.lock();
        if !all.is_empty() {
            all.clear();
            self.save(&all);
        }
    }

    fn save(&self, all: &All) {
        let saved = serde_json::to_string(all)
            .map_err(io::Error::from)
            .and_then(|text| private_file::replace(&self.file, &text));
        if let Err(error) = saved {
            tracing::warn!(
                "{} could not be written ({error}); new tokens end with this server",
                self.file.display()
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
