use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;

use crate::entitlements::Subscription;
use crate::ids;
use crate::people::{ADA, ALAN, GRACE, Person};

/// An organization that people of this server belong to.
///
/// Serializes as `{"id", "name", "slug"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Organization {
    id: &'static str,
    name: &'static str,
    slug: &'static str,
    #[serde(skip)]
    members: &'static [(&'static str, Role)],
    #[serde(skip)]
    subscription: Subscription,
}

/// What somebody is in an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Admin,
    Member,
}

/// Somebody's place in an organization.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Membership {
    pub(crate) organization: &'static Organization,
    pub(crate) role: Role,
}

/// Ada and Grace share one, and each has one alone; of one, Ada is a member and not the administrator.
static ALL: [Organization; 4] = [
    Organization {
        id: "org_0000000000AnalyticalSociety",
        name: "Analytical Society",
        slug: "analytical-society",
        members: &[(ADA, Role::Admin), (GRACE, Role::Member)],
        subscription: Subscription { plan: "business", features: &["posts", "insights"] },
    },
    Organization {
        id: "org_0000000000000000EngineWorks",
        name: "Engine Works",
        slug: "engine-works",
        members: &[(ADA, Role::Admin)],
        subscription: FREE,
    },
    Organization {
        id: "org_00000000000000CompilerGroup",
        name: "Compiler Group",
        slug: "compiler-group",
        members: &[(GRACE, Role::Admin)],
        subscription: FREE,
    },
    Organization {
        id: "org_00000000000000BletchleyPark",
        name: "Bletchley Park",
        slug: "bletchley-park",
        members: &[(ALAN, Role::Admin), (ADA, Role::Member)],
        subscription: FREE,
    },
];

/// What an organization has that pays nothing.
const FREE: Subscription = Subscription { plan: "free_org", features: &["posts"] };

pub(crate) fn all() -> &'static [Organization] {
    &ALL
}

/// The organizations that a person belongs to.
pub(crate) fn of(user_id: &str) -> impl Iterator<Item = Membership> {
    ALL.iter().filter_map(move |organization| organization.membership(user_id))
}

/// A person's place in the organization of that id; `None` if there is none.
pub(crate) fn membership(user_id: &str, organization_id: &str) -> Option<Membership> {
    ALL.iter().find(|organization| organization.id == organization_id)?.membership(user_id)
}

impl Membership {
    /// The membership's id, `orgmem_…`: the same in every instance.
    pub(crate) fn id(&self, person: &Person) -> String {
        let pair = format!("{} {}", self.organization.id, person.id());
        ids::of_bytes("orgmem", digest(&SHA256, pair.as_bytes()).as_ref())
    }
}

impl Organization {
    /// The organization's id, `org_…`: the same in every instance.
    pub fn id(&self) -> &str {
        self.id
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.name
    }

    /// Its name in URLs.
    pub fn slug(&self) -> &str {
        self.slug
    }

    pub(crate) fn members_count(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn subscription(&self) -> Subscription {
        self.subscription
    }

    fn membership(&'static self, user_id: &str) -> Option<Membership> {
        let (_, role) = self.members.iter().find(|(member, _)| *member == user_id)?;
        Some(Membership { organization: self, role: *role })
    }
}

impl Role {
    /// As the components and `has` name it.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Admin => "org:admin",
            Self::Member => "org:member",
        }
    }

    /// For people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Admin => "Admin",
            Self::Member => "Member",
        }
    }

    /// Clerk's own (`org:sys_…`), which no token carries, and those of the feature `posts`, which every plan has.
    pub(crate) fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::Admin => &[
                "org:sys_profile:manage",
                "org:sys_memberships:read",
                "org:sys_memberships:manage",
                "org:posts:read",
                "org:posts:manage",
            ],
            Self::Member => &["org:sys_memberships:read", "org:posts:read"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people;

    #[test]
    fn ids_have_clerks_length_and_members_exist() {
        for organization in all() {
            assert_eq!(organization.id.len(), "org_".len() + 27, "{organization:?}");
            for (member, _) in organization.members {
                assert!(people::everyone().iter().any(|person| person.id() == *member), "{member}");
            }
        }
    }

    #[test]
    fn one_is_a_member_only_where_one_is() {
        let [society, works, group, park] = ALL.each_ref().map(|organization| organization.id);
        let places = |user| of(user).map(|place| (place.organization.id, place.role)).collect::<Vec<_>>();
        assert_eq!(places(ADA), [(society, Role::Admin), (works, Role::Admin), (park, Role::Member)]);
        assert_eq!(places(GRACE), [(society, Role::Member), (group, Role::Admin)]);
        assert_eq!(membership(GRACE, society).map(|place| place.role), Some(Role::Member));
        assert!(membership(GRACE, park).is_none());
        assert!(membership(ADA, "org_x").is_none());
    }
}
