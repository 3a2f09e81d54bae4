//! The native figures: ratios of what criterion measured.

use std::fs;

use anyhow::Context;
use serde::Deserialize;

use super::Row;
use crate::run;
use crate::tools::Toolbox;

/// Runs the benches and compares what they left.
pub fn measure(tools: &Toolbox) -> anyhow::Result<Vec<Row>> {
    let mut bench = tools.cargo();
    bench.args(["bench", "--locked", "--package", "query-cache", "--bench", "costs"]);
    run::show("measuring natively", &mut bench).map_err(run::report)?;
    let nanos = |id: &str| median(tools, id);
    let mut rows = Vec::new();
    for (what, id) in [
        ("exact lookup", "lookup/exact"),
        ("exact invalidation", "lookup/invalidate"),
        ("prefix with 10 matches", "lookup/prefix"),
    ] {
        let (small, large) = (nanos(&format!("{id}/1000"))?, nanos(&format!("{id}/100000"))?);
        let what =
            format!("{what}, 100,000 entries to 1,000 ({:.0} ns to {:.0})", large / 64.0, small / 64.0);
        rows.push(Row::at_most(what, large / small, 1.5, "×"));
    }
    let (all, nobody) = (nanos("write/all see")?, nanos("write/nobody selected")?);
    let per = |nanos: f64| nanos / 10_000.0;
    let what =
        format!("write that nobody selected to one all see ({:.0} ns to {:.0})", per(nobody), per(all));
    rows.push(Row::at_most(what, nobody / all, 0.1, "×"));
    for what in ["mount", "unmount", "unmount in order"] {
        let id = format!("observers/{what}");
        let (small, large) = (nanos(&format!("{id}/1000"))?, nanos(&format!("{id}/10000"))?);
        let per =
            format!("{what}, per observer, 10,000 to 1,000 ({:.0} ns to {:.0})", per(large), small / 1000.0);
        rows.push(Row::at_most(per, large / small / 10.0, 1.5, "×"));
    }
    for what in ["mount", "all change", "all again", "unmount"] {
        let id = format!("combined/{what}");
        let (small, large) = (nanos(&format!("{id}/100"))?, nanos(&format!("{id}/10000"))?);
        let per = format!(
            "combined, {what}, per query, 10,000 to 100 ({:.0} ns to {:.0})",
            per(large),
            small / 100.0
        );
        rows.push(Row::at_most(per, large / small / 100.0, 1.5, "×"));
    }
    for what in ["dehydrate", "hydrate"] {
        let millis = nanos(&format!("hydration/{what} 10000"))? / 1e6;
        rows.push(Row::at_most(format!("{what} 10,000 entries of 90 bytes"), millis, 40.0, " ms"));
    }
    let (small, large) = (nanos("storage/one dirty/100")?, nanos("storage/one dirty/10000")?);
    let what = format!("store one dirty entry among 10,000 to among 100 ({large:.0} ns to {small:.0})");
    rows.push(Row::at_most(what, large / small, 1.5, "×"));
    Ok(rows)
}

#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
}

/// Nanoseconds of one round.
fn median(tools: &Toolbox, id: &str) -> anyhow::Result<f64> {
    let file = tools.workspace.target.join("criterion").join(id).join("new/estimates.json");
    let text = fs::read_to_string(&file)
        .with_context(|| format!("criterion left no figure for {id}: is it still measured?"))?;
    let estimates: Estimates = serde_json::from_str(&text).context("criterion's figures cannot be read")?;
    Ok(estimates.median.point_estimate)
}
