//! One part of a key.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

/// One part of a [`QueryKey`](crate::QueryKey): text, a number, a boolean, nothing, a list or a map.
///
/// Compared by value: the literal `"foo"` and a `String` holding `foo` are the same segment, and so are
/// `1_i32` and `1_u64`. Floats are compared by their bits, so `NaN` finds itself again; `0.0` and `-0.0` are
/// one number, and so one segment.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Segment(pub(crate) Repr);

#[derive(Clone)]
pub(crate) enum Repr {
    Null,
    Bool(bool),
    Int(i64),
    // Only numbers above `i64::MAX`, so that every number has one form.
    Big(u64),
    Float(u64),
    Literal(&'static str),
    Text(Rc<str>),
    List(Rc<[Segment]>),
    // Sorted by name, so that the order of insertion is no part of the value.
    Map(Rc<[(Rc<str>, Segment)]>),
}

impl Repr {
    fn text(&self) -> Option<&str> {
        match self {
            Repr::Literal(text) => Some(text),
            Repr::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl PartialEq for Repr {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Repr::Null, Repr::Null) => true,
            (Repr::Bool(a), Repr::Bool(b)) => a == b,
            (Repr::Int(a), Repr::Int(b)) => a == b,
            (Repr::Big(a), Repr::Big(b)) | (Repr::Float(a), Repr::Float(b)) => a == b,
            (Repr::List(a), Repr::List(b)) => a == b,
            (Repr::Map(a), Repr::Map(b)) => a == b,
            _ => matches!((self.text(), other.text()), (Some(a), Some(b)) if a == b),
        }
    }
}

impl Eq for Repr {}

impl Hash for Repr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Repr::Null => state.write_u8(0),
            Repr::Bool(value) => state.write_u8(1 + u8::from(*value)),
            Repr::Int(value) => (3_u8, value).hash(state),
            Repr::Big(value) => (4_u8, value).hash(state),
            Repr::Float(bits) => (5_u8, bits).hash(state),
            Repr::Literal(text) => (6_u8, text).hash(state),
            Repr::Text(text) => (6_u8, &**text).hash(state),
            Repr::List(items) => (7_u8, items).hash(state),
            Repr::Map(pairs) => (8_u8, pairs).hash(state),
        }
    }
}

impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Null => f.write_str("null"),
            Repr::Bool(value) => value.fmt(f),
            Repr::Int(value) => value.fmt(f),
            Repr::Big(value) => value.fmt(f),
            Repr::Float(bits) => f64::from_bits(*bits).fmt(f),
            Repr::Literal(text) => text.fmt(f),
            Repr::Text(text) => text.fmt(f),
            Repr::List(items) => f.debug_list().entries(items.iter()).finish(),
            Repr::Map(pairs) => f.debug_map().entries(pairs.iter().map(|(k, v)| (k, v))).finish(),
        }
    }
}

impl Segment {
    /// Text known at compile time: allocates nothing. `query_key!` uses it for its literals.
    pub const fn literal(text: &'static str) -> Self {
        Segment(Repr::Literal(text))
    }

    /// No value: what `None` becomes.
    pub const fn null() -> Self {
        Segment(Repr::Null)
    }

    /// Whether this is a map, which a filter may match in part.
    pub(crate) fn is_map(&self) -> bool {
        matches!(self.0, Repr::Map(_))
    }

    /// Whether `self` has all that `part` has: a map those pairs and perhaps more, anything else the same
    /// value.
    pub(crate) fn contains(&self, part: &Segment) -> bool {
        match (&self.0, &part.0) {
            (Repr::Map(all), Repr::Map(part)) => part.iter().all(|(name, wanted)| {
                all.binary_search_by(|(held, _)| held.cmp(name))
                    .ok()
                    .and_then(|place| all.get(place))
                    .is_some_and(|(_, held)| held.contains(wanted))
            }),
            _ => self == part,
        }
    }

    /// A map. The order of the pairs does not matter; of two pairs with one name the later one counts.
    pub fn map<K: Into<Rc<str>>, V: Into<Segment>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let sorted: std::collections::BTreeMap<Rc<str>, Segment> =
            pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Segment(Repr::Map(sorted.into_iter().collect()))
    }
}

impl From<&str> for Segment {
    fn from(text: &str) -> Self {
        Segment(Repr::Text(text.into()))
    }
}

impl From<String> for Segment {
    fn from(text: String) -> Self {
        Segment(Repr::Text(text.into()))
    }
}

impl From<&String> for Segment {
    fn from(text: &String) -> Self {
        Segment(Repr::Text(text.as_str().into()))
    }
}

impl From<Rc<str>> for Segment {
    fn from(text: Rc<str>) -> Self {
        Segment(Repr::Text(text))
    }
}

/// No value.
impl From<()> for Segment {
    fn from((): ()) -> Self {
        Segment::null()
    }
}

impl From<bool> for Segment {
    fn from(value: bool) -> Self {
        Segment(Repr::Bool(value))
    }
}

impl From<f64> for Segment {
    fn from(value: f64) -> Self {
        Segment(Repr::Float(if value == 0.0 { 0 } else { value.to_bits() }))
    }
}

impl From<f32> for Segment {
    fn from(value: f32) -> Self {
        Segment::from(f64::from(value))
    }
}

impl From<char> for Segment {
    fn from(value: char) -> Self {
        Segment::from(value.encode_utf8(&mut [0; 4]) as &str)
    }
}

impl From<u64> for Segment {
    fn from(value: u64) -> Self {
        Segment(i64::try_from(value).map_or(Repr::Big(value), Repr::Int))
    }
}

impl From<usize> for Segment {
    fn from(value: usize) -> Self {
        Segment::from(value as u64)
    }
}

macro_rules! from_small_integers {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Segment {
            fn from(value: $integer) -> Self {
                Segment(Repr::Int(i64::from(value)))
            }
        }
    )*};
}
from_small_integers!(i8, i16, i32, i64, u8, u16, u32);

impl<T: Into<Segment>> From<Option<T>> for Segment {
    fn from(value: Option<T>) -> Self {
        value.map_or(Segment::null(), Into::into)
    }
}

impl<T: Into<Segment>> From<Vec<T>> for Segment {
    fn from(items: Vec<T>) -> Self {
        Segment(Repr::List(items.into_iter().map(Into::into).collect()))
    }
}

/// What may stand as a literal in [`query_key!`](crate::query_key).
#[doc(hidden)]
pub trait LiteralSegment {
    /// The segment it stands for.
    fn segment(self) -> Segment;
}

impl LiteralSegment for &'static str {
    fn segment(self) -> Segment {
        Segment::literal(self)
    }
}

macro_rules! literal_by_value {
    ($($value:ty),*) => {$(
        impl LiteralSegment for $value {
            fn segment(self) -> Segment {
                Segment::from(self)
            }
        }
    )*};
}
literal_by_value!(bool, char, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, usize);
