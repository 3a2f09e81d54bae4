//! What a cache entry is called.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use crate::segment::Segment;

/// The name of a cache entry: a list of [`Segment`]s, made by [`query_key!`](crate::query_key).
///
/// Equal when the segments are. The hash is computed once, when the key is made; a clone shares the segments.
#[derive(Clone)]
pub struct QueryKey {
    // Beside the pointer, not behind it: most keys that differ are told apart by it alone.
    hash: u64,
    segments: Rc<[Segment]>,
}

impl QueryKey {
    /// A key of these segments.
    pub fn new(segments: impl Into<Rc<[Segment]>>) -> Self {
        let segments = segments.into();
        let mut hasher = Fnv::default();
        for segment in &*segments {
            segment.hash(&mut hasher);
        }
        QueryKey { hash: hasher.finish(), segments }
    }

    /// Whether this key begins with all segments of the other. Every key begins with itself.
    pub fn starts_with(&self, prefix: &QueryKey) -> bool {
        self.segments().starts_with(prefix.segments())
    }

    /// The key's hash, made with the key.
    pub(crate) fn hash_value(&self) -> u64 {
        self.hash
    }

    /// The hashes of the keys that this one begins with, shortest first: of one segment, of two and so on,
    /// itself not among them.
    pub(crate) fn prefix_hashes(&self) -> impl Iterator<Item = u64> + '_ {
        let proper = self.segments().len().saturating_sub(1);
        self.segments().iter().take(proper).scan(Fnv::default(), |hasher, segment| {
            segment.hash(hasher);
            Some(hasher.finish())
        })
    }

    /// The segments, first to last.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }
}

impl PartialEq for QueryKey {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
            && (Rc::ptr_eq(&self.segments, &other.segments) || self.segments == other.segments)
    }
}

impl Eq for QueryKey {}

impl Hash for QueryKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
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
