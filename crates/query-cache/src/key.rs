//! What a cache entry is called.

use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::rc::Rc;

/// One part of a [`QueryKey`]: text, a number, a boolean, nothing, a list or a map.
///
/// Compared by value: the literal `"foo"` and a `String` holding `foo` are the same segment, and so are
/// `1_i32` and `1_u64`. Floats are compared by their bits, so `NaN` finds itself again.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Segment(Repr);

#[derive(Clone)]
enum Repr {
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

impl From<bool> for Segment {
    fn from(value: bool) -> Self {
        Segment(Repr::Bool(value))
    }
}

impl From<f64> for Segment {
    fn from(value: f64) -> Self {
        Segment(Repr::Float(value.to_bits()))
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
literal_by_value!(bool, f64, i32, i64, u32, u64, usize);

/// The name of a cache entry: a list of [`Segment`]s, made by [`query_key!`](crate::query_key).
///
/// Equal when the segments are. The hash is computed once, when the key is made; a clone shares it.
#[derive(Clone)]
pub struct QueryKey(Rc<Inner>);

struct Inner {
    hash: u64,
    segments: Box<[Segment]>,
}

impl QueryKey {
    /// A key of these segments.
    pub fn new(segments: impl Into<Box<[Segment]>>) -> Self {
        let segments = segments.into();
        let mut hasher = Fnv::default();
        segments.hash(&mut hasher);
        QueryKey(Rc::new(Inner { hash: hasher.finish(), segments }))
    }

    /// The segments, first to last.
    pub fn segments(&self) -> &[Segment] {
        &self.0.segments
    }
}

impl PartialEq for QueryKey {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0) || (self.0.hash == other.0.hash && self.0.segments == other.0.segments)
    }
}

impl Eq for QueryKey {}

impl Hash for QueryKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.hash);
    }
}

impl fmt::Debug for QueryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.segments()).finish()
    }
}

/// FNV-1a: small, good enough for a few words. Keys are the page's own, so nobody gains by colliding them.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        // The low bits of FNV are weak, and they are what a hash table looks at.
        self.0 ^ (self.0 >> 32)
    }
}

/// Takes the hash a key already has.
#[derive(Default)]
pub(crate) struct PassThrough(u64);

impl Hasher for PassThrough {
    fn write(&mut self, _bytes: &[u8]) {
        // Only keys are hashed with this, and they write one `u64`.
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

pub(crate) type KeyHasher = BuildHasherDefault<PassThrough>;

/// Makes a [`QueryKey`] from literals and expressions.
///
/// Literals allocate nothing; anything else goes through `Segment::from`.
///
/// ```
/// use query_cache::{QueryKey, query_key};
///
/// fn post(id: u64) -> QueryKey {
///     query_key!["posts", id, "comments"]
/// }
/// assert_eq!(post(7), query_key![String::from("posts"), 7, "comments"]);
/// assert_ne!(post(7), post(8));
/// ```
#[macro_export]
macro_rules! query_key {
    (@munch [$($done:expr,)*]) => { $crate::QueryKey::new([$($done),*]) };
    (@munch [$($done:expr,)*] $literal:literal) => {
        $crate::query_key!(@munch [$($done,)* $crate::__private::LiteralSegment::segment($literal),])
    };
    (@munch [$($done:expr,)*] $literal:literal, $($rest:tt)*) => {
        $crate::query_key!(@munch [$($done,)* $crate::__private::LiteralSegment::segment($literal),] $($rest)*)
    };
    (@munch [$($done:expr,)*] $value:expr) => {
        $crate::query_key!(@munch [$($done,)* $crate::Segment::from($value),])
    };
    (@munch [$($done:expr,)*] $value:expr, $($rest:tt)*) => {
        $crate::query_key!(@munch [$($done,)* $crate::Segment::from($value),] $($rest)*)
    };
    ($($segments:tt)*) => { $crate::query_key!(@munch [] $($segments)*) };
}
