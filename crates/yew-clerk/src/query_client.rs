use std::cell::RefCell;

use query_cache::QueryClient;
use yew::prelude::*;
use yew_query_cache::QueryClientProvider;

use crate::auth::AuthState;
use crate::hooks::use_clerk;

/// Properties of [`QueryClientProviderWithClerk`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub struct QueryClientProviderWithClerkProps {
    /// The cache, made once.
    pub client: QueryClient,
    /// The app.
    #[prop_or_default]
    pub children: Html,
}

/// Gives its descendants a query cache that belongs to the session: when the session ends, or another
/// organization becomes active, its requests are dropped and its data is thrown away. While nobody knows who
/// is signed in, the cache shows nothing, fetches nothing and throws nothing away.
///
/// It stands within a [`ClerkProvider`](crate::ClerkProvider).
#[component]
pub fn QueryClientProviderWithClerk(props: &QueryClientProviderWithClerkProps) -> Html {
    let clerk = use_clerk();
    // Tied during the first render: an effect would come after the descendants' first fetches.
    let _tie = use_memo((clerk, props.client.clone()), |(clerk, client)| {
        let owner = RefCell::new(None);
        let (told, client) = (clerk.clone(), client.clone());
        let follow = move || follow(&told.auth(), &owner, &client);
        follow();
        clerk.listen(follow)
    });
    html! { <QueryClientProvider client={props.client.clone()}>{ props.children.clone() }</QueryClientProvider> }
}

/// Session and active organization: whose answers the cache holds.
type Owner = (String, Option<String>);

fn follow(auth: &AuthState, owner: &RefCell<Option<Owner>>, client: &QueryClient) {
    if *auth == AuthState::Loading {
        client.hold_scope();
        return;
    }
    let now = auth.session().map(|session| (session.id.clone(), session.organization_id.clone()));
    let before = owner.replace(now.clone());
    if before == now {
        client.restore_scope();
    } else {
        client.end_scope();
    }
}
