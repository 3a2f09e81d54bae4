//! The figures of a browser, of the same build that is weighed, in turns with TanStack's core.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;

use super::Row;
use super::page_server::{Folder, PageServer};
use crate::output::say;
use crate::run;
use crate::test::wasm;
use crate::tools::{Toolbox, WASM};

const PACKAGE: &str = "query-cache-browser-bench";
const MODULE: &str = "query_cache_browser_bench.wasm";

/// How long the page may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// The most that each task may take, in milliseconds, with 10,000 of whatever it is about.
const LIMITS: [(&str, f64); 4] =
    [("ignored write", 1.0), ("mount, one query", 2.5), ("mount, each its own", 2.5), ("settle", 40.0)];

/// The most that a query with one observer may take of the module's memory, in bytes.
const BYTES: f64 = 700.0;

#[derive(Deserialize)]
struct Answer {
    error: Option<String>,
    browser: String,
    tasks: BTreeMap<String, Took>,
    memory: Option<f64>,
}

/// Milliseconds of each round.
#[derive(Deserialize)]
struct Took {
    ours: Vec<f64>,
    theirs: Vec<f64>,
}

/// Builds the page, opens it and reads what it sends.
pub fn measure(tools: &mut Toolbox) -> anyhow::Result<Vec<Row>> {
    let server = PageServer::start(vec![
        Folder { prefix: "/tanstack/", files: tools.npm_package("query-core")?.join("build/modern") },
        Folder { prefix: "/wasm/", files: build(tools)? },
        Folder { prefix: "/", files: tools.workspace.root.join("crates/query-cache/benches/browser") },
    ])?;
    // One of its own: a browser that finds another with its profile hands the page to that and ends.
    let profile = tools.workspace.target.join(format!("xtask/bench-profile-{}", std::process::id()));
    let mut chromium = tools.command(tools.browser()?.chromium);
    chromium
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(server.url())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    say("Measuring in Chromium, in turns with TanStack's core.");
    let open = Open(chromium.spawn().context("Chromium could not be started")?, profile);
    let answer = server.wait(PATIENCE)?;
    drop(open);
    let answer: Answer = serde_json::from_str(&answer).context("the page's result cannot be read")?;
    if let Some(error) = answer.error {
        bail!("the page failed: {error}");
    }
    say(&answer.browser);
    LIMITS
        .iter()
        .map(|(name, limit)| {
            let took = answer.tasks.get(*name).with_context(|| format!("the page did not measure {name}"))?;
            let (ours, theirs) = (median(&took.ours), median(&took.theirs));
            let what = format!("Chromium: {name} (TanStack {theirs:.2} ms, {:.0} times)", theirs / ours);
            Ok(Row::at_most(what, ours, *limit, " ms"))
        })
        .chain(answer.memory.map(|bytes| Ok(Row::at_most("wasm32: an idle query", bytes, BYTES, " bytes"))))
        .collect()
}

/// The module as an app's would be shipped, in a folder.
fn build(tools: &mut Toolbox) -> anyhow::Result<PathBuf> {
    tools.wasm_target()?;
    tools.cargo_tool("wasm-bindgen-cli")?;
    tools.wasm_opt()?;
    let mut build = tools.cargo();
    build.args(["build", "--locked", "--package", PACKAGE, "--profile", "web", "--target", WASM]);
    run::show("building the page", &mut build).map_err(run::report)?;
    let out = tools.workspace.target.join("xtask/bench");
    let mut bindgen = tools.command("wasm-bindgen");
    bindgen
        .args(["--target", "web", "--no-typescript", "--out-name", "bench", "--out-dir"])
        .arg(&out)
        .arg(tools.workspace.target.join(WASM).join("web").join(MODULE));
    run::show("binding the page", &mut bindgen).map_err(run::report)?;
    wasm::shrink(tools, &out.join("bench_bg.wasm"))?;
    Ok(out)
}

/// A browser that ends with this value, and its profile with it.
struct Open(Child, PathBuf);

impl Drop for Open {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
        // What is left of it is in the target folder, where nobody minds it.
        let _ = std::fs::remove_dir_all(&self.1);
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_in_the_middle_and_nothing_has_none() {
        assert_eq!(median(&[9.0, 1.0, 5.0]).to_bits(), 5.0_f64.to_bits());
        assert!(median(&[]).is_nan());
    }
}
