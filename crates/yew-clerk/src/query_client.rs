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
///
/// What it keeps is data, such as a text:
///
/// ```
/// use query_cache::{FetchContext, Query, QueryKey, query_key};
///
/// struct Kept;
///
/// impl Query for Kept {
///     type Data = String;
///     type Error = String;
///     fn key(&self) -> QueryKey {
///         query_key!["kept"]
///     }
///     async fn fetch(&self, _: FetchContext) -> Result<String, String> {
///         Err("not fetched".to_owned())
///     }
/// }
/// ```
///
/// and never a token, which does not compile as a query's data:
///
/// ```compile_fail,E0277
/// use query_cache::{FetchContext, Query, QueryKey, query_key};
///
/// struct Kept;
///
/// impl Query for Kept {
///     type Data = yew_clerk::SessionToken;
///     type Error = String;
///     fn key(&self) -> QueryKey {
///         query_key!["kept"]
///     }
///     async fn fetch(&self, _: FetchContext) -> Result<yew_clerk::SessionToken, String> {
///         Err("not fetched".to_owned())
///     }
/// }
/// ```
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
