//! What a session token says that its person may do: the active organization (`o`), features (`fea`) and
//! plans (`pla`), as in version 2 of Clerk's session claims.

use serde::Serialize;

use crate::organizations::{Membership, Role};
use crate::people::Person;

/// What somebody pays for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    /// The plan's slug.
    pub(crate) plan: &'static str,
    /// The slugs of the plan's features.
    pub(crate) features: &'static [&'static str],
}

/// The claims.
#[derive(Debug, Serialize)]
pub(crate) struct Entitlements {
    #[serde(skip_serializing_if = "Option::is_none")]
    o: Option<OrganizationClaim>,
    /// With the scope before each: `o:` the organization's, `u:` the person's.
    #[serde(skip_serializing_if = "String::is_empty")]
    fea: String,
    pla: String,
}

#[derive(Debug, Serialize)]
struct OrganizationClaim {
    id: &'static str,
    slg: &'static str,
    /// Without its `org:`.
    rol: &'static str,
    /// The names of the permissions, whatever their feature.
    #[serde(skip_serializing_if = "String::is_empty")]
    per: String,
    /// For each of the organization's features, in the order of `fea`, a number: which of the names count for
    /// it, the first in the lowest bit.
    #[serde(skip_serializing_if = "String::is_empty")]
    fpm: String,
}

impl Entitlements {
    /// Of a person, in an organization or in none.
    pub(crate) fn new(person: &Person, membership: Option<Membership>) -> Self {
        let own = person.subscription();
        let (mut fea, mut pla) = (Vec::new(), vec![format!("u:{}", own.plan)]);
        let o = membership.map(|Membership { organization, role }| {
            let subscription = organization.subscription();
            fea.extend(subscription.features.iter().map(|feature| format!("o:{feature}")));
            pla.push(format!("o:{}", subscription.plan));
            let (per, fpm) = permissions(role, subscription.features);
            let rol = role.key().trim_start_matches("org:");
            OrganizationClaim { id: organization.id(), slg: organization.slug(), rol, per, fpm }
        });
        fea.extend(own.features.iter().map(|feature| format!("u:{feature}")));
        Self { o, fea: fea.join(","), pla: pla.join(",") }
    }
}

/// The claims `per` and `fpm`. Clerk's own permissions are in no token, and neither are those of features
/// that the organization does not have.
fn permissions(role: Role, features: &[&str]) -> (String, String) {
    let all = role.permissions().iter().filter_map(|key| key.strip_prefix("org:")?.split_once(':'));
    let granted: Vec<_> = all.filter(|(feature, _)| features.contains(feature)).collect();
    let mut names = Vec::new();
    for (_, name) in &granted {
        if !names.contains(name) {
            names.push(*name);
        }
    }
    if names.is_empty() {
        return Default::default();
    }
    let mask = |feature: &&str| {
        let bits = names.iter().enumerate().filter(|(_, name)| granted.contains(&(*feature, **name)));
        bits.map(|(bit, _)| 1_u64 << bit).sum::<u64>().to_string()
    };
    (names.join(","), features.iter().map(mask).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{organizations, people};

    fn claims(user_id: &str, slug: Option<&str>) -> Value {
        let people = people::everyone();
        let person = people.iter().find(|person| person.id() == user_id).unwrap();
        let membership = slug
            .map(|slug| organizations::of(user_id).find(|place| place.organization.slug() == slug).unwrap());
        serde_json::to_value(Entitlements::new(person, membership)).unwrap()
    }

    #[test]
    fn a_token_names_the_organizations_and_the_persons_features_and_not_clerks_own_permissions() {
        let o = json!({
            "id": "org_0000000000AnalyticalSociety", "slg": "analytical-society", "rol": "admin",
            "per": "read,manage", "fpm": "3,0",
        });
        let wanted = json!({ "o": o, "fea": "o:posts,o:insights,u:export", "pla": "u:pro,o:business" });
        assert_eq!(claims(people::ADA, Some("analytical-society")), wanted);
    }

    #[test]
    fn a_member_may_less_and_whoever_is_in_no_organization_has_their_own_plan_alone() {
        let member = claims(people::GRACE, Some("analytical-society"));
        assert_eq!((&member["o"]["rol"], &member["o"]["per"]), (&json!("member"), &json!("read")));
        assert_eq!(member["o"]["fpm"], "1,0");
        assert_eq!(claims(people::ADA, None), json!({ "fea": "u:export", "pla": "u:pro" }));
        assert_eq!(claims(people::GRACE, None), json!({ "pla": "u:free_user" }));
    }

    #[test]
    fn a_permission_of_a_feature_that_is_not_there_is_in_no_token() {
        assert_eq!(permissions(Role::Admin, &["insights"]), Default::default());
        assert_eq!(permissions(Role::Admin, &["insights", "posts"]).1, "0,3");
    }
}
