//! `use_mutation_state` and `use_is_mutating`: what is going on in the whole page.

use std::cell::RefCell;
use std::rc::Rc;

use query_cache::{MutationFilter, MutationInfo, MutationsObserver, QueryClient};
use yew::functional::UseForceUpdateHandle;
use yew::{hook, use_force_update, use_memo};

use crate::bridge::BROWSER;
use crate::misuse::HookKind;
use crate::provider::use_client;

/// What `select` makes of each call of a mutation that the filter means, wherever it was made, in the order in
/// which they were made. The component is rendered again when a call comes or goes, or one of what was made is
/// not equal to what it was.
///
/// ```
/// use yew::prelude::*;
/// use yew_query_cache::{MutationFilter, use_mutation_state};
///
/// /// What is on its way, shown in grey below the list.
/// #[component]
/// fn Unsent() -> Html {
///     let filter = MutationFilter::named("add").pending();
///     let texts = use_mutation_state(filter, |call| call.variables::<String>());
///     html! { <ul>{ for texts.iter().flatten().map(|text| html! { <li class="unsent">{ &**text }</li> }) }</ul> }
/// }
/// ```
#[hook]
pub fn use_mutation_state<S: PartialEq + 'static>(
    filter: impl Into<MutationFilter>,
    select: impl Fn(&MutationInfo) -> S + 'static,
) -> Rc<Vec<S>> {
    let filter = filter.into();
    let shown = use_memo((), |()| RefCell::new(Rc::new(Vec::new())));
    let look: Rc<Look> = Rc::new(move |client: &QueryClient| {
        let found: Vec<S> = client.find_mutations(filter.clone()).iter().map(&select).collect();
        // Not compared while it is borrowed: that is user code.
        let held: Rc<Vec<S>> = shown.borrow().clone();
        let changed = *held != found;
        if changed {
            let before = shown.replace(Rc::new(found));
            drop(before);
        }
        (changed, shown.borrow().clone() as Rc<dyn std::any::Any>)
    });
    let found = use_look(look, HookKind::MutationState);
    found.and_then(|found| found.downcast().ok()).unwrap_or_default()
}

/// How many calls of mutations that the filter means are not over, paused ones among them: for one indicator of
/// the whole page. The component is rendered again when the number changes.
#[hook]
pub fn use_is_mutating(filter: impl Into<MutationFilter>) -> usize {
    use_pending_count(filter.into().pending())
}

#[hook]
fn use_pending_count(filter: MutationFilter) -> usize {
    let shown = use_memo((), |()| RefCell::new(0));
    let look: Rc<Look> = Rc::new(move |client: &QueryClient| {
        let count = client.count_mutations(filter.clone());
        (shown.replace(count) != count, Rc::new(count) as Rc<dyn std::any::Any>)
    });
    let found = use_look(look, HookKind::IsMutating);
    found.and_then(|found| found.downcast_ref().copied()).unwrap_or_default()
}

/// Looks again: whether there is anything new, and what there is.
type Look = dyn Fn(&QueryClient) -> (bool, Rc<dyn std::any::Any>);

#[hook]
fn use_look(look: Rc<Look>, kind: HookKind) -> Option<Rc<dyn std::any::Any>> {
    let client = use_client(kind);
    let update = use_force_update();
    let looker = use_memo((), |()| Looker::default());
    client.ok().filter(|_| BROWSER).map(|client| Looker::look(&looker, &client, look, update))
}

#[derive(Default)]
struct Looker {
    look: RefCell<Option<Rc<Look>>>,
    observer: RefCell<Option<MutationsObserver>>,
}

impl Looker {
    fn look(
        self: &Rc<Self>,
        client: &QueryClient,
        look: Rc<Look>,
        update: UseForceUpdateHandle,
    ) -> Rc<dyn std::any::Any> {
        let before = self.look.replace(Some(look.clone()));
        drop(before);
        let same = self.observer.borrow().as_ref().is_some_and(|observer| observer.client() == client);
        if !same {
            let (looker, weak) = (Rc::downgrade(self), client.downgrade());
            let observer = client.observe_mutations(Rc::new(move || {
                let (Some(looker), Some(client)) = (looker.upgrade(), weak.upgrade()) else { return };
                let look = looker.look.borrow().clone();
                if look.is_some_and(|look| look(&client).0) {
                    update.force_update();
                }
            }));
            let before = self.observer.replace(Some(observer));
            drop(before);
        }
        look(client).1
    }
}
