//! Fuzzing of the verifier of tokens. Not part of the tests: it has no end of its own.

use anyhow::bail;

use crate::output::say;
use crate::run;
use crate::tools::Toolbox;

const TARGETS: [&str; 3] = ["token", "claims", "jwks"];

/// As long as a token and a key set may be, and a little more.
const LONGEST: u32 = 8300;

/// Fuzzes each target for its share of the time, from seeds made of the token vectors.
pub fn fuzz(seconds: u32) -> anyhow::Result<()> {
    let mut tools = Toolbox::open()?;
    tools.cargo_tool("cargo-fuzz")?;
    let nightly = tools.command("rustup").args(["run", "nightly", "rustc", "--version"]).output();
    if !nightly.is_ok_and(|answer| answer.status.success()) {
        bail!("fuzzing needs a nightly Rust: run `rustup toolchain install nightly` and this again");
    }
    let mut seeds = tools.cargo();
    seeds.args(["run", "--quiet", "--package", "clerk-verify", "--example", "fuzz_seeds"]);
    run::show("making seeds", &mut seeds).map_err(run::report)?;
    let share = seconds / u32::try_from(TARGETS.len())?;
    for target in TARGETS {
        say(format_args!("Fuzzing {target} for {share} s."));
        // By rustup, since the cargo that started this one may be of another toolchain.
        let mut fuzz = tools.command("rustup");
        fuzz.current_dir(tools.workspace.root.join("crates/clerk-verify"))
            .args(["run", "nightly", "cargo", "fuzz", "run", target, "--"])
            .arg(format!("-max_total_time={share}"))
            .arg(format!("-max_len={LONGEST}"))
            .arg("-print_final_stats=1");
        run::show(&format!("fuzzing {target}"), &mut fuzz).map_err(run::report)?;
    }
    Ok(())
}
