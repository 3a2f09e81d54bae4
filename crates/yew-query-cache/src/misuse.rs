//! Mistakes in the program, told in the console.

use std::cell::Cell;

use query_cache::Misuse;

/// Which hook was called. Each tells a mistake once per page: a list of a hundred rows is one mistake.
#[derive(Clone, Copy)]
pub(crate) enum HookKind {
    Query = 1,
    Client = 2,
    Queries = 4,
    QuerySelect = 8,
    SuspenseQuery = 16,
    IsFetching = 32,
    Prefetch = 64,
    Mutation = 128,
    InfiniteQuery = 256,
    Combined = 512,
    MutationState = 1024,
    IsMutating = 2048,
}

thread_local! {
    /// The kinds that have told, as bits.
    static TOLD: Cell<u16> = const { Cell::new(0) };
}

impl HookKind {
    fn name(self) -> &'static str {
        match self {
            HookKind::Query => "use_query",
            HookKind::Client => "use_query_client",
            HookKind::Queries => "use_queries",
            HookKind::QuerySelect => "use_query_select",
            HookKind::SuspenseQuery => "use_suspense_query",
            HookKind::IsFetching => "use_is_fetching",
            HookKind::Prefetch => "use_prefetch",
            HookKind::InfiniteQuery => "use_infinite_query",
            HookKind::Combined => "use_combined",
            HookKind::Mutation => "use_mutation",
            HookKind::MutationState => "use_mutation_state",
            HookKind::IsMutating => "use_is_mutating",
        }
    }

    pub fn tell(self, misuse: Misuse) {
        let told = TOLD.get();
        let kind = self as u16;
        if told & kind == 0 && cfg!(target_arch = "wasm32") {
            TOLD.set(told | kind);
            web_sys::console::error_1(&format!("{}: {misuse}", self.name()).into());
        }
    }
}
