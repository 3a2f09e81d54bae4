use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::requirement::{Condition, Requirement, Reverification};

/// What a session's claims let it do: the ground on which [`has`](Access::has) decides.
///
/// Read from claims of version 2 (`v: 2`: `o`, `fea`, `pla`) or 1 (`org_id`, `org_role`, …), never from a
/// mixture: whatever a version 2 token says in version 1's names was put there by a custom claim. A part
/// that is malformed counts as absent, and nothing is granted on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access<'a> {
    /// The active organization.
    pub organization: Option<Organization<'a>>,
    features: Scoped<'a>,
    plans: Scoped<'a>,
    factor_ages: Option<[i64; 2]>,
}

/// The active organization, and what the person may do in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization<'a> {
    /// `org_…`; never empty.
    pub id: &'a str,
    /// The slug in URLs.
    pub slug: Option<&'a str>,
    /// The person's role, with its prefix: `org:admin`.
    pub role: Option<Cow<'a, str>>,
    /// The person's permissions there: `org:invoices:read`.
    pub permissions: Vec<Cow<'a, str>>,
}

/// Names of features or plans, of the organization and of the person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Scoped<'a> {
    organization: Vec<&'a str>,
    person: Vec<&'a str>,
}

impl<'a> Access<'a> {
    /// What `claims`, those of a session token, grant.
    pub fn from_claims(claims: &'a Map<String, Value>) -> Self {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let features = Scoped::read(text("fea"));
        let organization = if claims.get("v").and_then(Value::as_i64) == Some(2) {
            claims.get("o").and_then(Value::as_object).and_then(|o| Organization::v2(o, &features))
        } else {
            Organization::v1(claims)
        };
        let factor_ages = claims.get("fva").and_then(Value::as_array).and_then(|ages| match &ages[..] {
            [first, second] => Some([first.as_i64()?, second.as_i64()?]),
            _ => None,
        });
        Self {
            organization,
            features,
            plans: Scoped::read(text("pla")),
            factor_ages: factor_ages.filter(|ages| ages.iter().all(|age| *age >= -1)),
        }
    }

    /// Minutes since the first and the second factor were last verified; -1 for a factor that is not set up.
    pub fn factor_ages(&self) -> Option<[i64; 2]> {
        self.factor_ages
    }

    /// Whether everything that `requirement` names is there.
    ///
    /// Roles and permissions are those in the active organization, with or without `org:` in front.
    /// A feature or a plan is looked for with the organization and the person, or with one of them alone
    /// if it is written `org:name` (`o:`, `organization:`) or `user:name` (`u:`).
    pub fn has(&self, requirement: &Requirement) -> bool {
        self.missing(requirement).is_none()
    }

    /// The first thing that is not there. A reverification comes last: it is worth asking for only when
    /// nothing else is missing.
    pub fn missing<'r>(&self, requirement: &'r Requirement) -> Option<&'r Condition> {
        let is_last = |condition: &&Condition| matches!(condition, Condition::Reverification(_));
        let conditions = requirement.conditions();
        let (last, first): (Vec<_>, Vec<_>) = conditions.iter().partition(is_last);
        first.into_iter().chain(last).find(|condition| !self.meets(condition))
    }

    fn meets(&self, condition: &Condition) -> bool {
        let organization = self.organization.as_ref();
        match condition {
            Condition::Role(role) => organization
                .and_then(|organization| organization.role.as_deref())
                .is_some_and(|ours| without_prefix(ours) == without_prefix(role)),
            Condition::Permission(permission) => {
                let wanted = without_prefix(permission);
                organization.is_some_and(|organization| {
                    organization.permissions.iter().any(|ours| ours.strip_prefix("org:") == Some(wanted))
                })
            }
            Condition::Feature(feature) => self.features.contains(feature),
            Condition::Plan(plan) => self.plans.contains(plan),
            Condition::Reverification(wanted) => self.factor_ages.is_some_and(|ages| is_fresh(ages, *wanted)),
        }
    }
}

impl<'a> Organization<'a> {
    fn v2(claim: &'a Map<String, Value>, features: &Scoped<'a>) -> Option<Self> {
        let text = |name: &str| claim.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        Some(Self {
            id: text("id")?,
            slug: text("slg"),
            role: text("rol").map(|role| format!("org:{role}").into()),
            permissions: permissions(&features.organization, text("per"), text("fpm")),
        })
    }

    fn v1(claims: &'a Map<String, Value>) -> Option<Self> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let permissions = claims.get("org_permissions").and_then(Value::as_array);
        Some(Self {
            id: text("org_id")?,
            slug: text("org_slug"),
            role: text("org_role").map(Into::into),
            permissions: permissions.into_iter().flatten().filter_map(|p| Some(p.as_str()?.into())).collect(),
        })
    }
}

/// `per` names the permissions; the numbers of `fpm`, one for each of the organization's features, say which
/// of them each feature has: a bit each, the lowest for the first.
fn permissions<'a>(features: &[&str], per: Option<&str>, fpm: Option<&str>) -> Vec<Cow<'a, str>> {
    let (Some(per), Some(fpm)) = (per, fpm) else { return Vec::new() };
    let names: Vec<&str> = per.split(',').map(str::trim).collect();
    let mut all = Vec::new();
    for (feature, mask) in features.iter().zip(fpm.split(',')) {
        let granted = names.iter().zip(bits(mask.trim(), names.len())).filter(|(_, bit)| *bit);
        all.extend(granted.map(|(name, _)| Cow::from(format!("org:{feature}:{name}"))));
    }
    all
}

/// The lowest `count` bits of a decimal number of any length; none of what is no number.
fn bits(decimal: &str, count: usize) -> Vec<bool> {
    if decimal.is_empty() || !decimal.bytes().all(|byte| byte.is_ascii_digit()) {
        return Vec::new();
    }
    let mut digits: Vec<u8> = decimal.bytes().map(|byte| byte - b'0').collect();
    let halve = |_| {
        let mut rest = 0;
        for digit in &mut digits {
            let value = rest * 10 + *digit;
            *digit = value / 2;
            rest = value % 2;
        }
        rest == 1
    };
    (0..count).map(halve).collect()
}

impl<'a> Scoped<'a> {
    /// Each element is a scope (`o`, `u` or both) and a name. One that is not makes the whole claim
    /// unreadable: the masks in `fpm` go by position.
    fn read(claim: Option<&'a str>) -> Self {
        let mut scoped = Self::default();
        for element in claim.into_iter().flat_map(|claim| claim.split(',')) {
            let Some((scope, name)) = element.trim().split_once(':') else { return Self::default() };
            if matches!(scope, "o" | "ou" | "uo") {
                scoped.organization.push(name);
            }
            if matches!(scope, "u" | "ou" | "uo") {
                scoped.person.push(name);
            }
        }
        scoped
    }

    fn contains(&self, wanted: &str) -> bool {
        let (organization, person, name) = match wanted.split_once(':') {
            None => (true, true, wanted),
            Some(("o" | "org" | "organization", name)) => (true, false, name),
            Some(("u" | "user", name)) => (false, true, name),
            Some(_) => return false,
        };
        !name.is_empty()
            && ((organization && self.organization.contains(&name))
                || (person && self.person.contains(&name)))
    }
}

fn without_prefix(name: &str) -> &str {
    name.trim_start_matches("org:")
}

fn is_fresh([first, second]: [i64; 2], wanted: Reverification) -> bool {
    use crate::requirement::Level;
    let (level, minutes) = wanted.parts();
    let fresh = |age: i64| age >= 0 && age < i64::from(minutes);
    match level {
        Level::FirstFactor => fresh(first),
        // Whoever has set up one factor alone can verify no other.
        Level::SecondFactor if second == -1 => fresh(first),
        Level::SecondFactor => fresh(second),
        Level::MultiFactor if second == -1 => fresh(first),
        Level::MultiFactor => fresh(first) && fresh(second),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::requirement::Level;

    fn has(claims: Value, requirement: Requirement) -> bool {
        Access::from_claims(claims.as_object().unwrap()).has(&requirement)
    }

    fn permissions_of(claims: &Value) -> Vec<String> {
        let access = Access::from_claims(claims.as_object().unwrap());
        access.organization.map_or(Vec::new(), |o| o.permissions.into_iter().map(Into::into).collect())
    }

    fn v2(fea: &str, per: &str, fpm: &str) -> Value {
        json!({ "v": 2, "fea": fea, "o": { "id": "org_1", "slg": "s", "rol": "admin", "per": per, "fpm": fpm } })
    }

    #[test]
    fn reads_an_organization_of_either_version() {
        let new = v2("o:posts", "read,write", "3");
        let access = Access::from_claims(new.as_object().unwrap());
        let organization = access.organization.clone().unwrap();
        assert_eq!((organization.id, organization.slug), ("org_1", Some("s")));
        assert_eq!(organization.role.as_deref(), Some("org:admin"));
        assert_eq!(organization.permissions, ["org:posts:read", "org:posts:write"]);

        let old = json!({
            "org_id": "org_1", "org_role": "org:admin", "org_slug": "s", "org_permissions": ["org:f:read", 5],
        });
        let access = Access::from_claims(old.as_object().unwrap());
        let organization = access.organization.unwrap();
        assert_eq!((organization.id, organization.slug), ("org_1", Some("s")));
        assert_eq!(organization.permissions, ["org:f:read"]);
    }

    #[test]
    fn a_version_2_token_is_granted_nothing_by_version_1_names() {
        let claims =
            json!({ "v": 2, "org_id": "org_1", "org_role": "org:admin", "org_permissions": ["org:f:r"] });
        assert!(!has(claims.clone(), Requirement::role("admin")));
        assert!(!has(claims, Requirement::permission("org:f:r")));
        // A version that is no number is no version 2.
        let claims = json!({ "v": "2", "o": { "id": "org_1", "rol": "admin" } });
        assert!(!has(claims, Requirement::role("admin")));
    }

    #[test]
    fn masks_go_by_the_organizations_features_alone() {
        assert_eq!(permissions_of(&v2("o:a,u:x,uo:b", "read,write", "1,2")), ["org:a:read", "org:b:write"]);
        assert_eq!(permissions_of(&v2("o:a,o:b", "read", "1")), ["org:a:read"]);
        assert_eq!(permissions_of(&v2("o:a", "read", "1,1")), ["org:a:read"]);
    }

    #[test]
    fn masks_may_be_longer_than_any_integer_type() {
        let names: Vec<String> = (0..300).map(|number| format!("p{number}")).collect();
        // 2^299 + 1, in decimal.
        let mut digits = vec![1_u8];
        for _ in 0..299 {
            let mut carry = 0;
            for digit in digits.iter_mut().rev() {
                let value = *digit * 2 + carry;
                *digit = value % 10;
                carry = value / 10;
            }
            if carry > 0 {
                digits.insert(0, carry);
            }
        }
        *digits.last_mut().unwrap() += 1;
        let mask: String = digits.iter().map(|digit| char::from(b'0' + digit)).collect();
        assert_eq!(permissions_of(&v2("o:a", &names.join(","), &mask)), ["org:a:p0", "org:a:p299"]);
    }

    #[test]
    fn what_is_malformed_grants_nothing() {
        for fpm in ["", "x", "-1", "1.0", "0x1", "\u{661}"] {
            assert!(permissions_of(&v2("o:a", "read", fpm)).is_empty(), "{fpm}");
        }
        assert!(permissions_of(&v2("dashboard", "read", "1")).is_empty());
        assert!(permissions_of(&v2("o:a,dashboard", "read", "1")).is_empty());
        for o in [json!(null), json!("org_1"), json!({}), json!({ "id": "" }), json!({ "id": 5 })] {
            assert_eq!(
                Access::from_claims(json!({ "v": 2, "o": o }).as_object().unwrap()).organization,
                None
            );
        }
        assert!(!has(json!({ "v": 2, "fea": 5 }), Requirement::feature("a")));
    }

    #[test]
    fn roles_and_permissions_are_the_active_organizations() {
        let claims = v2("o:posts", "read", "1");
        for (wanted, granted) in [("admin", true), ("org:admin", true), ("org:adm", false), ("", false)] {
            assert_eq!(has(claims.clone(), Requirement::role(wanted)), granted, "{wanted}");
        }
        for (wanted, granted) in [("org:posts:read", true), ("posts:read", true), ("org:posts:write", false)]
        {
            assert_eq!(has(claims.clone(), Requirement::permission(wanted)), granted, "{wanted}");
        }
        assert!(!has(json!({ "v": 2 }), Requirement::role("admin")));
    }

    #[test]
    fn features_and_plans_are_the_organizations_or_the_persons() {
        let claims = json!({ "v": 2, "fea": "o:a,u:b,ou:c", "pla": "u:pro" });
        let cases = [
            ("a", true),
            ("b", true),
            ("c", true),
            ("d", false),
            ("org:a", true),
            ("o:a", true),
            ("organization:a", true),
            ("user:a", false),
            ("u:b", true),
            ("user:b", true),
            ("org:b", false),
            ("org:c", true),
            ("user:c", true),
            ("team:a", false),
            ("org:", false),
            ("", false),
        ];
        for (wanted, granted) in cases {
            assert_eq!(has(claims.clone(), Requirement::feature(wanted)), granted, "{wanted}");
        }
        assert!(has(claims.clone(), Requirement::plan("pro")));
        assert!(!has(claims.clone(), Requirement::plan("a")));
        assert!(has(claims.clone(), Requirement::plan("pro").and(Requirement::feature("a"))));
        assert!(!has(claims, Requirement::plan("pro").and(Requirement::feature("d"))));
    }

    #[test]
    fn a_reverification_goes_by_the_factors_there_are() {
        use Reverification::{Lax, Moderate, Strict, StrictMfa};
        let first = Reverification::Custom { level: Level::FirstFactor, after_minutes: 5 };
        let cases = [
            ([9, 9], Strict, true),
            ([99, 9], Strict, true),
            ([9, 10], Strict, false),
            ([9, -1], Strict, true),
            ([10, -1], Strict, false),
            ([-1, 9], Strict, true),
            ([-1, -1], Lax, false),
            ([9, 9], StrictMfa, true),
            ([10, 9], StrictMfa, false),
            ([9, 10], StrictMfa, false),
            ([9, -1], StrictMfa, true),
            ([-1, 9], StrictMfa, false),
            ([59, 59], Moderate, true),
            ([0, 60], Moderate, false),
            ([0, 1439], Lax, true),
            ([0, 1440], Lax, false),
            ([4, -1], first, true),
            ([5, 0], first, false),
            ([-1, 0], first, false),
        ];
        for (ages, wanted, granted) in cases {
            let claims = json!({ "fva": ages });
            assert_eq!(has(claims, Requirement::reverification(wanted)), granted, "{ages:?} {wanted:?}");
        }
        for fva in [json!(null), json!([1]), json!([1, 1, 1]), json!(["1", 1]), json!([-2, 1]), json!(1)] {
            assert!(!has(json!({ "fva": fva }), Requirement::reverification(Lax)), "{fva}");
        }
        let never = Reverification::Custom { level: Level::FirstFactor, after_minutes: 0 };
        assert!(!has(json!({ "fva": [0, 0] }), Requirement::reverification(never)));
    }

    #[test]
    fn a_reverification_is_asked_for_last() {
        let wanted = Requirement::reverification(Reverification::Strict).and(Requirement::role("admin"));
        let missing =
            |claims: Value| Access::from_claims(claims.as_object().unwrap()).missing(&wanted).cloned();
        assert_eq!(missing(json!({})), Some(Condition::Role("admin".into())));
        let admin = json!({ "v": 2, "o": { "id": "org_1", "rol": "admin" } });
        assert_eq!(missing(admin), Some(Condition::Reverification(Reverification::Strict)));
    }
}
