//! The user's cache folder, shared by all clones: tools and packages, each in a folder named after its
//! version, so that one that exists is complete and right.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, anyhow};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use crate::interrupt;
use crate::output::say;
use crate::run::HEARTBEAT;

/// Where tools and packages are kept.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The folder for this user: `$XDG_CACHE_HOME`, `~/.cache`, or `~/Library/Caches`.
    pub fn of_user() -> anyhow::Result<Self> {
        let xdg = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let home = std::env::var_os("HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let usual = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
        let base = xdg
            .or_else(|| home.map(|home| home.join(usual)))
            .context("there is no folder for downloaded tools: set HOME or XDG_CACHE_HOME")?;
        Ok(Self::at(base.join("yew-clerk")))
    }

    /// A cache in a folder of one's choice.
    pub fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// Where an entry (`tools/trunk-0.21.14`) is, or would be.
    pub fn path(&self, entry: &str) -> PathBuf {
        self.root.join(entry)
    }

    /// The folder of an entry, filled by `fill` if it does not exist yet.
    ///
    /// `fill` gets a fresh folder beside it and returns the part of it to keep, which is moved into
    /// place in one step: nobody ever sees half an entry. A lock keeps a second process from doing
    /// the same work, and from the folder the first one works in.
    pub fn get_or_fill(
        &self,
        entry: &str,
        fill: impl FnOnce(&Path) -> anyhow::Result<PathBuf>,
    ) -> anyhow::Result<PathBuf> {
        let place = self.path(entry);
        if place.is_dir() {
            return Ok(place);
        }
        let parent = place.parent().unwrap_or(&self.root);
        let name = place.file_name().unwrap_or(OsStr::new(entry)).to_string_lossy();
        let unwritable =
            || format!("{} cannot be written: make it writable, or set XDG_CACHE_HOME", parent.display());
        fs::create_dir_all(parent).with_context(unwritable)?;
        let lock = File::create(parent.join(format!(".{name}.lock"))).with_context(unwritable)?;
        let _lock = wait_for(lock, &name)?;
        if place.is_dir() {
            return Ok(place);
        }
        let work = Work::begin(parent.join(format!(".{name}.part"))).with_context(unwritable)?;
        let filled = fill(&work.0)?;
        fs::rename(&filled, &place).with_context(unwritable)?;
        Ok(place)
    }
}

/// Takes the lock, and says so if somebody else holds it.
fn wait_for(mut file: File, name: &str) -> anyhow::Result<Flock<File>> {
    let started = Instant::now();
    let mut said = None::<Instant>;
    loop {
        file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((file, Errno::EWOULDBLOCK | Errno::EINTR)) => file,
            Err((_, error)) => return Err(anyhow!("the lock on {name} could not be taken ({error})")),
        };
        if said.is_none_or(|said| said.elapsed() >= HEARTBEAT) {
            let waited = started.elapsed().as_secs();
            say(format_args!("  another cargo xtask is setting up {name}; waiting for it… {waited} s"));
            said = Some(Instant::now());
        }
        interrupt::tick()?;
    }
}

/// A folder that is gone when the work is, whatever its outcome.
struct Work(PathBuf);

impl Work {
    fn begin(path: PathBuf) -> std::io::Result<Self> {
        // We hold the lock: what is there was left by a process that is no more.
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    #[test]
    fn an_entry_is_filled_once_and_failure_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().join("cache"));
        let failed = cache.get_or_fill("tools/a-1", |work| {
            fs::write(work.join("half"), "")?;
            bail!("no")
        });
        assert!(failed.is_err());
        assert!(!cache.path("tools/a-1").exists());

        let fill = |work: &Path| {
            fs::create_dir(work.join("package"))?;
            fs::write(work.join("package/file"), "whole")?;
            fs::write(work.join("scrap"), "")?;
            Ok(work.join("package"))
        };
        let place = cache.get_or_fill("tools/a-1", fill).unwrap();
        assert_eq!(fs::read_to_string(place.join("file")).unwrap(), "whole");
        assert!(!place.join("scrap").exists());
        cache.get_or_fill("tools/a-1", |_| bail!("filled twice")).unwrap();

        let mut left: Vec<_> = fs::read_dir(cache.path("tools"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, [".a-1.lock", "a-1"]);
    }

    #[test]
    fn two_at_once_do_the_work_once() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().to_owned());
        let count = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    cache.get_or_fill("b-1", |work| {
                        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        std::thread::sleep(std::time::Duration::from_millis(150));
                        fs::create_dir(work.join("x"))?;
                        Ok(work.join("x"))
                    })
                });
            }
        });
        assert_eq!(count.into_inner(), 1);
    }
}
