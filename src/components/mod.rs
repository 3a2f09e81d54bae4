mod countdown;
mod fetch_status;
mod header;
mod title;

pub use countdown::Countdown;
pub use fetch_status::{FetchStatus, FetchStatusProps};
pub use header::Header;
pub use title::use_title;
