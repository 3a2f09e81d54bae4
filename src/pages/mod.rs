mod foo;
mod home;
mod not_found;
mod requests;
mod settings_error;
pub mod sign_in;

pub use foo::FooPage;
pub use home::Home;
pub use not_found::NotFound;
pub use requests::Requests;
pub use settings_error::SettingsError;
pub use sign_in::SignInPage;
