//! What the query cache costs: natively by criterion, in Chromium beside TanStack's core.

mod browser;
mod native;
mod page_server;

use std::process::ExitCode;

use crate::cli::Bench;
use crate::output::say;
use crate::tools::Toolbox;

/// One figure, and what it may be.
#[derive(Debug)]
struct Row {
    what: String,
    figure: String,
    limit: String,
    holds: bool,
}

impl Row {
    /// A figure with a unit that must not be above its limit.
    fn at_most(what: impl Into<String>, figure: f64, limit: f64, unit: &str) -> Self {
        Self {
            what: what.into(),
            figure: format!("{figure:.2}{unit}"),
            limit: format!("at most {limit}{unit}"),
            holds: figure <= limit,
        }
    }
}

/// Measures, prints a table and fails if a figure is above its limit. Nothing else should be running.
pub fn run(part: Bench) -> anyhow::Result<ExitCode> {
    let mut tools = Toolbox::open()?;
    let mut rows = Vec::new();
    if part != Bench::Browser {
        rows.extend(native::measure(&tools)?);
    }
    if part != Bench::Native {
        rows.extend(browser::measure(&mut tools)?);
    }
    say("| what | figure | limit | holds |\n|---|---|---|---|");
    for Row { what, figure, limit, holds } in &rows {
        say(format_args!("| {what} | {figure} | {limit} | {} |", if *holds { "yes" } else { "no" }));
    }
    let broken = rows.iter().filter(|row| !row.holds).count();
    say(format_args!("{} hold, {broken} do not", rows.len() - broken));
    Ok(if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
