//! A server over real HTTP, and a browser that is only just enough of one.
#![allow(dead_code, reason = "each test uses some of it")]

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clerk_dev::{ClerkDev, ControlAccess, Settings};
use reqwest::header::{COOKIE, HOST, ORIGIN, SET_COOKIE};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;

pub const APP: &str = "http://localhost:8080";
pub const ADA: (&str, &str) = ("ada@example.com", "notes-on-the-engine");
pub const GRACE: (&str, &str) = ("grace@example.com", "a-nanosecond-of-wire");

/// Ada and Grace are in it.
pub const SOCIETY: &str = "org_0000000000AnalyticalSociety";
/// Ada alone is in it.
pub const WORKS: &str = "org_0000000000000000EngineWorks";
/// Grace alone is in it.
pub const GROUP: &str = "org_00000000000000CompilerGroup";

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
        several_sessions: false,
    }
}

pub struct Server {
    pub folder: TempDir,
    pub dev: ClerkDev,
    pub base: String,
    pub control: Control,
}

impl Server {
    /// Where its Backend API is.
    pub fn backend(&self) -> String {
        self.base.replace("/__clerk", "/backend")
    }

    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(folder.path());
        change(&mut settings);
        let data_dir = settings.data_dir.clone();
        let dev = ClerkDev::open(settings).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let base = format!("http://{}/__clerk", listener.local_addr().unwrap());
        let router = dev.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let router = dev.control(listener.local_addr().unwrap()).unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let control = Control::of(&data_dir);
        Self { folder, dev, base, control }
    }

    pub fn browser(&self) -> Browser {
        Browser::of(&self.base)
    }
}

/// Calls the control port as a test does that knows the data folder.
pub struct Control {
    http: Client,
    pub url: String,
    pub secret: String,
}

impl Control {
    pub fn of(data_dir: &Path) -> Self {
        let access = ControlAccess::read(data_dir).unwrap();
        Self { http: client(), url: access.url().to_owned(), secret: access.secret().to_owned() }
    }

    /// A request without the secret.
    pub fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = self.bare(method, path).bearer_auth(&self.secret);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    pub async fn state(&self) -> Value {
        self.done(Method::GET, "/state", None).await
    }

    pub async fn set(&self, change: Value) -> Value {
        self.done(Method::PATCH, "/settings", Some(change)).await
    }

    /// Issues a token, and gives all about it.
    pub async fn issue(&self, order: Value) -> Value {
        self.post("/tokens", order).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.done(Method::POST, path, Some(body)).await
    }

    async fn done(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.send(method, path, body).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }
}

fn client() -> Client {
    Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap()
}

/// The claims of a token, which is not verified.
pub fn claims(token: &Value) -> Value {
    let part = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
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
        Self { http: client(), base: base.to_owned(), cookie: None }
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
        self.sign_in_as(ADA).await
    }

    pub async fn sign_in_as(&mut self, (email, password): (&str, &str)) -> String {
        let (status, step) = self.post("/v1/client/sign_ins", &[("identifier", email)]).await;
        assert_eq!(status, 200, "{step}");
        let path = attempt_path(&step);
        let (status, done) = self.post(&path, &[("strategy", "password"), ("password", password)]).await;
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

/// A session's `touch`, and its claims then.
pub async fn touch(browser: &mut Browser, session: &str, form: &[(&str, &str)]) -> (Value, Value) {
    let (status, answer) = browser.post(&format!("/v1/client/sessions/{session}/touch"), form).await;
    assert_eq!(status, 200, "{answer}");
    let claims = claims(&answer["response"]["last_active_token"]["jwt"]);
    (answer, claims)
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
