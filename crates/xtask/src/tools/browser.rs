//! Chromium and the driver that fits it.

use std::path::{Path, PathBuf};

use anyhow::bail;
use nix::unistd::geteuid;

use super::{Toolbox, on_path};
use crate::output::say;
use crate::run;
use crate::versions::Version;

/// A browser and the program that drives it, of the same major version.
#[derive(Clone, Debug)]
pub struct Browser {
    pub chromium: PathBuf,
    pub chromedriver: PathBuf,
}

const BROWSERS: [&str; 5] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const ADVICE: &str =
    "install Chromium and its driver (on Debian: apt install chromium chromium-driver) and run this again";

impl Toolbox {
    /// The pair on PATH; else Debian's, installed if we may.
    pub fn browser(&self) -> anyhow::Result<Browser> {
        let missing = match self.pair() {
            Ok(pair) => return Ok(pair),
            Err(missing) => missing,
        };
        let debian = Path::new("/etc/debian_version").exists() && on_path("apt-get").is_some();
        if !debian || !geteuid().is_root() {
            bail!("{missing}: {ADVICE}");
        }
        say(format_args!("Installing Chromium and its driver with apt, for the browser tests: {missing}."));
        self.apt(&["update"])?;
        self.apt(&["install", "--yes", "--no-install-recommends", "chromium", "chromium-driver"])?;
        match self.pair() {
            Ok(pair) => Ok(pair),
            Err(missing) => bail!("{missing}, even after apt installed them: {ADVICE}"),
        }
    }

    fn apt(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut apt = self.command("apt-get");
        apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        match run::pulse("installing Chromium", &mut apt) {
            Ok(_) => Ok(()),
            Err(error) if error.is_network() => {
                bail!("apt-get could not download Chromium: check the network and run this again")
            }
            Err(error) => Err(run::report(error)),
        }
    }

    /// The pair on PATH, or what is wrong with it.
    fn pair(&self) -> Result<Browser, String> {
        let Some(chromedriver) = on_path("chromedriver") else {
            return Err("chromedriver was not found on PATH".into());
        };
        let driver = self.major(&chromedriver);
        let mut found = None;
        for chromium in BROWSERS.into_iter().filter_map(on_path) {
            let browser = self.major(&chromium);
            if browser.is_some() && browser == driver {
                return Ok(Browser { chromium, chromedriver });
            }
            found = found.or(browser);
        }
        Err(mismatch(found, driver))
    }

    fn major(&self, program: &Path) -> Option<u64> {
        Some(Version::in_text(&run::ask(self.command(program).arg("--version"))?)?.major())
    }
}

fn mismatch(browser: Option<u64>, driver: Option<u64>) -> String {
    match (browser, driver) {
        (None, _) => "no Chromium that runs was found on PATH".into(),
        (Some(_), None) => "the chromedriver on PATH does not run".into(),
        (Some(browser), Some(driver)) => {
            format!("Chromium {browser} and chromedriver {driver} on PATH do not fit each other")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_pair_is_said() {
        assert!(mismatch(None, Some(143)).contains("no Chromium"));
        assert!(mismatch(Some(143), None).contains("chromedriver"));
        let both = mismatch(Some(143), Some(140));
        assert!(both.contains("143") && both.contains("140"), "{both}");
    }
}
