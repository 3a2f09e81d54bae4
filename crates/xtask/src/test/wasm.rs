//! The app as it ships: built, made smaller, checked and weighed.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::Session;
use crate::dev::quiet_trunk;
use crate::output::say;
use crate::run;
use crate::tools::Toolbox;

/// Builds the app for release and checks what a browser would load.
pub(super) fn ship(session: &mut Session) -> anyhow::Result<()> {
    let tools = &mut session.tools;
    tools.wasm_target()?;
    tools.cargo_tool("wasm-bindgen-cli")?;
    tools.cargo_tool("trunk")?;
    tools.wasm_opt()?;
    // Not the `dist` at the root, which a `cargo xtask dev` may be serving.
    let dist = tools.workspace.target.join("xtask/dist");
    let mut trunk = tools.command("trunk");
    trunk.args(["build", "--release", "--locked", "--dist"]).arg(&dist);
    quiet_trunk(&mut trunk);
    run::show("building the app", &mut trunk).map_err(run::report)?;

    let modules = files_in(&dist, "wasm")?;
    if modules.is_empty() {
        bail!("Trunk built no wasm into {}: see its lines above", dist.display());
    }
    for module in &modules {
        shrink(tools, module)?;
        validate(tools, module)?;
        weigh(module)?;
    }
    for script in files_in(&dist, "js")? {
        weigh(&script)?;
    }
    session.dist = Some(dist);
    Ok(())
}

fn files_in(folder: &Path, extension: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Plain `-Oz`: with `--all-features` it writes modules that no browser loads.
pub fn shrink(tools: &Toolbox, module: &Path) -> anyhow::Result<()> {
    let smaller = module.with_extension("smaller");
    let mut wasm_opt = tools.command("wasm-opt");
    wasm_opt.arg("-Oz").arg(module).arg("-o").arg(&smaller);
    run::show("making the wasm smaller", &mut wasm_opt).map_err(run::report)?;
    fs::rename(&smaller, module).context("the smaller wasm cannot take its place")
}

/// Whether a browser would load it.
pub fn validate(tools: &Toolbox, module: &Path) -> anyhow::Result<()> {
    const SCRIPT: &str =
        "process.exit(WebAssembly.validate(require('fs').readFileSync(process.argv[1])) ? 0 : 1)";
    let mut node = tools.command("node");
    match run::pulse("validating the wasm", node.args(["--eval", SCRIPT]).arg(module)) {
        Ok(_) => {
            say("WebAssembly.validate: valid");
            Ok(())
        }
        Err(run::RunError::Failed { .. }) => {
            bail!("{} is no module a browser would load: see which features wasm-opt used", module.display())
        }
        Err(error) => Err(run::report(error)),
    }
}

fn weigh(file: &Path) -> anyhow::Result<()> {
    let bytes = fs::read(file)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    say(format_args!("{name}: {} bytes, {} with gzip", bytes.len(), gzip(&bytes)?));
    Ok(())
}

/// How many bytes are left by `gzip -9`.
pub fn gzip(bytes: &[u8]) -> anyhow::Result<usize> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(bytes)?;
    Ok(gzip.finish()?.len())
}
