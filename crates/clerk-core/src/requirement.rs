use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

/// What a session must have: one thing or several, all of them.
///
/// ```
/// use clerk_core::{Requirement, Reverification};
///
/// let wanted = Requirement::permission("org:invoices:delete")
///     .and(Requirement::reverification(Reverification::Strict));
/// # let _ = wanted;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Never empty: there is no requirement that everybody meets.
    conditions: Vec<Condition>,
}

/// One thing that a session may have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// A role in the active organization, `org:admin`.
    Role(String),
    /// A permission in the active organization, `org:invoices:read`.
    Permission(String),
    /// A feature of the organization's or the person's plan.
    Feature(String),
    /// A plan of the organization or the person.
    Plan(String),
    /// That the person proved lately who they are.
    Reverification(Reverification),
}

/// How lately a person must have proved who they are. The named ones are Clerk's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reverification {
    /// Both factors, within 10 minutes.
    StrictMfa,
    /// The second factor, within 10 minutes.
    Strict,
    /// The second factor, within an hour.
    Moderate,
    /// The second factor, within a day.
    Lax,
    /// These factors, within this time.
    Custom {
        /// Which factors.
        level: Level,
        /// Within so many minutes; nobody meets 0.
        after_minutes: u32,
    },
}

/// Which factors must have been verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The first.
    FirstFactor,
    /// The second, or the one that is set up.
    SecondFactor,
    /// Both, or the first if no second is set up.
    MultiFactor,
}

impl Requirement {
    /// A role in the active organization, `org:admin`.
    pub fn role(role: impl Into<String>) -> Self {
        Self::one(Condition::Role(role.into()))
    }

    /// A permission in the active organization, `org:invoices:read`.
    pub fn permission(permission: impl Into<String>) -> Self {
        Self::one(Condition::Permission(permission.into()))
    }

    /// A feature: `name`, or `org:name` or `user:name` for one of the two alone.
    pub fn feature(feature: impl Into<String>) -> Self {
        Self::one(Condition::Feature(feature.into()))
    }

    /// A plan, written as a feature is.
    pub fn plan(plan: impl Into<String>) -> Self {
        Self::one(Condition::Plan(plan.into()))
    }

    /// A recent proof of who the person is.
    pub fn reverification(reverification: Reverification) -> Self {
        Self::one(Condition::Reverification(reverification))
    }

    /// This and that.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.conditions.extend(other.conditions);
        self
    }

    /// Everything that is required; at least one thing.
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    fn one(condition: Condition) -> Self {
        Self { conditions: vec![condition] }
    }
}

impl Reverification {
    /// Which factors, and within how many minutes.
    pub fn parts(self) -> (Level, u32) {
        match self {
            Self::StrictMfa => (Level::MultiFactor, 10),
            Self::Strict => (Level::SecondFactor, 10),
            Self::Moderate => (Level::SecondFactor, 60),
            Self::Lax => (Level::SecondFactor, 24 * 60),
            Self::Custom { level, after_minutes } => (level, after_minutes),
        }
    }
}

/// As Clerk's front ends read it: a name, or `{"level": …, "afterMinutes": …}`.
impl Serialize for Reverification {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = match self {
            Self::StrictMfa => "strict_mfa",
            Self::Strict => "strict",
            Self::Moderate => "moderate",
            Self::Lax => "lax",
            Self::Custom { level, after_minutes } => {
                let mut config = serializer.serialize_struct("Reverification", 2)?;
                config.serialize_field("level", level)?;
                config.serialize_field("afterMinutes", after_minutes)?;
                return config.end();
            }
        };
        serializer.serialize_str(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reverification_is_written_as_clerk_reads_it() {
        let custom = Reverification::Custom { level: Level::MultiFactor, after_minutes: 3 };
        assert_eq!(serde_json::to_string(&Reverification::StrictMfa).unwrap(), r#""strict_mfa""#);
        assert_eq!(serde_json::to_string(&custom).unwrap(), r#"{"level":"multi_factor","afterMinutes":3}"#);
    }
}
