//! `use_fetch_next_in_view`: the next page, when the end of the list can be seen.

use std::cell::Cell;
use std::rc::Weak;

use query_cache::{InfiniteQuery, Side};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use yew::{NodeRef, hook, use_effect_with};

use crate::use_infinite_query::{PagesWatch, UseInfiniteQuery};

/// Fetches the next page whenever this element, which stands after the list, is in view, until there is none or it
/// is out of view. A page that could not be fetched is tried again when the element comes into view anew, or by
/// [`fetch_next`](UseInfiniteQuery::fetch_next).
///
/// The element has to be there in the first render, or with the first pages. To have the page before the end is
/// reached, give it a height.
#[hook]
pub fn use_fetch_next_in_view<I: InfiniteQuery>(element: &NodeRef, list: &UseInfiniteQuery<I>) {
    let more = list.has_next() && !list.is_fetching_next() && list.next_error().is_none();
    use_fetch_in_view(element.clone(), list.watch(), Side::Next, list.pages().len(), more);
}

/// Fetches the previous page whenever this element, which stands before the list, is in view, likewise.
#[hook]
pub fn use_fetch_previous_in_view<I: InfiniteQuery>(element: &NodeRef, list: &UseInfiniteQuery<I>) {
    let more = list.has_previous() && !list.is_fetching_previous() && list.previous_error().is_none();
    use_fetch_in_view(element.clone(), list.watch(), Side::Previous, list.pages().len(), more);
}

/// A new observer for each length of the list: it says at once whether the element is in view, which one that saw it
/// come into view does not say again when it has stayed there. Where no more is to be fetched, the element has to leave
/// the view first.
#[hook]
fn use_fetch_in_view(element: NodeRef, watch: Weak<PagesWatch>, side: Side, pages: usize, more: bool) {
    use_effect_with((element.get(), pages, more), move |_| {
        let due = Cell::new(more);
        let in_view = InView::watch(&element, move |seen| {
            if !seen {
                due.set(true);
            } else if due.get()
                && let Some(watch) = watch.upgrade()
            {
                watch.fetch(side);
            }
        });
        || drop(in_view)
    });
}

struct InView {
    observer: web_sys::IntersectionObserver,
    _seen: Closure<dyn FnMut(js_sys::Array)>,
}

impl InView {
    fn watch(element: &NodeRef, told: impl Fn(bool) + 'static) -> Option<InView> {
        let element = element.cast::<web_sys::Element>()?;
        let seen = Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
            // The last is the newest.
            let last = entries.at(-1).dyn_into::<web_sys::IntersectionObserverEntry>();
            if let Ok(last) = last {
                told(last.is_intersecting());
            }
        });
        let observer = web_sys::IntersectionObserver::new(seen.as_ref().unchecked_ref()).ok()?;
        observer.observe(&element);
        Some(InView { observer, _seen: seen })
    }
}

impl Drop for InView {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}
