//! What the query layer weighs in a page: the same small app by hand and with `use_query`, as shipped.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::output::say;
use crate::run;
use crate::test::wasm;
use crate::tools::{Toolbox, WASM};

/// The package of the apps, in the folder of the crate they weigh.
const PACKAGE: &str = "yew-query-cache-size";

/// How many types of data the larger apps have.
const TYPES: usize = 10;

/// More than this, in bytes of gzip, and the command fails: what was measured, rounded up. Raising one is a
/// decision; lowering it after something was saved is a duty.
const BUDGET: Layer = Layer { first: 23_000, further: 1_500 };

/// What the features that an app does not use may add, in bytes of gzip: the places where they are plugged in.
const UNUSED: usize = 700;

/// The parts of the cache that register on first use. Nothing of them is in an app that uses none.
const PARTS: [&str; 8] =
    ["combined", "hydrate", "infinite", "layers", "mutation", "persist", "stream", "tabs"];

/// A part that is in every app, so that the names are looked for as they are written.
const ALWAYS: &str = "engine";

/// What `use_query` costs over fetching by hand.
#[derive(Debug, PartialEq, Eq)]
struct Layer {
    /// The first query: the whole layer.
    first: usize,
    /// Each further type, all of it: its data, its query and its component.
    further: usize,
}

/// One app, as a browser gets it.
#[derive(Clone, Copy, Debug)]
struct Weight {
    raw: usize,
    gzip: usize,
}

/// The four apps.
#[derive(Debug)]
struct Weights {
    by_hand: Weight,
    cached: Weight,
    by_hand_ten: Weight,
    cached_ten: Weight,
}

impl Weights {
    fn layer(&self) -> Layer {
        Layer {
            first: self.cached.gzip.saturating_sub(self.by_hand.gzip),
            further: per_type(self.cached, self.cached_ten),
        }
    }

    fn within(&self, budget: &Layer) -> anyhow::Result<()> {
        let layer = self.layer();
        if layer.first > budget.first || layer.further > budget.further {
            bail!(
                "the query layer is over its budget of {} bytes of gzip, or {} for a further type: see what grew, or raise it in crates/xtask/src/size.rs",
                budget.first,
                budget.further
            );
        }
        Ok(())
    }
}

/// What each type beyond the first adds.
fn per_type(one: Weight, ten: Weight) -> usize {
    ten.gzip.saturating_sub(one.gzip) / (TYPES - 1)
}

impl fmt::Display for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |name, by_hand: Weight, cached: Weight| {
            let more = cached.gzip.saturating_sub(by_hand.gzip);
            writeln!(
                f,
                "| {name} | {} | {} | {} | {} | {more} |",
                by_hand.raw, by_hand.gzip, cached.raw, cached.gzip
            )
        };
        row("one type", self.by_hand, self.cached)?;
        row("ten types", self.by_hand_ten, self.cached_ten)?;
        let by_hand = per_type(self.by_hand, self.by_hand_ten);
        write!(f, "| a further type | | {by_hand} | | {} | |", self.layer().further)
    }
}

/// Builds the apps, prints what they weigh and fails above the budget.
pub fn check() -> anyhow::Result<ExitCode> {
    let mut tools = Toolbox::open()?;
    tools.wasm_target()?;
    tools.cargo_tool("wasm-bindgen-cli")?;
    tools.wasm_opt()?;
    build(&tools, "building the apps", &["--bins"])?;
    let built = tools.workspace.target.join(WASM).join("web");
    let out = tools.workspace.target.join("xtask/size");
    let weigh = |name: &str| weigh(&tools, &built.join(name).with_extension("wasm"), &out.join(name));
    let weights = Weights {
        by_hand: weigh("by_hand")?,
        cached: weigh("cached")?,
        by_hand_ten: weigh("by_hand_ten")?,
        cached_ten: weigh("cached_ten")?,
    };
    say("| wasm, bytes | by hand | gzip | use_query | gzip | more gzip |\n|---|---|---|---|---|---|");
    say(&weights);
    weights.within(&BUDGET)?;

    build(&tools, "building it with all features", &["--bin", "cached", "--features", "everything"])?;
    let module = fs::read(built.join("cached.wasm")).context("the module cannot be read")?;
    let unused = weigh("cached")?;
    let more = unused.gzip.saturating_sub(weights.cached.gzip);
    say(format_args!("with all features on, and none used: {} bytes of gzip, {more} more", unused.gzip));
    if !has(&module, ALWAYS) {
        bail!("the module has no names: what is in it cannot be told");
    }
    if let Some(part) = PARTS.into_iter().find(|part| has(&module, part)) {
        bail!("`query_cache::{part}` is in the binary of an app that does not use it");
    }
    if more > UNUSED {
        bail!("features that an app does not use add more than {UNUSED} bytes of gzip to it");
    }
    Ok(ExitCode::SUCCESS)
}

fn build(tools: &Toolbox, what: &str, which: &[&str]) -> anyhow::Result<()> {
    let mut build = tools.cargo();
    build.args(["build", "--locked", "--package", PACKAGE, "--profile", "web", "--target", WASM]);
    run::show(what, build.args(which)).map_err(run::report)
}

/// Whether a name in the module is of this part of the cache: in either of the ways in which Rust mangles names.
fn has(module: &[u8], part: &str) -> bool {
    let written = [format!("query_cache{}{part}", part.len()), format!("query_cache..{part}..")];
    written.iter().any(|name| module.windows(name.len()).any(|bytes| bytes == name.as_bytes()))
}

/// Prepares a module as `cargo xtask test` does the app's, and weighs it.
fn weigh(tools: &Toolbox, module: &Path, out: &Path) -> anyhow::Result<Weight> {
    let mut bindgen = tools.command("wasm-bindgen");
    bindgen
        .args(["--target", "web", "--no-typescript", "--out-name", "app", "--out-dir"])
        .arg(out)
        .arg(module);
    run::show("binding a module", &mut bindgen).map_err(run::report)?;
    let module = out.join("app_bg.wasm");
    wasm::shrink(tools, &module)?;
    wasm::validate(tools, &module)?;
    let bytes = fs::read(&module).context("the module cannot be read")?;
    Ok(Weight { raw: bytes.len(), gzip: wasm::gzip(&bytes)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(by_hand: usize, cached: usize, by_hand_ten: usize, cached_ten: usize) -> Weights {
        let weight = |gzip| Weight { raw: gzip * 2, gzip };
        Weights {
            by_hand: weight(by_hand),
            cached: weight(cached),
            by_hand_ten: weight(by_hand_ten),
            cached_ten: weight(cached_ten),
        }
    }

    #[test]
    fn a_part_is_found_by_its_mangled_name_and_not_by_one_that_begins_alike() {
        assert!(has(b"\0_ZN11query_cache4tabs3Tab3say17h", "tabs"));
        assert!(has(b"drop_in_place$LT$query_cache..tabs..Tab$GT$", "tabs"));
        assert!(!has(b"_ZN11query_cache9tabsworld3Tab query_cache..tabsworld..", "tabs"));
    }

    #[test]
    fn the_budget_is_for_the_difference_and_for_a_further_type() {
        let small = weights(1_000, 1_100, 1_900, 1_190);
        assert_eq!(small.layer(), Layer { first: 100, further: 10 });
        small.within(&Layer { first: 100, further: 10 }).unwrap();
        small.within(&Layer { first: 99, further: 10 }).unwrap_err();
        small.within(&Layer { first: 100, further: 9 }).unwrap_err();
    }
}
