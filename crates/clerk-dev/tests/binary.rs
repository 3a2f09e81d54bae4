//! The program: what it prints, what it refuses, and what it keeps to itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use serde_json::Value;
use support::{ADA, Browser, attempt_path, settings};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clerk-dev"));
    command.env_remove("RUST_LOG").env_remove("CLERK_PUBLISHABLE_KEY");
    command
}

fn serve(folder: &Path) -> Command {
    let settings = settings(folder);
    let mut command = program();
    command.args(["serve", "--port", "0", "--app-origin", support::APP, "--data-dir"]);
    command.arg(settings.data_dir).arg("--clerk-js").arg(settings.clerk_js);
    command.arg("--clerk-ui").arg(settings.clerk_ui);
    command
}

/// Runs what ends by itself because it fails.
fn refused(command: &mut Command) -> String {
    let Output { status, stderr, .. } = command.output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert!(!status.success(), "{stderr}");
    stderr
}

struct Running {
    child: Child,
    first_line: String,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first_line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first_line).unwrap();
        Self { child, first_line }
    }

    fn base(&self) -> String {
        let url =
            self.first_line.split_whitespace().find(|word| word.starts_with("http://127.0.0.1:")).unwrap();
        url.to_owned()
    }

    /// Ends the program, and gives all that it printed.
    fn stop(mut self) -> String {
        let mut stderr = self.child.stderr.take().unwrap();
        let mut stdout = self.child.stdout.take().unwrap();
        let rest = thread::spawn(move || {
            let (mut out, mut log) = (String::new(), String::new());
            stderr.read_to_string(&mut log).unwrap();
            stdout.read_to_string(&mut out).unwrap();
            out + &log
        });
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        format!("{}{}", self.first_line, rest.join().unwrap())
    }
}

#[test]
fn describe_prints_one_line_of_json() {
    let folder = tempfile::tempdir().unwrap();
    let output =
        program().arg("describe").arg("--data-dir").arg(folder.path().join("data")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    let description: Value = serde_json::from_str(&text).unwrap();
    assert!(description["publishableKey"].as_str().unwrap().starts_with("pk_test_"));
    let key = |name: &str| description[name].as_str().unwrap().to_owned();
    assert!(key("secretKey").starts_with("sk_test_") && key("machineSecretKey").starts_with("ak_"));
    let ada = &description["people"][0];
    assert_eq!(
        (ada["name"].as_str(), ada["email"].as_str(), ada["password"].as_str()),
        (Some("Ada Lovelace"), Some(ADA.0), Some(ADA.1))
    );
    assert_eq!(ada.as_object().unwrap().len(), 3);
}

#[tokio::test]
async fn at_trace_level_no_token_cookie_or_password_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    // The second names targets that log headers and bodies where their crates are built to.
    for level in ["trace", "trace,hyper=trace,hyper_util::client=trace,axum::rejection=trace,tower=trace"] {
        let running = Running::start(serve(folder.path()).env("RUST_LOG", level));
        let mut browser = Browser::of(&running.base());
        let (_, step) = browser.post("/v1/client/sign_ins", &[("identifier", ADA.0)]).await;
        let path = attempt_path(&step);
        let (status, _) =
            browser.post(&path, &[("strategy", "password"), ("password", "no-such-password")]).await;
        assert_eq!(status, 422);
        let broken = browser.request(reqwest::Method::POST, &path).header("content-type", "application/json");
        browser.send(broken.body(r#"{"password":"password-in-json"}"#)).await;
        let (_, done) = browser.post(&path, &[("strategy", "password"), ("password", ADA.1)]).await;
        let session = done["response"]["created_session_id"].as_str().unwrap();
        let mut tokens = vec![done["client"]["sessions"][0]["last_active_token"]["jwt"].clone()];
        for query in ["", "?token=token-in-query&expired_token=expired-in-query"] {
            let (_, token) = browser.post(&format!("/v1/client/sessions/{session}/tokens{query}"), &[]).await;
            tokens.push(token["jwt"].clone());
        }
        browser.post("/v1/client/sessions?_method=DELETE", &[]).await;
        let control = support::Control::of(&folder.path().join("data"));
        control.state().await;
        let issued = control.issue(serde_json::json!({ "kind": "api-key" })).await["token"].clone();
        let described = clerk_dev::describe(&folder.path().join("data")).unwrap();
        let key = described.secret_key.as_str().to_owned();
        let backend = running.base().replace("/__clerk", "/backend/api_keys/verify");
        let verify = || browser.http.post(&backend).json(&serde_json::json!({ "secret": issued }));
        assert_eq!(verify().bearer_auth(&key).send().await.unwrap().status(), 200);
        assert_eq!(verify().bearer_auth("sk_test_a-wrong-key").send().await.unwrap().status(), 401);
        control.post("/tokens/revoke", serde_json::json!({ "token": issued })).await;
        control.bare(reqwest::Method::GET, "/state").bearer_auth("a-wrong-secret").send().await.unwrap();

        let printed = running.stop();
        assert!(printed.contains("DEBUG") && printed.contains(session), "nothing was logged: {printed}");
        let cookie = browser.cookie.unwrap().trim_start_matches("__client=").to_owned();
        let mut secrets = vec![cookie, ADA.1.to_owned(), "no-such-password".to_owned()];
        secrets.extend(
            ["password-in-json", "token-in-query", "expired-in-query", "a-wrong-secret"].map(str::to_owned),
        );
        secrets.extend([control.secret, key, "sk_test_a-wrong-key".to_owned()]);
        secrets.push(issued.as_str().unwrap().to_owned());
        for token in tokens {
            secrets.extend(token.as_str().unwrap().split('.').map(str::to_owned));
        }
        for secret in secrets {
            assert!(secret.len() > 10 && !printed.contains(&secret), "{secret} was printed: {printed}");
        }
    }
}

#[test]
fn it_says_at_every_start_what_it_is_for() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let running = Running::start(&mut serve(folder.path()));
        assert!(running.first_line.contains("for development only"), "{}", running.first_line);
        assert!(running.base().starts_with("http://127.0.0.1:"));
        let printed = running.stop();
        assert!(printed.contains("WARN clerk_dev: clerk-dev is for development only"), "{printed}");
    }
}

#[test]
fn a_production_key_is_refused_wherever_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let by_option = refused(serve(folder.path()).args(["--publishable-key", "pk_live_Y2xlcmsuZm9vLmNvbSQ"]));
    assert!(by_option.contains("--publishable-key holds a pk_live_ key"), "{by_option}");
    let by_variable = refused(serve(folder.path()).env("CLERK_PUBLISHABLE_KEY", "pk_live_damaged"));
    assert!(by_variable.contains("CLERK_PUBLISHABLE_KEY holds a pk_live_ key"), "{by_variable}");
    assert!(!folder.path().join("data").exists());
}

#[test]
fn the_control_port_is_called_by_command() {
    let folder = tempfile::tempdir().unwrap();
    let control = |arguments: &[&str]| {
        let mut command = program();
        // A proxy that is not there would swallow the call.
        command.env("HTTP_PROXY", "http://127.0.0.1:1").env("http_proxy", "http://127.0.0.1:1");
        command.arg("control").args(arguments).arg("--data-dir").arg(folder.path().join("data"));
        command
    };
    let missing = refused(&mut control(&["state"]));
    assert!(missing.contains("control.json") && missing.contains("is clerk-dev running"), "{missing}");

    let running = Running::start(&mut serve(folder.path()));
    let state = |arguments: &[&str]| -> Value {
        let output = control(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let set = ["set", "--token-life", "7", "--clock-ahead", "-120", "--several-sessions", "true"];
    let changed = state(&set);
    assert_eq!((&changed["tokenLifeSeconds"], &changed["clockAheadSeconds"]), (&7.into(), &(-120).into()));
    assert_eq!(changed["severalSessions"], true);
    let fault =
        state(&["fault", "--path", "/v1/client", "--times", "3", "--status", "429", "--retry-after", "9"]);
    let wanted = serde_json::json!({
        "path": "/v1/client", "times": 3, "status": 429, "retryAfter": 9, "delayMillis": 0, "hang": false,
        "drop": false,
    });
    assert_eq!(fault["faults"][0], wanted);
    assert_eq!(
        state(&["template", "mine", "--claims", r#"{"aud":"x"}"#])["templates"]["mine"]["claims"]["aud"],
        "x"
    );
    assert_eq!(state(&["revoke", "--all"])["revoked"], serde_json::json!([]));
    assert_eq!(state(&["reset"])["faults"], serde_json::json!([]));
    let problem = refused(&mut control(&["fault", "--status", "99"]));
    assert!(problem.contains("the status must be from 200 to 599"), "{problem}");

    let file = std::fs::read_to_string(folder.path().join("data/control.json")).unwrap();
    let access: Value = serde_json::from_str(&file).unwrap();
    let printed = running.stop();
    assert!(!printed.contains(access["secret"].as_str().unwrap()), "the secret was printed: {printed}");
    let gone = refused(&mut control(&["state"]));
    assert!(gone.contains("no clerk-dev answers at http://127.0.0.1:"), "{gone}");
}

#[test]
fn a_token_is_issued_and_revoked_by_command_and_printed_alone() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(&mut serve(folder.path()));
    let token = |arguments: &[&str]| -> String {
        let mut command = program();
        command.arg("token").args(arguments).arg("--data-dir").arg(folder.path().join("data"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let key = token(&["api-key", "--subject", "grace@example.com", "--scope", "a", "--scope", "b"]);
    assert!(
        key.starts_with("ak_") && key.trim().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    );
    assert_eq!(token(&["oauth", "--jwt"]).trim().split('.').count(), 3);
    let machine: Value = serde_json::from_str(&token(&["m2m", "--json"])).unwrap();
    assert_eq!((machine["kind"].as_str(), machine["format"].as_str()), (Some("m2m"), Some("opaque")));

    let list: Value = serde_json::from_str(&token(&["list"])).unwrap();
    let listed = list["tokens"].as_array().unwrap();
    let grace = listed.iter().find(|token| token["kind"] == "api-key").unwrap();
    assert_eq!((listed.len(), &grace["scopes"]), (2, &serde_json::json!(["a", "b"])));
    let revoked: Value = serde_json::from_str(&token(&["revoke", key.trim(), "--reason", "lost"])).unwrap();
    assert_eq!((&revoked["id"], &revoked["revocationReason"]), (&grace["id"], &"lost".into()));
    let printed = running.stop();
    for token in [key.trim(), machine["token"].as_str().unwrap()] {
        assert!(!printed.contains(token), "{printed}");
    }
}

#[test]
fn a_port_in_use_is_said_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let printed = refused(serve(folder.path()).args(["--port", &port]));
    assert!(printed.contains(&format!("clerk-dev: cannot listen on 127.0.0.1:{port}")), "{printed}");
    assert!(printed.contains("--port"), "{printed}");
}

#[test]
fn wrong_arguments_are_said_in_a_sentence() {
    for (arguments, said) in [
        (vec![], "say serve, describe, control or token"),
        (vec!["control"], "say what to do"),
        (vec!["control", "fly"], "fly is no call"),
        (vec!["token", "session"], "say oauth, m2m"),
        (vec!["fly"], "fly"),
        (vec!["serve"], "--clerk-js is missing"),
        (vec!["serve", "--port", "many"], "many"),
        (vec!["serve", "--token-life"], "--token-life"),
    ] {
        let printed = refused(program().args(&arguments));
        assert!(printed.starts_with("clerk-dev: ") && printed.contains(said), "{arguments:?}: {printed}");
    }
}
