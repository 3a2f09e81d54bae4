use axum::Router;
use axum::handler::Handler;
use axum::routing::on;

use super::operation::Operation;

/// Routes with their descriptions. Neither can be added without the other.
#[derive(Debug)]
pub(crate) struct Described<S = ()> {
    routes: Router<S>,
    operations: Vec<Operation>,
}

impl<S: Clone + Send + Sync + 'static> Described<S> {
    pub(crate) fn new() -> Self {
        Self { routes: Router::new(), operations: Vec::new() }
    }

    pub(crate) fn route<H, T>(mut self, operation: Operation, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.routes = self.routes.route(operation.path, on(operation.filter, handler));
        self.operations.push(operation);
        self
    }

    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.operations.extend(other.operations);
        Self { routes: self.routes.merge(other.routes), ..self }
    }

    pub(crate) fn with_state<S2>(self, state: S) -> Described<S2> {
        Described { routes: self.routes.with_state(state), operations: self.operations }
    }

    /// The routes, and what is said of them.
    pub(crate) fn into_parts(self) -> (Router<S>, Vec<Operation>) {
        (self.routes, self.operations)
    }
}
