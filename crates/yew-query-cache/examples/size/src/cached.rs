//! A component for each type, with `use_query`.

/// Defines a query, and a component that shows what it finds.
#[macro_export]
macro_rules! cached {
    ($($component:ident: $query:ident, $key:literal, $data:ident;)*) => {$(
        struct $query;

        impl yew_query_cache::Query for $query {
            type Data = $crate::$data;
            type Error = $crate::Failure;

            fn key(&self) -> yew_query_cache::QueryKey {
                yew_query_cache::query_key![$key]
            }
            async fn fetch(
                &self,
                _cx: yew_query_cache::FetchContext,
            ) -> Result<$crate::$data, $crate::Failure> {
                $crate::get($crate::$data::PATH).await
            }
        }

        #[yew::component]
        fn $component() -> yew::Html {
            let found = yew_query_cache::use_query($query);
            match found.state() {
                yew_query_cache::QueryState::Idle | yew_query_cache::QueryState::Pending { .. } => {
                    yew::html! { <p>{"Loading…"}</p> }
                }
                yew_query_cache::QueryState::Ready { data, .. } => yew::html! { <p>{data.text()}</p> },
                yew_query_cache::QueryState::Failed { error } => {
                    let failure = error.to_string();
                    let again = yew::Callback::from(move |_: yew::MouseEvent| found.refetch());
                    yew::html! { <p>{failure}<button onclick={again}>{"Try again"}</button></p> }
                }
            }
        }
    )*};
}
