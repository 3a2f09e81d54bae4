use serde::Serialize;

use super::user::UserData;
use crate::client;
use crate::clock::Millis;
use crate::people::Person;

/// Somebody who is signing in.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SignIn {
    object: &'static str,
    id: String,
    status: &'static str,
    supported_identifiers: [&'static str; 1],
    supported_first_factors: Vec<Factor>,
    supported_second_factors: Option<()>,
    first_factor_verification: Option<Verification>,
    second_factor_verification: Option<()>,
    identifier: String,
    user_data: UserData,
    created_session_id: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct Factor {
    strategy: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct Verification {
    object: &'static str,
    status: &'static str,
    strategy: &'static str,
    attempts: u32,
    expire_at: Option<Millis>,
}

impl SignIn {
    pub(crate) fn new(sign_in: &client::SignIn, person: &Person) -> Self {
        let complete = sign_in.created_session_id.is_some();
        let verification = (sign_in.attempts > 0).then_some(Verification {
            object: "verification_password",
            status: if complete { "verified" } else { "unverified" },
            strategy: "password",
            attempts: sign_in.attempts,
            expire_at: None,
        });
        Self {
            object: "sign_in",
            id: sign_in.id.clone(),
            status: if complete { "complete" } else { "needs_first_factor" },
            supported_identifiers: ["email_address"],
            supported_first_factors: vec![Factor { strategy: "password" }],
            supported_second_factors: None,
            first_factor_verification: verification,
            second_factor_verification: None,
            identifier: sign_in.identifier.clone(),
            user_data: UserData::new(person),
            created_session_id: sign_in.created_session_id.clone(),
        }
    }
}
