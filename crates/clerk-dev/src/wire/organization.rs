use serde::Serialize;
use serde_json::{Map, Value};

use super::user::{CREATED_AT, PublicUserData};
use crate::clock::Millis;
use crate::organizations;
use crate::people::Person;

/// An organization.
#[derive(Clone, Debug, Serialize)]
struct Organization {
    object: &'static str,
    id: String,
    name: String,
    slug: String,
    image_url: &'static str,
    has_image: bool,
    members_count: usize,
    pending_invitations_count: usize,
    max_allowed_memberships: usize,
    admin_delete_enabled: bool,
    public_metadata: Map<String, Value>,
    created_at: Millis,
    updated_at: Millis,
}

/// A person's place in an organization.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Membership {
    object: &'static str,
    id: String,
    role: &'static str,
    role_name: &'static str,
    permissions: &'static [&'static str],
    public_metadata: Map<String, Value>,
    organization: Organization,
    public_user_data: PublicUserData,
    created_at: Millis,
    updated_at: Millis,
}

impl Membership {
    pub(crate) fn new(person: &Person, membership: organizations::Membership) -> Self {
        let organizations::Membership { organization, role } = membership;
        Self {
            object: "organization_membership",
            id: membership.id(person),
            role: role.key(),
            role_name: role.name(),
            permissions: role.permissions(),
            public_metadata: Map::new(),
            organization: Organization {
                object: "organization",
                id: organization.id().to_owned(),
                name: organization.name().to_owned(),
                slug: organization.slug().to_owned(),
                image_url: "",
                has_image: false,
                members_count: organization.members_count(),
                pending_invitations_count: 0,
                max_allowed_memberships: 5,
                admin_delete_enabled: false,
                public_metadata: Map::new(),
                created_at: CREATED_AT,
                updated_at: CREATED_AT,
            },
            public_user_data: PublicUserData::new(person),
            created_at: CREATED_AT,
            updated_at: CREATED_AT,
        }
    }
}
