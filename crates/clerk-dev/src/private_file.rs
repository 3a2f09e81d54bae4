use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::ids;

/// Makes the folder if it is missing, for its owner alone.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Writes a file that only its owner can read, in one step: whoever reads it sees the old text or the new
/// one, and a crash leaves one of the two.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let temporary = write_beside(path, text)?;
    fs::rename(&temporary, path).inspect_err(|_| forget(&temporary))
}

/// Like [`replace`], but leaves a file that is already there as it is and says so with
/// [`io::ErrorKind::AlreadyExists`]: of two processes that start at once, one wins.
pub(crate) fn create(path: &Path, text: &str) -> io::Result<()> {
    let temporary = write_beside(path, text)?;
    let linked = fs::hard_link(&temporary, path);
    forget(&temporary);
    linked
}

/// Takes the file from everybody but its owner.
pub(crate) fn restrict(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

fn write_beside(path: &Path, text: &str) -> io::Result<PathBuf> {
    let suffix = ids::random_hex::<6>().map_err(io::Error::other)?;
    let temporary = path.with_extension(format!("{suffix}.tmp"));
    let written = new_private_file(&temporary).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map(|()| temporary.clone()).inspect_err(|_| forget(&temporary))
}

fn new_private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A temporary file that cannot be removed harms nobody.
fn forget(temporary: &Path) {
    let _ = fs::remove_file(temporary);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creating_never_overwrites_and_replacing_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        create(&path, "one").unwrap();
        assert_eq!(create(&path, "two").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        replace(&path, "three").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "three");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "temporary files left behind");
    }
}
