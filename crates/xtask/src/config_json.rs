//! `static/config.json`: what the app reads when it starts.

use std::fs;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;

/// The settings of one deployment of the app.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigJson {
    pub publishable_key: String,
    /// Where the development server is reached on the app's own origin; absent for a hosted instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_path: Option<String>,
    /// The API's origin, without a path.
    pub api_origin: String,
}

impl ConfigJson {
    /// Writes the file, unless it says the same already: Trunk builds again when it changes.
    pub fn write(&self, root: &Path) -> anyhow::Result<()> {
        let file = root.join("static/config.json");
        let text = serde_json::to_string_pretty(self)? + "\n";
        if fs::read_to_string(&file).is_ok_and(|now| now == text) {
            return Ok(());
        }
        // Not in `static`, all of which Trunk copies.
        let draft = root.join(".dev/config.json");
        fs::create_dir_all(root.join(".dev"))
            .and_then(|()| fs::write(&draft, text))
            .and_then(|()| fs::rename(&draft, &file))
            .with_context(|| format!("{} cannot be written: check its permissions", file.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_holds_what_the_app_reads_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("static")).unwrap();
        let file = root.path().join("static/config.json");
        let mut config = ConfigJson {
            publishable_key: "pk_test_abc".into(),
            proxy_path: Some("/__clerk".into()),
            api_origin: "http://localhost:8081".into(),
        };
        config.write(root.path()).unwrap();
        let read = || serde_json::from_str::<serde_json::Value>(&fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(
            read(),
            serde_json::json!({
                "publishableKey": "pk_test_abc",
                "proxyPath": "/__clerk",
                "apiOrigin": "http://localhost:8081",
            })
        );
        let written = file.metadata().unwrap().modified().unwrap();
        config.write(root.path()).unwrap();
        assert_eq!(file.metadata().unwrap().modified().unwrap(), written);

        config.proxy_path = None;
        config.write(root.path()).unwrap();
        assert!(read().get("proxyPath").is_none());
        assert_eq!(fs::read_dir(root.path().join("static")).unwrap().count(), 1);
    }

    #[test]
    fn the_example_in_the_repository_has_the_same_fields() {
        let example: serde_json::Value =
            serde_json::from_str(include_str!("../../../static/config.example.json")).unwrap();
        let config = ConfigJson {
            publishable_key: String::new(),
            proxy_path: Some(String::new()),
            api_origin: String::new(),
        };
        let written = serde_json::to_value(config).unwrap();
        let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&example), keys(&written));
    }
}
