use serde::Serialize;
use serde_json::{Map, Value};

use super::organization::Membership;
use crate::clock::Millis;
use crate::organizations;
use crate::people::Person;

/// When everybody was made: 2025-01-01.
pub(super) const CREATED_AT: Millis = 1_735_689_600_000;

/// A person's account.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct User {
    object: &'static str,
    id: String,
    first_name: String,
    last_name: String,
    username: Option<String>,
    /// Empty: the components show the initials and ask no image server.
    image_url: &'static str,
    has_image: bool,
    primary_email_address_id: String,
    primary_phone_number_id: Option<String>,
    primary_web3_wallet_id: Option<String>,
    email_addresses: [EmailAddress; 1],
    phone_numbers: [(); 0],
    web3_wallets: [(); 0],
    passkeys: [(); 0],
    external_accounts: [(); 0],
    enterprise_accounts: [(); 0],
    organization_memberships: Vec<Membership>,
    password_enabled: bool,
    two_factor_enabled: bool,
    totp_enabled: bool,
    backup_code_enabled: bool,
    public_metadata: Map<String, Value>,
    unsafe_metadata: Map<String, Value>,
    external_id: Option<String>,
    create_organization_enabled: bool,
    delete_self_enabled: bool,
    last_sign_in_at: Millis,
    legal_accepted_at: Option<Millis>,
    created_at: Millis,
    updated_at: Millis,
}

#[derive(Clone, Debug, Serialize)]
struct EmailAddress {
    object: &'static str,
    id: String,
    email_address: String,
    verification: EmailVerification,
    linked_to: [(); 0],
}

#[derive(Clone, Debug, Serialize)]
struct EmailVerification {
    status: &'static str,
    strategy: &'static str,
}

/// What others may see of a person.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PublicUserData {
    first_name: String,
    last_name: String,
    image_url: &'static str,
    has_image: bool,
    identifier: String,
    user_id: String,
}

/// What the sign-in form shows of a person before the password is known.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct UserData {
    first_name: String,
    last_name: String,
    image_url: &'static str,
    has_image: bool,
}

impl User {
    pub(crate) fn new(person: &Person, last_sign_in_at: Millis) -> Self {
        let email_id = person.id().replacen("user_", "idn_", 1);
        Self {
            object: "user",
            id: person.id().to_owned(),
            first_name: person.first_name().to_owned(),
            last_name: person.last_name().to_owned(),
            username: None,
            image_url: "",
            has_image: false,
            primary_email_address_id: email_id.clone(),
            primary_phone_number_id: None,
            primary_web3_wallet_id: None,
            email_addresses: [EmailAddress {
                object: "email_address",
                id: email_id,
                email_address: person.email().to_owned(),
                verification: EmailVerification { status: "verified", strategy: "email_code" },
                linked_to: [],
            }],
            phone_numbers: [],
            web3_wallets: [],
            passkeys: [],
            external_accounts: [],
            enterprise_accounts: [],
            organization_memberships: organizations::of(person.id())
                .map(|membership| Membership::new(person, membership))
                .collect(),
            password_enabled: true,
            two_factor_enabled: false,
            totp_enabled: false,
            backup_code_enabled: false,
            public_metadata: Map::new(),
            unsafe_metadata: Map::new(),
            external_id: None,
            create_organization_enabled: false,
            delete_self_enabled: false,
            last_sign_in_at,
            legal_accepted_at: None,
            created_at: CREATED_AT,
            updated_at: last_sign_in_at,
        }
    }
}

impl PublicUserData {
    pub(crate) fn new(person: &Person) -> Self {
        Self {
            first_name: person.first_name().to_owned(),
            last_name: person.last_name().to_owned(),
            image_url: "",
            has_image: false,
            identifier: person.email().to_owned(),
            user_id: person.id().to_owned(),
        }
    }
}

impl UserData {
    pub(crate) fn new(person: &Person) -> Self {
        Self {
            first_name: person.first_name().to_owned(),
            last_name: person.last_name().to_owned(),
            image_url: "",
            has_image: false,
        }
    }
}
