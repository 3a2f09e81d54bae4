use std::path::{Path, PathBuf};
use std::{fs, io};

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Bytes;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::ids;
use crate::setup_error::SetupError;

/// A file under the exact version in its URL never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The npm packages whose files are served: clerk-js and its components.
#[derive(Debug)]
pub(crate) struct Packages {
    all: Vec<Package>,
}

#[derive(Debug)]
struct Package {
    name: &'static str,
    version: String,
    dist: PathBuf,
}

/// The members of `package.json` that say which package it is.
#[derive(Deserialize)]
struct Manifest {
    name: String,
    version: String,
}

/// A file of a package.
pub(crate) struct PackageFile {
    bytes: Bytes,
    content_type: &'static str,
    cache_control: &'static str,
    etag: String,
}

impl Packages {
    /// An empty path leaves its package out.
    pub(crate) fn open(clerk_js: &Path, clerk_ui: &Path) -> Result<Self, SetupError> {
        let wanted = [
            ("@clerk/clerk-js", clerk_js, "dist/clerk.browser.js"),
            ("@clerk/ui", clerk_ui, "dist/ui.browser.js"),
        ];
        let all = wanted
            .into_iter()
            .filter(|(_, folder, _)| !folder.as_os_str().is_empty())
            .map(|(name, folder, script)| Package::open(name, folder, script))
            .collect::<Result<_, _>>()?;
        Ok(Self { all })
    }

    /// The file at `file` below the `dist` of the package called `scope` and `package`, such as `@clerk`
    /// and `clerk-js@6.40.0`. Any tag gets the version that is there: the scripts ask for majors.
    pub(crate) async fn file(&self, scope: &str, package: &str, file: &str) -> Option<PackageFile> {
        let (name, tag) = package.split_once('@')?;
        let package = self.all.iter().find(|known| known.name.split_once('/') == Some((scope, name)))?;
        let content_type = content_type(file)?;
        let bytes = tokio::fs::read(package.dist.join(inside(file)?)).await.ok()?;
        let etag = format!("\"{}\"", ids::hex(digest(&SHA256, &bytes).as_ref()));
        let cache_control = if tag == package.version { FOR_EVER } else { "no-cache" };
        Some(PackageFile { bytes: bytes.into(), content_type, cache_control, etag })
    }
}

impl Package {
    fn open(name: &'static str, folder: &Path, script: &str) -> Result<Self, SetupError> {
        let fail = |problem| SetupError::Package { name, folder: folder.to_owned(), problem };
        let unreadable = |error: io::Error| fail(format!("its package.json could not be read: {error}"));
        let bytes = fs::read(folder.join("package.json")).map_err(unreadable)?;
        let manifest: Manifest =
            serde_json::from_slice(&bytes).map_err(|_| fail("its package.json makes no sense".into()))?;
        if manifest.name != name {
            return Err(fail(format!("it holds {}", manifest.name)));
        }
        if !folder.join(script).is_file() {
            return Err(fail(format!("it has no {script}")));
        }
        Ok(Self { name, version: manifest.version, dist: folder.join("dist") })
    }
}

impl PackageFile {
    /// The file, or that it is the one the browser already has.
    pub(crate) fn into_response(self, request: &HeaderMap) -> Response {
        let headers: [(HeaderName, String); 4] = [
            (CONTENT_TYPE, self.content_type.to_owned()),
            (CACHE_CONTROL, self.cache_control.to_owned()),
            (ETAG, self.etag.clone()),
            (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        ];
        let known = request
            .get(IF_NONE_MATCH)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == self.etag));
        if known {
            (StatusCode::NOT_MODIFIED, headers).into_response()
        } else {
            (headers, self.bytes).into_response()
        }
    }
}

/// The path, if it leads nowhere but down.
fn inside(file: &str) -> Option<PathBuf> {
    file.split('/')
        .map(|part| {
            let plain = !matches!(part, "" | "." | "..") && !part.contains(['\\', ':', '\0']);
            plain.then_some(part)
        })
        .collect()
}

/// Without a charset, a page that names none either reads the scripts' texts as something else than UTF-8.
fn content_type(file: &str) -> Option<&'static str> {
    match Path::new(file).extension()?.to_str()? {
        "js" | "mjs" => Some("text/javascript; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "json" | "map" => Some("application/json; charset=utf-8"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_dist() {
        for file in
            ["../package.json", "a/../../x.js", "/etc/x.js", "a//x.js", "./x.js", "..\\x.js", "C:x.js", ""]
        {
            assert_eq!(inside(file), None, "{file}");
        }
        assert_eq!(inside("a/x.js"), Some(PathBuf::from("a/x.js")));
    }
}
