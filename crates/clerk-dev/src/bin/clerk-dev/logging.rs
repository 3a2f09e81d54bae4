use std::io::{self, IsTerminal as _};

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Logs to stderr what `RUST_LOG` asks for, info by default.
pub(crate) fn start() {
    let wanted = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    tracing_subscriber::registry()
        .with(wanted)
        .with(filter_fn(may_be_logged))
        .with(tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal()))
        .init();
}

/// Below info, only this crate is known to log no header and no body, whatever `RUST_LOG` says.
fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    let ours = metadata.target().split("::").next() == Some("clerk_dev");
    ours || *metadata.level() <= Level::INFO
}
