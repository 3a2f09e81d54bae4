//! A server over real HTTP, and a browser that is only just enough of one.
#![allow(dead_code, reason = "each test uses some of it")]

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clerk_dev::{ClerkDev, Settings};
use reqwest::header::{COOKIE, HOST, ORIGIN, SET_COOKIE};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;

pub const APP: &str = "http://localhost:8080";
pub const ADA: (&str, &str) = ("ada@example.com", "notes-on-the-engine");

/// What a script may hold that a careless server breaks.
pub const SCRIPT: &[u8] = "console.log('Don\u{2019}t', '\u{1f511}')\r\n\u{0}".as_bytes();

pub fn package(folder: &Path, name: &str, version: &str, script: &str) -> PathBuf {
    let package = folder.join(name.replace('/', "+"));
    fs::create_dir_all(package.join("dist/themes")).unwrap();
    let manifest = serde_json::json!({ "name": name, "version": version }).to_string();
    fs::write(package.join("package.json"), manifest).unwrap();
    fs::write(package.join("dist").join(script), SCRIPT).unwrap();
    fs::write(package.join("dist/themes/shadcn.css"), "a{}").unwrap();
    fs::write(package.join("dist/index.d.ts"), "export {}").unwrap();
    package
}

pub fn settings(folder: &Path) -> Settings {
    Settings {
        app_origin: APP.into(),
        data_dir: folder.join("data"),
        clerk_js: package(folder, "@clerk/clerk-js", "6.1.2", "clerk.browser.js"),
        clerk_ui: package(folder, "@clerk/ui", "1.3.4", "ui.browser.js"),
        token_life: Settings::TOKEN_LIFE,
    }
}

pub struct Server {
    pub folder: TempDir,
    pub dev: ClerkDev,
    pub base: String,
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(folder.path());
        change(&mut settings);
        let dev = ClerkDev::open(settings).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let base = format!("http://{}/__clerk", listener.local_addr().unwrap());
        let router = dev.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { folder, dev, base }
    }

    pub fn browser(&self) -> Browser {
        Browser::of(&self.base)
    }
}

/// The answer's status and JSON.
pub type Answer = (u16, Value);

/// Sends what a browser sends through the app's proxy.
#[derive(Clone)]
pub struct Browser {
    pub http: Client,
    pub base: String,
    pub cookie: Option<String>,
}

impl Browser {
    pub fn of(base: &str) -> Self {
        let http = Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
        Self { http, base: base.to_owned(), cookie: None }
    }

    /// A request without the headers of browser and proxy.
    pub fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let origin = (method == Method::POST).then_some(APP);
        let mut request = self.bare(method, path).header("x-forwarded-host", "localhost:8080");
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        match &self.cookie {
            Some(cookie) => request.header(COOKIE, format!("theme=dark; {cookie}; x=y")),
            None => request,
        }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        let request = self.request(Method::GET, path);
        self.send(request).await
    }

    pub async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = self.request(Method::POST, path).form(form);
        self.send(request).await
    }

    pub async fn send(&mut self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        if let Some(cookie) = set_cookie(&response) {
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        let status = response.status().as_u16();
        (status, response.json().await.unwrap())
    }

    /// Signs Ada in, in the two steps of the form, and gives the session's id.
    pub async fn sign_in(&mut self) -> String {
        let (status, step) = self.post("/v1/client/sign_ins", &[("identifier", ADA.0)]).await;
        assert_eq!(status, 200, "{step}");
        let path = attempt_path(&step);
        let (status, done) = self.post(&path, &[("strategy", "password"), ("password", ADA.1)]).await;
        assert_eq!(status, 200, "{done}");
        done["response"]["created_session_id"].as_str().unwrap().to_owned()
    }
}

pub fn set_cookie(response: &Response) -> Option<String> {
    response.headers().get(SET_COOKIE).map(|value| value.to_str().unwrap().to_owned())
}

pub fn attempt_path(sign_in: &Value) -> String {
    format!("/v1/client/sign_ins/{}/attempt_first_factor", sign_in["response"]["id"].as_str().unwrap())
}

/// The code of the only error.
pub fn code(answer: &Value) -> &str {
    assert_eq!(answer["errors"].as_array().unwrap().len(), 1, "{answer}");
    assert!(!answer["clerk_trace_id"].as_str().unwrap().is_empty());
    answer["errors"][0]["code"].as_str().unwrap()
}

pub fn host(request: RequestBuilder, host: &str) -> RequestBuilder {
    request.header(HOST, host)
}
