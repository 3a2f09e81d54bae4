//! Many queries folded into one value.

mod combination;
mod fold;
mod observer;

pub use combination::Combination;
pub use fold::{Fold, Found, Results};
pub use observer::CombinedObserver;
