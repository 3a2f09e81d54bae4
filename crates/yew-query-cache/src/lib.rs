//! Hooks and a provider that bring the query-cache crate to Yew.
