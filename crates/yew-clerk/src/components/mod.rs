mod buttons;
mod host;
mod sign_in;
mod user_button;
mod when;

pub use buttons::{SignInButton, SignInButtonProps, SignOutButton, SignOutButtonProps};
pub use sign_in::{SignIn, SignInProps};
pub use user_button::{UserButton, UserButtonProps};
pub use when::{ClerkFailed, ClerkLoading, SignedIn, SignedOut, WhenProps};
