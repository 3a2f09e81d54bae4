//! The steps, but for the shipped wasm.
//!
//! Cargo keeps one build of a dependency per set of features, and a step that asks for other packages
//! or features than the one before builds some again. So the steps ask alike: the whole workspace with
//! all features for this machine, the page's crates with all features for wasm.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail};

use super::Session;
use crate::output::say;
use crate::run;
use crate::tools::WASM;
use crate::workspace::Package;

/// The package of the end-to-end tests, which need everything else to run.
const END_TO_END: &str = "e2e";

/// The page that they drive.
const LAB: &str = "e2e-lab";

/// How the files of tests that run in a browser begin.
const BROWSER_TESTS: &str = "browser";

pub(super) fn show(what: &str, command: &mut Command) -> anyhow::Result<()> {
    run::show(what, command).map_err(run::report)
}

pub(super) fn select<'a>(command: &mut Command, packages: impl IntoIterator<Item = &'a Package>) {
    for package in packages {
        command.args(["--package", &package.name]);
    }
}

/// Downloads what Cargo.lock names, for every target; the later steps do without the network. A
/// Cargo.lock that does not fit the manifests fails here.
pub fn dependencies(session: &mut Session) -> anyhow::Result<()> {
    match run::show("fetching the dependencies", session.tools.cargo().args(["fetch", "--locked"])) {
        Err(error) if error.is_network() => {
            bail!("cargo could not download the dependencies: check the network and run this again")
        }
        other => other.map_err(run::report),
    }
}

/// Everything is formatted as `cargo fmt` does it.
pub fn formatting(session: &mut Session) -> anyhow::Result<()> {
    session.tools.component("fmt", "rustfmt")?;
    show("checking the format", session.tools.cargo().args(["fmt", "--all", "--check"]))
}

/// Every dependency has a licence and a source that `deny.toml` allows.
pub fn licences(session: &mut Session) -> anyhow::Result<()> {
    session.tools.cargo_tool("cargo-deny")?;
    let mut deny = session.tools.cargo();
    deny.args(["deny", "--offline", "check", "licenses", "bans", "sources"]);
    show("checking licences and sources", &mut deny)
}

/// Clippy has nothing to say for this machine.
pub fn clippy(session: &mut Session) -> anyhow::Result<()> {
    session.tools.component("clippy", "clippy")?;
    let mut clippy = session.tools.cargo();
    clippy.args(["clippy", "--locked", "--workspace", "--all-targets", "--all-features"]);
    show("running clippy", clippy.args(["--", "-D", "warnings"]))
}

/// Nor for what a page runs, where other code is compiled.
pub fn clippy_for_the_page(session: &mut Session) -> anyhow::Result<()> {
    session.tools.component("clippy", "clippy")?;
    session.tools.wasm_target()?;
    let mut clippy = session.tools.cargo();
    clippy.args(["clippy", "--locked", "--target", WASM, "--all-features", "--lib", "--bins"]);
    let page = session.tools.workspace.in_the_page();
    if page.iter().any(|package| package.has_tests_named(BROWSER_TESTS)) {
        clippy.args(["--test", &format!("{BROWSER_TESTS}*")]);
    }
    select(&mut clippy, page);
    show("running clippy for the page", clippy.args(["--", "-D", "warnings"]))
}

/// The tests that run on this machine.
pub fn native_tests(session: &mut Session) -> anyhow::Result<()> {
    let mut test = session.tools.cargo();
    test.args(["test", "--locked", "--workspace", "--exclude", END_TO_END, "--all-features"]);
    show("running the native tests", test.args(["--lib", "--bins", "--tests", "--no-fail-fast"]))
}

/// The examples in the documentation, READMEs included.
pub fn doc_tests(session: &mut Session) -> anyhow::Result<()> {
    let mut test = session.tools.cargo();
    test.args(["test", "--locked", "--workspace", "--exclude", END_TO_END, "--all-features"]);
    show("running the documentation tests", test.args(["--doc", "--no-fail-fast"]))
}

/// The tests that run in a browser: those of crates with a `webdriver.json`, in `tests/browser*.rs` and
/// in the library itself. Their other tests are for this machine and need not compile for wasm.
pub fn browser_tests(session: &mut Session) -> anyhow::Result<()> {
    session.tools.wasm_target()?;
    session.tools.cargo_tool("wasm-bindgen-cli")?;
    let browser = session.tools.browser()?;
    let workspace = &session.tools.workspace;
    let tested: Vec<&Package> =
        workspace.packages.iter().filter(|package| package.has_browser_tests()).collect();
    if tested.is_empty() {
        bail!("no crate has a webdriver.json, so there is nothing to run in a browser");
    }
    // A crate without any test would pass, and so would one whose tests are where nobody looks.
    if let Some(package) = tested.iter().find(|package| !package.has_tests_named(BROWSER_TESTS)) {
        bail!("{} has a webdriver.json but no tests/browser*.rs: write one or remove the file", package.name);
    }
    let mut test = session.tools.cargo();
    test.args(["test", "--locked", "--target", WASM, "--all-features", "--no-fail-fast", "--lib"]);
    test.args(["--test", &format!("{BROWSER_TESTS}*")]);
    select(&mut test, tested);
    test.env("CHROMEDRIVER", browser.chromedriver).env("WASM_BINDGEN_TEST_TIMEOUT", "120");
    show("running the browser tests", &mut test)
}

/// The tests of everything together, in a real browser, on the app as it ships.
pub fn end_to_end(session: &mut Session) -> anyhow::Result<()> {
    let Some(dist) = session.dist.clone() else {
        bail!("there is no app to test: mend the step before this one");
    };
    let browser = session.tools.browser()?;
    let clerk_js = session.tools.npm_package("clerk-js")?;
    let clerk_ui = session.tools.npm_package("clerk-ui")?;
    let lab = lab(session)?;
    say("Building the servers.");
    let mut build = session.tools.cargo();
    build.args(["build", "--locked", "--package", "clerk-dev", "--package", "foo-api"]);
    show("building the servers", &mut build)?;
    let mut test = session.tools.cargo();
    test.args(["test", "--locked", "--package", END_TO_END, "--no-fail-fast"])
        .env("E2E_DIST", dist)
        .env("E2E_LAB", lab)
        .env("E2E_CLERK_JS", clerk_js)
        .env("E2E_CLERK_UI", clerk_ui)
        .env("E2E_CHROMIUM", browser.chromium)
        .env("E2E_CHROMEDRIVER", browser.chromedriver)
        .env("E2E_BIN", session.tools.workspace.target.join("debug"));
    // What the proofs saw is worth reading also where they hold.
    show("running the end-to-end tests", test.args(["--", "--nocapture"]))
}

/// The page that the end-to-end tests drive from outside, built: its folder.
fn lab(session: &mut Session) -> anyhow::Result<PathBuf> {
    session.tools.wasm_target()?;
    session.tools.cargo_tool("wasm-bindgen-cli")?;
    let workspace = &session.tools.workspace;
    let folder = workspace.target.join("xtask/lab");
    let mut build = session.tools.cargo();
    build.args(["build", "--locked", "--package", LAB, "--profile", "web", "--target", WASM]);
    show("building the lab", &mut build)?;
    let mut bindgen = session.tools.command("wasm-bindgen");
    bindgen.args(["--target", "web", "--no-typescript", "--out-name", "lab", "--out-dir"]).arg(&folder);
    show("binding the lab", bindgen.arg(workspace.target.join(WASM).join("web/e2e_lab.wasm")))?;
    let package = workspace.packages.iter().find(|package| package.name == LAB);
    let package = package.with_context(|| format!("there is no crate {LAB}"))?;
    for file in ["index.html", "cache.html", "worker.js"] {
        fs::copy(package.folder().join(file), folder.join(file))
            .with_context(|| format!("the lab's {file} cannot be copied"))?;
    }
    Ok(folder)
}
