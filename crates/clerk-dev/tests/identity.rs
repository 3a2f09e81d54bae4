//! What is made once and kept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::fs;
use std::path::Path;
use std::time::Duration;

use clerk_core::{InstanceType, PublishableKey};
use clerk_dev::{ClerkDev, SetupError};
use support::{Server, settings};

fn identity_file(folder: &Path) -> std::path::PathBuf {
    folder.join("data/identity.json")
}

#[test]
fn each_folder_has_a_key_of_its_own_and_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let one = ClerkDev::open(settings(folder.path())).unwrap();
    let again = ClerkDev::open(settings(folder.path())).unwrap();
    assert_eq!(one.publishable_key(), again.publishable_key());
    assert_eq!(
        one.publishable_key(),
        clerk_dev::describe(&folder.path().join("data")).unwrap().publishable_key
    );

    let key: PublishableKey = one.publishable_key().parse().unwrap();
    assert_eq!(key.instance_type(), InstanceType::Development);
    let host = key.frontend_api().strip_prefix("clerk.").unwrap().strip_suffix(".localhost").unwrap();
    assert!(host.len() == 12 && host.bytes().all(|byte| byte.is_ascii_hexdigit()), "{host}");

    assert_eq!(one.secret_key(), again.secret_key());

    let other = tempfile::tempdir().unwrap();
    let other = ClerkDev::open(settings(other.path())).unwrap();
    assert_ne!(one.publishable_key(), other.publishable_key());
    assert_ne!(one.secret_key(), other.secret_key());
    assert_ne!(one.secret_key().as_str()[8..], one.machine_secret_key().as_str()[3..]);
}

#[test]
fn two_that_start_at_once_agree() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let keys: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| clerk_dev::describe(&data).unwrap().publishable_key)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let server = Server::start().await;
    server.browser().sign_in().await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let data = server.folder.path().join("data");
    assert_eq!(mode(&data), 0o700);
    let files: Vec<_> = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 3, "identity, sign-ins and control: {files:?}");
    for file in &files {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }

    let file = identity_file(server.folder.path());
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    clerk_dev::describe(&data).unwrap();
    assert_eq!(mode(&file), 0o600, "a file that others could read is taken from them");
}

#[test]
fn a_damaged_identity_is_named_and_its_key_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    ClerkDev::open(settings(folder.path())).unwrap();
    let file = identity_file(folder.path());
    let good = fs::read_to_string(&file).unwrap();
    let secret: serde_json::Value = serde_json::from_str(&good).unwrap();
    let secret = &secret["signingKey"].as_str().unwrap()[..40];
    for bad in [
        String::new(),
        good[..good.len() / 2].to_owned(),
        good.replace("\"signingKey\"", "\"signing\""),
        good.replace("pk_test_", "pk_"),
        good.replacen(secret, "AAAA", 1),
    ] {
        fs::write(&file, &bad).unwrap();
        let error = ClerkDev::open(settings(folder.path())).unwrap_err();
        assert!(matches!(&error, SetupError::Damaged { path, .. } if *path == file), "{error}");
        let sentence = error.to_string();
        assert!(sentence.contains(file.to_str().unwrap()) && !sentence.contains(secret), "{sentence}");
        assert_eq!(fs::read_to_string(&file).unwrap(), bad, "nothing is overwritten");
    }
}

#[test]
fn a_production_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    ClerkDev::open(settings(folder.path())).unwrap();
    let file = identity_file(folder.path());
    let text = fs::read_to_string(&file).unwrap().replace("pk_test_", "pk_live_");
    fs::write(&file, text).unwrap();
    let error = ClerkDev::open(settings(folder.path())).unwrap_err();
    assert!(matches!(error, SetupError::LiveKey { .. }), "{error}");
}

#[test]
fn wrong_settings_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for origin in ["https://localhost:8080", "http://foo.com", "http://0.0.0.0:8080", "localhost"] {
        let mut settings = settings(folder.path());
        settings.app_origin = origin.into();
        let error = ClerkDev::open(settings).unwrap_err();
        assert!(matches!(&error, SetupError::AppOrigin(given) if given == origin), "{error}");
    }
    let mut brief = settings(folder.path());
    brief.token_life = Duration::ZERO;
    assert!(matches!(ClerkDev::open(brief).unwrap_err(), SetupError::TokenLife));

    let mut blocked = settings(folder.path());
    blocked.data_dir = folder.path().join("@clerk+ui/package.json/data");
    assert!(matches!(ClerkDev::open(blocked).unwrap_err(), SetupError::Data { .. }));
}

#[test]
fn debug_shows_no_key_and_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let dev = ClerkDev::open(settings(folder.path())).unwrap();
    let description = clerk_dev::describe(&folder.path().join("data")).unwrap();
    let shown = format!("{dev:?} {description:?} {:?}", dev.people());
    assert!(shown.contains("Ada Lovelace"));
    for person in dev.people() {
        assert!(!shown.contains(person.password()));
    }
    for key in [dev.secret_key(), dev.machine_secret_key()] {
        assert!(!shown.contains(key.as_str()) && !format!("{key:?}").contains(key.as_str()));
    }
}
