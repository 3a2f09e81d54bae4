use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::organizations::Membership;
use crate::people::Person;

/// The claims that every token of a template has, and no template can set.
const STANDARD: [&str; 7] = ["azp", "exp", "iat", "iss", "jti", "nbf", "sub"];

/// A JWT template: what its tokens say beside who somebody is.
///
/// A text in it may hold shortcodes, such as `{{user.primary_email_address}}`. A text that is nothing but
/// one becomes its value; of one that has none, such as the active organization where there is none, `null`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Template {
    claims: Map<String, Value>,
    /// How long its tokens live, in seconds.
    #[serde(rename = "lifeSeconds")]
    life: i64,
}

/// The templates by name.
#[derive(Debug)]
pub(crate) struct Templates(Mutex<BTreeMap<String, Template>>);

/// Whom a token is for.
pub(crate) struct Subject<'a> {
    pub(crate) person: &'a Person,
    pub(crate) membership: Option<Membership>,
}

impl Template {
    /// How long a template's tokens live unless it says otherwise, in seconds, as in a new template of Clerk's.
    pub(crate) const LIFE: i64 = 60;

    /// Refused with the claim that a template cannot set.
    pub(crate) fn new(claims: Map<String, Value>, life: i64) -> Result<Self, &'static str> {
        match STANDARD.into_iter().find(|name| claims.contains_key(*name)) {
            Some(name) => Err(name),
            None => Ok(Self { claims, life }),
        }
    }

    pub(crate) fn life(&self) -> i64 {
        self.life
    }

    pub(crate) fn claims_for(&self, subject: &Subject<'_>) -> Map<String, Value> {
        self.claims.iter().map(|(name, value)| (name.clone(), filled(value, subject))).collect()
    }
}

impl Default for Templates {
    fn default() -> Self {
        Self(Mutex::new(at_start()))
    }
}

/// The one template that there is from the start: what Convex asks for, whose guide names it so.
fn at_start() -> BTreeMap<String, Template> {
    let claims = [
        ("aud", "convex"),
        ("name", "{{user.full_name}}"),
        ("given_name", "{{user.first_name}}"),
        ("family_name", "{{user.last_name}}"),
        ("email", "{{user.primary_email_address}}"),
    ];
    let claims = claims.map(|(name, value)| (name.to_owned(), Value::from(value)));
    let template = Template { claims: Map::from_iter(claims), life: Template::LIFE };
    BTreeMap::from([("convex".to_owned(), template)])
}

impl Templates {
    /// Goes back to those of the start.
    pub(crate) fn reset(&self) {
        *self.lock() = at_start();
    }

    pub(crate) fn get(&self, name: &str) -> Option<Template> {
        self.lock().get(name).cloned()
    }

    pub(crate) fn set(&self, name: String, template: Template) {
        self.lock().insert(name, template);
    }

    /// Whether there was one.
    pub(crate) fn remove(&self, name: &str) -> bool {
        self.lock().remove(name).is_some()
    }

    pub(crate) fn all(&self) -> BTreeMap<String, Template> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Template>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn filled(value: &Value, subject: &Subject<'_>) -> Value {
    match value {
        Value::String(text) => filled_text(text, subject),
        Value::Array(values) => values.iter().map(|value| filled(value, subject)).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), filled(value, subject))).collect()
        }
        other => other.clone(),
    }
}

fn filled_text(text: &str, subject: &Subject<'_>) -> Value {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((code, after)) = after.split_once("}}") else { break };
        let known = shortcode(code.trim(), subject);
        if before.is_empty() && out.is_empty() && after.is_empty() {
            return known.map_or(Value::Null, Value::String);
        }
        out.push_str(before);
        out.push_str(&known.unwrap_or_default());
        rest = after;
    }
    out.push_str(rest);
    Value::String(out)
}

/// Clerk's shortcodes for what this server knows of people and organizations.
fn shortcode(code: &str, subject: &Subject<'_>) -> Option<String> {
    let Subject { person, membership } = subject;
    let organization = membership.map(|membership| membership.organization);
    let known = match code {
        "user.id" => person.id(),
        "user.first_name" => person.first_name(),
        "user.last_name" => person.last_name(),
        "user.full_name" => person.name(),
        "user.primary_email_address" => person.email(),
        "org.id" => organization?.id(),
        "org.name" => organization?.name(),
        "org.slug" => organization?.slug(),
        "org.role" => membership.as_ref()?.role.key(),
        _ => return None,
    };
    Some(known.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{organizations, people};

    fn claims(template: Value, membership: Option<Membership>) -> Value {
        let Value::Object(claims) = template else { panic!("no object") };
        let person = &people::everyone()[0];
        Template::new(claims, 60).unwrap().claims_for(&Subject { person, membership }).into()
    }

    #[test]
    fn shortcodes_become_what_they_stand_for() {
        let membership = organizations::of(people::ADA).next();
        let template = json!({
            "aud": "convex",
            "n": 1,
            "who": ["{{user.full_name}}", { "mail": "<{{ user.primary_email_address }}>" }],
            "in": "{{org.slug}}/{{org.role}}",
        });
        let wanted = json!({
            "aud": "convex",
            "n": 1,
            "who": ["Ada Lovelace", { "mail": "<ada@example.com>" }],
            "in": "analytical-society/org:admin",
        });
        assert_eq!(claims(template, membership), wanted);
    }

    #[test]
    fn what_is_not_there_is_null_or_left_out_of_a_text() {
        let template = json!({ "org": "{{org.id}}", "x": "a{{user.shoe_size}}b", "open": "{{user.id" });
        assert_eq!(claims(template, None), json!({ "org": null, "x": "ab", "open": "{{user.id" }));
    }

    #[test]
    fn what_every_token_has_no_template_sets() {
        for name in STANDARD {
            let claims = Map::from_iter([(name.to_owned(), json!("x"))]);
            assert_eq!(Template::new(claims, 60), Err(name));
        }
    }
}
