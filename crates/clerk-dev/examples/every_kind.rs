//! Tokens of every kind that clerk-dev issues, good and bad, in a file, and the server that can say what the
//! opaque ones are: for whoever compares verifiers.
//!
//! `cargo run -p clerk-dev --example every_kind -- FILE [COMMAND …]` writes
//! `{"publicKeyPem", "issuer", "publishableKey", "apiUrl", "secretKey", "authorizedParties": [origin],
//! "tokens": [{"id", "token"}]}`, mode 0600, then serves while COMMAND runs, whose exit code is its own; without
//! one, until Ctrl-C. The tokens count for an hour.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::io::Write as _;
use std::process::{Command, ExitCode};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use support::{APP, Browser, Server, WORKS};

const LIFE: Duration = Duration::from_secs(3_600);

struct Tokens<'a> {
    server: &'a Server,
    all: Vec<(String, String)>,
}

impl Tokens<'_> {
    fn add(&mut self, id: &str, token: &Value) {
        self.all.push((id.to_owned(), token.as_str().unwrap_or_else(|| panic!("{id}: {token}")).to_owned()));
    }

    async fn order(&mut self, id: &str, order: Value) -> Value {
        let issued = self.server.control.issue(order).await;
        self.add(id, &issued["token"]);
        issued
    }

    async fn of_session(&mut self, id: &str, browser: &mut Browser, path: &str, form: &[(&str, &str)]) {
        let (_, answer) = browser.post(path, form).await;
        self.add(id, &answer["jwt"]);
    }

    /// What a person in a browser gets.
    async fn people(&mut self) {
        let mut browser = self.server.browser();
        let session = browser.sign_in().await;
        let path = format!("/v1/client/sessions/{session}/tokens");
        let template = format!("{path}/convex");
        self.of_session("session", &mut browser, &path, &[]).await;
        self.of_session("session in an organization", &mut browser, &path, &[("organization_id", WORKS)])
            .await;
        self.of_session("template", &mut browser, &template, &[]).await;
        for (when, seconds) in [("two hours ago", -7_200), ("in two hours", 7_200)] {
            self.server.control.set(json!({ "clockAheadSeconds": seconds })).await;
            self.of_session(&format!("session, issued {when}"), &mut browser, &path, &[]).await;
            self.of_session(&format!("template, issued {when}"), &mut browser, &template, &[]).await;
        }
        self.server.control.set(json!({ "clockAheadSeconds": 0 })).await;
        let (_, good) = self.all[0].clone();
        self.all.push(("session, cut off".into(), good[..good.len() - 8].to_owned()));
        let (head, signature) = good.rsplit_once('.').unwrap();
        let (header, _) = head.split_once('.').unwrap();
        let (_, claims) = self.all[1].1.rsplit_once('.').unwrap().0.split_once('.').unwrap();
        self.all.push(("session, another's claims".into(), format!("{header}.{claims}.{signature}")));
    }

    /// What anything else gets.
    async fn others(&mut self) {
        let formats =
            [("oauth", "opaque"), ("oauth", "jwt"), ("m2m", "opaque"), ("m2m", "jwt"), ("api-key", "opaque")];
        for (kind, format) in formats {
            let order =
                json!({ "kind": kind, "format": format, "scopes": ["a", "b"], "expiresInSeconds": 3_600 });
            let expired = json!({ "kind": kind, "format": format, "expiresInSeconds": -60 });
            self.order(&format!("{kind}, {format}"), order).await;
            self.order(&format!("{kind}, {format}, expired"), expired).await;
            if format == "opaque" {
                let issued = self.order(&format!("{kind}, revoked"), json!({ "kind": kind })).await;
                self.server.control.post("/tokens/revoke", json!({ "token": issued["id"] })).await;
            }
        }
        for format in ["opaque", "jwt"] {
            let order = json!({ "kind": "oauth", "format": format, "audience": ["https://api.foo.com"] });
            self.order(&format!("oauth, {format}, for an audience"), order).await;
            let order = json!({ "kind": "m2m", "format": format, "claims": { "team": 7 } });
            self.order(&format!("m2m, {format}, with claims"), order).await;
        }
        self.order("api-key, of an organization", json!({ "kind": "api-key", "subject": WORKS })).await;
        for never in ["oat_never", "mt_never", "ak_never", "nonsense"] {
            self.all.push((format!("{never}, never issued"), never.into()));
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(file) = arguments.next() else {
        eprintln!("say FILE, and perhaps a command to run while the server answers");
        return ExitCode::from(2);
    };
    let server = Server::start_with(|settings| settings.token_life = LIFE).await;
    let claims = json!({ "claims": { "aud": "convex" }, "lifeSeconds": LIFE.as_secs() });
    server.control.send(Method::PUT, "/templates/convex", Some(claims)).await;
    let mut tokens = Tokens { server: &server, all: Vec::new() };
    tokens.people().await;
    tokens.others().await;
    let all: Vec<_> = tokens.all.iter().map(|(id, token)| json!({ "id": id, "token": token })).collect();
    let text = json!({
        "publicKeyPem": server.dev.public_key_pem().unwrap(),
        "issuer": server.dev.issuer(),
        "publishableKey": server.dev.publishable_key(),
        "apiUrl": server.backend(),
        "secretKey": server.dev.secret_key(),
        "authorizedParties": [APP],
        "tokens": all,
    });
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&file).unwrap().write_all(text.to_string().as_bytes()).unwrap();
    eprintln!("{} tokens in {file}", all.len());

    let Some(program) = arguments.next() else {
        tokio::signal::ctrl_c().await.unwrap();
        return ExitCode::SUCCESS;
    };
    let mut command = Command::new(program);
    command.args(arguments);
    let status = tokio::task::spawn_blocking(move || command.status()).await.unwrap();
    match status {
        Ok(status) => ExitCode::from(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1)),
        Err(error) => {
            eprintln!("the command could not be run: {error}");
            ExitCode::FAILURE
        }
    }
}
