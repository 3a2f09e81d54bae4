use yew_router::prelude::*;

/// The pages of the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Routable)]
pub enum Route {
    /// What this is; public.
    #[at("/")]
    Home,
    /// The protected resource.
    #[at("/foo")]
    Foo,
    /// Clerk's sign-in form.
    #[at("/sign-in")]
    SignIn,
    /// Shows where the token goes and where it does not.
    #[at("/requests")]
    Requests,
    /// Everything else.
    #[not_found]
    #[at("/404")]
    NotFound,
}
