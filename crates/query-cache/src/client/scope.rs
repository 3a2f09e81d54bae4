//! The scope: whose data this is.

use super::QueryClient;
use super::extensions::Happens;

impl QueryClient {
    /// Holds the scope, while it is unclear whose data this is: shows nothing (every query is pending),
    /// begins no attempt, throws nothing away. Ends with [`restore_scope`](QueryClient::restore_scope) or
    /// [`end_scope`](QueryClient::end_scope). Answers to attempts already under way are kept, unseen.
    /// [Public](crate::QueryOptions::public) queries go on.
    pub fn hold_scope(&self) {
        self.step(|engine, _, fx| engine.hold(fx));
        self.tell_extensions(Happens::Held);
    }

    /// Opens a held scope again: it was still the same person. All is as it was. Does nothing to a scope
    /// that is not held.
    pub fn restore_scope(&self) {
        self.step(|engine, now, fx| engine.restore(now, fx));
        self.tell_extensions(Happens::Restored);
    }

    /// Ends the scope, held or not, and opens a new one: fetches are dropped, their answers can no longer
    /// arrive, data is gone and what is watched shows as pending. What is still watched one turn later is
    /// fetched anew, in the new scope. [Public](crate::QueryOptions::public) queries stay.
    pub fn end_scope(&self) {
        let begin = self.step(|engine, now, fx| engine.end_scope(now, fx));
        self.tell_extensions(Happens::Ended);
        self.begin_with(begin);
    }

    /// A handle that belongs to the scope that is open now. Once that has ended it writes nothing, fetches
    /// nothing and finds nothing, so that what was begun for one person cannot be finished for another. Take
    /// one before you wait for a server, and write its answer by that.
    ///
    /// ```
    /// use query_cache::{ManualEnvironment, QueryClient, query, query_key};
    ///
    /// let client = QueryClient::new(ManualEnvironment::new(1));
    /// let name = || query(query_key!["name"], async |_| Ok::<_, String>("Ada"));
    ///
    /// let of_ada = client.in_this_scope();
    /// client.end_scope(); // Ada signs out while her request is under way.
    /// of_ada.set_data(&name(), "Ada");
    /// assert_eq!(client.get_data(&name()), None);
    /// ```
    pub fn in_this_scope(&self) -> QueryClient {
        let scope = self.scope.unwrap_or_else(|| self.read(|engine| engine.scope()));
        self.in_scope(Some(scope))
    }

    /// Whether this handle belongs to a scope that has ended.
    pub fn is_over(&self) -> bool {
        self.scope.is_some_and(|scope| self.read(|engine| engine.scope()) != scope)
    }

    pub(crate) fn in_scope(&self, scope: Option<u32>) -> QueryClient {
        QueryClient { shared: self.shared.clone(), scope }
    }
}
