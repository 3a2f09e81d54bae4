//! npm packages: fetched as tarballs, checked, unpacked. None of their scripts ever runs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use flate2::read::GzDecoder;

use super::{Toolbox, integrity, on_path};
use crate::output::say;
use crate::run::{self, RunError};
use crate::versions::NpmPackage;

impl Toolbox {
    /// The unpacked folder of a package, by its name in `tools.toml`.
    pub fn npm_package(&self, name: &str) -> anyhow::Result<PathBuf> {
        let package = self.versions.npm_package(name)?;
        let entry = format!("npm/{name}-{}", package.version);
        let folder = self.cache.get_or_fill(&entry, |work| {
            say(format_args!("Fetching {} {} from npm: {}.", package.package, package.version, package.why));
            let tarball = self.fetch(package, work)?;
            let bytes = fs::read(&tarball).context("the tarball npm wrote cannot be read")?;
            let unpacked = work.join("unpacked");
            unpack_checked(package, &bytes, &unpacked)?;
            Ok(unpacked)
        })?;
        Ok(folder.join("package"))
    }

    /// Puts binaryen's wasm-opt on PATH. It is a script for node.
    pub fn wasm_opt(&mut self) -> anyhow::Result<()> {
        let folder = self.npm_package("binaryen")?;
        require_node("wasm-opt")?;
        self.add_to_path(folder.join("bin"));
        Ok(())
    }

    fn fetch(&self, package: &NpmPackage, work: &Path) -> anyhow::Result<PathBuf> {
        let NpmPackage { package: name, version, .. } = package;
        let mut npm = self.command("npm");
        npm.current_dir(work)
            .args(["pack", "--ignore-scripts", "--loglevel=error", "--no-update-notifier"])
            // npm's own pauses between tries are 10 s and more: too long to learn that there is no network.
            .args(["--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=4000"])
            .arg(format!("{name}@{version}"));
        match run::pulse(&format!("fetching {name}"), &mut npm) {
            Ok(_) => {}
            Err(RunError::NotFound { .. }) => bail!(
                "npm was not found: install Node.js with npm (on Debian: apt install npm) and run this again"
            ),
            Err(error) if error.is_network() => bail!(
                "npm could not reach its registry for {name} {version}: check the network and npm's proxy settings, and run this again"
            ),
            Err(error) => return Err(run::report(error)),
        }
        tarball_in(work)
    }
}

/// Fails unless node can run the scripts that are about to be started.
pub fn require_node(what: &str) -> anyhow::Result<()> {
    on_path("node").map(drop).ok_or_else(|| {
        anyhow!("node was not found, and {what} needs it: install Node.js (on Debian: apt install nodejs) and run this again")
    })
}

fn tarball_in(folder: &Path) -> anyhow::Result<PathBuf> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "tgz") {
            return Ok(path);
        }
    }
    bail!("npm pack wrote no tarball: update npm and run this again")
}

/// Unpacks a package's tarball into a new folder, if it is the right one.
fn unpack_checked(package: &NpmPackage, tarball: &[u8], into: &Path) -> anyhow::Result<()> {
    let name = format!("{} {}", package.package, package.version);
    integrity::check(&name, tarball, &package.integrity)?;
    unpack(tarball, into)
        .with_context(|| format!("{name} could not be unpacked into {}: is the disk full?", into.display()))
}

/// Unpacks a gzipped tarball into a folder, new or not. The files count as written now.
pub fn unpack(tarball: &[u8], into: &Path) -> io::Result<()> {
    fs::create_dir_all(into)?;
    let mut archive = tar::Archive::new(GzDecoder::new(tarball));
    archive.set_preserve_mtime(false);
    archive.unpack(into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn package(integrity: &str) -> NpmPackage {
        NpmPackage {
            package: "@a/b".into(),
            version: "1.2.3".parse().unwrap(),
            integrity: integrity.into(),
            why: "of a test".into(),
        }
    }

    fn tarball() -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(5);
        header.set_mode(0o755);
        builder.append_data(&mut header, "package/bin/tool", &b"hello"[..]).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&builder.into_inner().unwrap()).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn a_wrong_hash_names_both_and_unpacks_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let into = folder.path().join("unpacked");
        let wrong = "sha512-AAAA";
        let error = unpack_checked(&package(wrong), &tarball(), &into).unwrap_err();
        let mismatch = error.downcast_ref::<integrity::Mismatch>().unwrap();
        assert_eq!(mismatch.expected, wrong);
        assert!(mismatch.to_string().contains(&mismatch.found));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_right_one_is_unpacked_and_programs_stay_programs() {
        let folder = tempfile::tempdir().unwrap();
        let into = folder.path().join("unpacked");
        let tarball = tarball();
        let right = integrity::check("", &tarball, "").unwrap_err().found;
        unpack_checked(&package(&right), &tarball, &into).unwrap();
        let tool = into.join("package/bin/tool");
        assert_eq!(fs::read_to_string(&tool).unwrap(), "hello");
        assert!(super::super::is_program(&tool));
    }
}
