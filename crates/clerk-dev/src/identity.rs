use std::path::{Path, PathBuf};
use std::{fs, io};

use aws_lc_rs::error::Unspecified;
use clerk_core::{InstanceType, PublishableKey};
use serde::{Deserialize, Serialize};

use crate::secret_key::{SecretKey, SecretKeys};
use crate::setup_error::SetupError;
use crate::signing_key::SigningKey;
use crate::{ids, private_file};

const FILE: &str = "identity.json";

/// What makes an instance this one: made once for each data folder, then kept.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) publishable_key: PublishableKey,
    pub(crate) signing_key: SigningKey,
}

impl Identity {
    /// The keys of the Backend API. They follow from the signing key: nothing more has to be kept.
    pub(crate) fn secret_keys(&self) -> Result<SecretKeys, SetupError> {
        let derive = |prefix, purpose| {
            self.signing_key.derive(prefix, purpose).map(SecretKey::new).map_err(|_| SetupError::Cryptography)
        };
        Ok(SecretKeys {
            instance: derive("sk_test", "secret key of the instance")?,
            machine: derive("ak", "secret key of a machine")?,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IdentityFile {
    publishable_key: String,
    /// PKCS#8, in base64.
    signing_key: String,
}

impl Identity {
    /// Opens the identity in `data_dir`, making folder and identity if they are missing.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, SetupError> {
        private_file::make_folder(data_dir)
            .map_err(|source| SetupError::Data { path: data_dir.to_owned(), source })?;
        let path = data_dir.join(FILE);
        if let Some(identity) = Self::read(&path)? {
            return Ok(identity);
        }
        let identity = Self::generate().map_err(|_| SetupError::Cryptography)?;
        let text = identity.to_json().ok_or(SetupError::Cryptography)?;
        match private_file::create(&path, &text) {
            Ok(()) => Ok(identity),
            // Another process was quicker; its identity counts.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::read(&path)?
                .ok_or_else(|| SetupError::Data { path, source: io::ErrorKind::NotFound.into() }),
            Err(source) => Err(SetupError::Data { path, source }),
        }
    }

    /// `None` if there is no such file.
    fn read(path: &Path) -> Result<Option<Self>, SetupError> {
        let in_file = |source| SetupError::Data { path: path.to_owned(), source };
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(in_file(error)),
        };
        private_file::restrict(path).map_err(in_file)?;
        Self::from_json(&bytes, path).map(Some)
    }

    fn from_json(bytes: &[u8], path: &Path) -> Result<Self, SetupError> {
        let damaged = |problem| SetupError::Damaged { path: PathBuf::from(path), problem };
        // serde's message may quote the text, and the text holds the private key.
        let file: IdentityFile =
            serde_json::from_slice(bytes).map_err(|_| damaged("it is not the JSON it should be"))?;
        let publishable_key: PublishableKey =
            file.publishable_key.parse().map_err(|_| damaged("its publishable key is none"))?;
        if publishable_key.instance_type() == InstanceType::Production {
            return Err(SetupError::LiveKey { found_in: path.display().to_string() });
        }
        let signing_key = SigningKey::from_base64(&file.signing_key)
            .ok_or_else(|| damaged("its signing key is no RSA key in PKCS#8"))?;
        Ok(Self { publishable_key, signing_key })
    }

    fn generate() -> Result<Self, Unspecified> {
        // A host of its own, so that clerk-js names its cookies after this instance and not after every
        // project on localhost.
        let host = format!("clerk.{}.localhost", ids::random_hex::<6>()?);
        let publishable_key =
            PublishableKey::for_host(&host, InstanceType::Development).map_err(|_| Unspecified)?;
        Ok(Self { publishable_key, signing_key: SigningKey::generate()? })
    }

    fn to_json(&self) -> Option<String> {
        let file = IdentityFile {
            publishable_key: self.publishable_key.as_str().to_owned(),
            signing_key: self.signing_key.to_base64().ok()?,
        };
        serde_json::to_string_pretty(&file).ok()
    }
}
