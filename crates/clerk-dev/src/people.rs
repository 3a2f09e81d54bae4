use std::fmt;

use serde::Serialize;

use crate::entitlements::Subscription;

/// Somebody who can sign in.
///
/// Serializes as `{"name", "email", "password"}`. `Debug` leaves the password out.
#[derive(Clone, Serialize)]
pub struct Person {
    #[serde(skip)]
    id: &'static str,
    #[serde(skip)]
    first_name: &'static str,
    #[serde(skip)]
    last_name: &'static str,
    name: &'static str,
    email: &'static str,
    password: &'static str,
    #[serde(skip)]
    subscription: Subscription,
}

/// Their ids, of Clerk's length.
pub(crate) const ADA: &str = "user_0000000000000000AdaLovelace";
pub(crate) const GRACE: &str = "user_0000000000000000GraceHopper";
pub(crate) const ALAN: &str = "user_00000000000000000AlanTuring";

/// The one place where the people and their passwords are written down. The passwords are public, which
/// is why this server is for development only.
const EVERYONE: [Person; 3] = [
    Person {
        id: ADA,
        first_name: "Ada",
        last_name: "Lovelace",
        name: "Ada Lovelace",
        email: "ada@example.com",
        password: "notes-on-the-engine",
        subscription: Subscription { plan: "pro", features: &["export"] },
    },
    Person {
        id: GRACE,
        first_name: "Grace",
        last_name: "Hopper",
        name: "Grace Hopper",
        email: "grace@example.com",
        password: "a-nanosecond-of-wire",
        subscription: Subscription { plan: "free_user", features: &[] },
    },
    Person {
        id: ALAN,
        first_name: "Alan",
        last_name: "Turing",
        name: "Alan Turing",
        email: "alan@example.com",
        password: "the-imitation-game",
        subscription: Subscription { plan: "free_user", features: &[] },
    },
];

pub(crate) fn everyone() -> Vec<Person> {
    EVERYONE.to_vec()
}

impl Person {
    /// The user's id, `user_…`: the same in every instance, so that an API's data outlives a new key.
    pub fn id(&self) -> &str {
        self.id
    }

    /// The first name.
    pub fn first_name(&self) -> &str {
        self.first_name
    }

    /// The last name.
    pub fn last_name(&self) -> &str {
        self.last_name
    }

    /// First and last name.
    pub fn name(&self) -> &str {
        self.name
    }

    /// The e-mail address to sign in with.
    pub fn email(&self) -> &str {
        self.email
    }

    /// The password to sign in with. It is public.
    pub fn password(&self) -> &str {
        self.password
    }

    pub(crate) fn subscription(&self) -> Subscription {
        self.subscription
    }

    /// Whether this is the person that the sign-in form means by `identifier`.
    pub(crate) fn answers_to(&self, identifier: &str) -> bool {
        self.email.eq_ignore_ascii_case(identifier.trim())
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_clerks_length_and_differ() {
        for person in &EVERYONE {
            assert_eq!(person.id.len(), "user_".len() + 27, "{person:?}");
            assert_eq!(person.name, format!("{} {}", person.first_name, person.last_name));
            assert_eq!(EVERYONE.iter().filter(|other| other.id == person.id).count(), 1);
        }
    }

    #[test]
    fn debug_leaves_the_password_out() {
        let person = &EVERYONE[0];
        assert!(!format!("{person:?}").contains(person.password));
    }

    #[test]
    fn an_address_is_found_as_people_type_it() {
        assert!(EVERYONE[0].answers_to(" Ada@Example.com "));
        assert!(!EVERYONE[0].answers_to("ada"));
        assert!(!EVERYONE[0].answers_to(""));
    }
}
