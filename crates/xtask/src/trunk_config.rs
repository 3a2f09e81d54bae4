//! Trunk's settings for one run: those of `Trunk.toml`, with the ports of this run.
//!
//! Trunk takes a port on its command line but only adds to the list of proxies, and a second one for
//! the same path is an error. So the file is read, changed and written to the checkout's `.dev` folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::{Value, json};

use crate::ports::Ports;

/// Writes the settings and returns the file, which `trunk --config` takes. Without the development
/// server there is nothing to proxy.
pub fn write(root: &Path, into: &Path, ports: Ports, with_clerk: bool) -> anyhow::Result<PathBuf> {
    let text = fs::read_to_string(root.join("Trunk.toml"))
        .context("Trunk.toml cannot be read: restore it from git")?;
    let settings = adapt(&text, root, ports, with_clerk)?;
    let file = into.join("trunk.json");
    fs::create_dir_all(into)
        .and_then(|()| fs::write(&file, settings.to_string()))
        .with_context(|| format!("{} cannot be written: check its permissions", file.display()))?;
    Ok(file)
}

fn adapt(text: &str, root: &Path, ports: Ports, with_clerk: bool) -> anyhow::Result<Value> {
    let mut settings: Value = toml::from_str(text).context("Trunk.toml is malformed")?;
    // Trunk reads relative paths from where its settings lie.
    let absolute = |path: &Value| json!(root.join(path.as_str().unwrap_or_default()));
    for file in ["/build/target", "/build/dist"] {
        let file = at(&mut settings, file)?;
        *file = absolute(file);
    }
    for path in list(at(&mut settings, "/watch/watch")?) {
        *path = absolute(path);
    }
    *at(&mut settings, "/serve/port")? = json!(ports.app);
    let proxies = at(&mut settings, "/proxies")?;
    if with_clerk {
        for proxy in list(proxies) {
            *at(proxy, "/backend")? = json!(format!("http://127.0.0.1:{}/__clerk", ports.clerk));
        }
    } else {
        *proxies = json!([]);
    }
    Ok(settings)
}

fn at<'a>(settings: &'a mut Value, pointer: &str) -> anyhow::Result<&'a mut Value> {
    settings.pointer_mut(pointer).with_context(|| format!("Trunk.toml lacks {pointer}: restore it from git"))
}

fn list(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    value.as_array_mut().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{APP, Workspace};

    const TRUNK_TOML: &str = include_str!("../../../Trunk.toml");

    #[test]
    fn ports_change_and_the_rest_stays() {
        let ports = Ports { app: 9000, api: 9001, clerk: 9002 };
        let settings = adapt(TRUNK_TOML, Path::new("/a b"), ports, true).unwrap();
        assert_eq!(settings["serve"]["port"], 9000);
        assert_eq!(settings["serve"]["addresses"], json!(["127.0.0.1"]));
        let proxies = settings["proxies"].as_array().unwrap();
        assert_eq!(proxies.len(), 1);
        assert_eq!(proxies[0]["backend"], "http://127.0.0.1:9002/__clerk");
        assert_eq!(
            (&proxies[0]["no_redirect"], &proxies[0]["no_system_proxy"]),
            (&json!(true), &json!(true))
        );
        assert_eq!(settings["build"]["target"], "/a b/index.html");
        assert_eq!(settings["watch"]["watch"][0], "/a b/index.html");
        let hosted = adapt(TRUNK_TOML, Path::new("/a b"), ports, false).unwrap();
        assert_eq!(hosted["proxies"], json!([]));
    }

    #[test]
    fn the_file_itself_has_the_default_ports() {
        let written: Value = toml::from_str(TRUNK_TOML).unwrap();
        let ports = Ports::default();
        assert_eq!(written["serve"]["port"], ports.app);
        assert_eq!(written["proxies"][0]["backend"], format!("http://127.0.0.1:{}/__clerk", ports.clerk));
    }

    #[test]
    fn every_crate_of_the_page_is_watched_and_every_watched_path_exists() {
        let workspace = Workspace::find().unwrap();
        let settings = adapt(TRUNK_TOML, &workspace.root, Ports::default(), true).unwrap();
        let watched: Vec<PathBuf> = serde_json::from_value(settings["watch"]["watch"].clone()).unwrap();
        for package in workspace.in_the_page() {
            let source = package.folder().join("src");
            assert!(watched.contains(&source), "Trunk.toml does not watch {} of {APP}", source.display());
        }
        for path in watched.iter().filter(|path| !path.ends_with("index.html")) {
            assert!(path.exists(), "Trunk.toml watches {}, which does not exist", path.display());
        }
    }
}
