//! The program itself: its settings, its output, its end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../clerk-verify/tests/common/mod.rs"]
mod common;

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::{ISSUER, JwksServer, PAGE, SigningKey, claims, with};
use serde_json::{Value, json};

fn program(settings: &[(&str, &str)]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_foo-api"));
    for name in ["FOO_API_OAUTH_AUDIENCE", "FOO_API_M2M_AUDIENCE"] {
        program.env_remove(name);
    }
    for name in ["FOO_API_PORT", "FOO_API_APP_ORIGINS", "CLERK_PUBLISHABLE_KEY"] {
        program.env_remove(name);
    }
    for name in ["CLERK_ISSUER", "CLERK_JWKS_URL", "CLERK_SECRET_KEY", "CLERK_API_URL", "RUST_LOG"] {
        program.env_remove(name);
    }
    // Each has a database of its own; what is left of it goes with the machine's temporary files.
    let folder = tempfile::tempdir().unwrap().keep();
    program.env("FOO_API_DATABASE", folder.join("posts.sqlite3"));
    program.envs(settings.iter().copied()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    program
}

/// A running API, ended with the test.
struct Running {
    child: Child,
    port: u16,
    reader: Option<std::thread::JoinHandle<String>>,
}

impl Running {
    /// Starts it and waits until it says where it listens.
    fn start(settings: &[(&str, &str)]) -> Self {
        let mut child = program(settings).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut log = String::new();
        let port = loop {
            let start = log.len();
            assert!(lines.read_line(&mut log).unwrap() > 0, "it ended: {log}");
            if let Some((_, rest)) = log[start..].split_once("address=http://localhost:") {
                break rest.split_whitespace().next().unwrap().parse().unwrap();
            }
        };
        let reader = std::thread::spawn(move || {
            lines.read_to_string(&mut log).unwrap();
            log
        });
        Self { child, port, reader: Some(reader) }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Sends it a signal and gives its status, what it wrote, and how long it took.
    fn stop(mut self, signal: &str) -> (Option<i32>, String, Duration) {
        let start = Instant::now();
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        let took = start.elapsed();
        let mut output = self.reader.take().unwrap().join().unwrap();
        self.child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
        (status.code(), output, took)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The claims of a token that is good at the machine's own time.
fn fresh_claims() -> Value {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let mut claims = claims();
    (claims["iat"], claims["nbf"], claims["exp"]) = (json!(now), json!(now - 10), json!(now + 60));
    claims
}

fn one_sentence(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[test]
fn a_wrong_setting_is_one_sentence() {
    let key = ("CLERK_PUBLISHABLE_KEY", "pk_live_Y2xlcmsuY2xlcmsuZGV2JA");
    let cases: [(&[(&str, &str)], &str); 10] = [
        (&[], "CLERK_PUBLISHABLE_KEY is not set"),
        (&[("CLERK_PUBLISHABLE_KEY", "pk_test_")], "CLERK_PUBLISHABLE_KEY: the publishable key is damaged"),
        (&[("CLERK_ISSUER", "http://clerk.foo.com")], "CLERK_ISSUER: the issuer must be"),
        (
            &[key, ("CLERK_JWKS_URL", "http://clerk.foo.com/jwks")],
            "CLERK_JWKS_URL: the JWKS URL must be https",
        ),
        (&[key, ("FOO_API_PORT", "http")], "FOO_API_PORT must be a port"),
        (&[key, ("FOO_API_APP_ORIGINS", "localhost:8080")], "FOO_API_APP_ORIGINS"),
        (&[key, ("RUST_LOG", "foo_api=loud")], "RUST_LOG"),
        (&[key, ("CLERK_SECRET_KEY", "pk_test_x")], "CLERK_SECRET_KEY is no secret key"),
        (
            &[key, ("CLERK_SECRET_KEY", "sk_test_x"), ("CLERK_API_URL", "http://api.clerk.com")],
            "CLERK_API_URL: the Backend API's URL must be https",
        ),
        (&[key, ("FOO_API_DATABASE", "/dev/null/posts.sqlite3")], "set FOO_API_DATABASE to another file"),
    ];
    for (settings, wanted) in cases {
        let text = one_sentence(&program(settings).output().unwrap());
        assert!(text.contains(wanted), "{text}");
    }
}

/// What is no text is not as if it were not set: the default would be another file than the one that was meant.
#[cfg(unix)]
#[test]
fn a_setting_that_is_no_text_is_one_sentence() {
    use std::os::unix::ffi::OsStrExt as _;

    let mut program = program(&[("CLERK_ISSUER", ISSUER)]);
    program.env("FOO_API_DATABASE", std::ffi::OsStr::from_bytes(b"/tmp/\xff.sqlite3"));
    let text = one_sentence(&program.output().unwrap());
    assert!(text.contains("FOO_API_DATABASE is not UTF-8 text"), "{text}");
}

#[test]
fn a_port_in_use_is_one_sentence() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let settings = [("FOO_API_PORT", port.as_str()), ("CLERK_ISSUER", ISSUER)];
    let text = one_sentence(&program(&settings).output().unwrap());
    assert!(
        text.contains(&format!("port {port} is in use; stop what uses it, or set FOO_API_PORT")),
        "{text}"
    );
}

/// Every token that was sent is searched for in what the program wrote at trace level: the whole, its
/// claims, its signature.
#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_written_at_any_level() {
    let key = SigningKey::new("ins_1");
    let jwks = JwksServer::start(key.jwks()).await;
    let api = Running::start(&[
        ("FOO_API_PORT", "0"),
        ("FOO_API_APP_ORIGINS", PAGE),
        ("CLERK_ISSUER", ISSUER),
        ("CLERK_JWKS_URL", &jwks.url),
        ("RUST_LOG", "trace"),
    ]);
    let good = key.sign(&fresh_claims());
    let mut elsewhere = fresh_claims();
    elsewhere["azp"] = json!("https://evil.example");
    let tokens = [
        good.clone(),
        key.sign(&with("sub", "user_of_the_future")),
        key.sign(&elsewhere),
        SigningKey::new("ins_1").sign(&with("sub", "user_of_another")),
        SigningKey::new("ins_2").sign(&with("sub", "user_of_a_third")),
    ];
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (number, token) in tokens.iter().enumerate() {
        let bearer = client.get(api.url("/foo")).bearer_auth(token).header("origin", PAGE);
        let status = bearer.send().await.unwrap().status().as_u16();
        assert_eq!(status, if number == 0 { 200 } else { 401 }, "{number}");
        // And in every place where a client could have put it by mistake.
        for request in [
            client.get(api.url(&format!("/foo?token={token}"))),
            client.get(api.url(&format!("/{token}"))),
            client.get(api.url(&format!("/people/{token}/foo"))).bearer_auth(&good),
            client.get(api.url("/foo")).header("cookie", format!("__session={token}")),
            client.get(api.url("/foo")).header("authorization", token),
            client.get(api.url("/foo")).header("x-request-id", token),
            client.get(api.url("/foo")).header("origin", token).header("referer", token),
            client.post(api.url("/foo")).bearer_auth(token).body(token.clone()),
            client.get(api.url("/foo")).header("authorization", format!("Bearer {token}, Bearer {token}")),
        ] {
            assert!(request.send().await.unwrap().status().is_client_error());
        }
    }
    let (status, output, _) = api.stop("-TERM");
    assert_eq!(status, Some(0), "{output}");
    for sign in ["TRACE", "DEBUG", "route=\"/foo\"", "reason=\"token-invalid-signature\"", "has stopped"] {
        assert!(output.contains(sign), "no {sign} in {output}");
    }
    println!("{} lines at trace level", output.lines().count());
    let leak = |text: &str| tokens.iter().flat_map(|token| parts(token)).find(|part| text.contains(part));
    assert_eq!(leak(&output), None);
    // The search finds what is there.
    for part in parts(&good) {
        assert_eq!(leak(&format!("{output}\nTRACE hyper: {part}\n")), Some(part));
    }
}

/// The settings reach the cookies: the suffix is that of the publishable key's instance.
#[tokio::test(flavor = "multi_thread")]
async fn the_instances_own_cookie_is_read() {
    let key = SigningKey::new("ins_1");
    let jwks = JwksServer::start(key.jwks()).await;
    let api = Running::start(&[
        ("FOO_API_PORT", "0"),
        ("FOO_API_APP_ORIGINS", PAGE),
        ("CLERK_PUBLISHABLE_KEY", "pk_live_Y2xlcmsuY2xlcmsuZGV2JA"),
        ("CLERK_ISSUER", ISSUER),
        ("CLERK_JWKS_URL", &jwks.url),
    ]);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (name, status) in [("__session_1Z8AzTQD", 200), ("__session", 200), ("__session_another1", 401)] {
        let request = client.get(api.url("/api/me")).header("sec-fetch-site", "same-origin");
        let request = request.header("cookie", format!("{name}={}", key.sign(&fresh_claims())));
        assert_eq!(request.send().await.unwrap().status(), status, "{name}");
    }
}

/// For whom a token was made counts: what names another API is refused, and what names none if this one has a name.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_for_other_apis_are_refused() {
    let key = SigningKey::new("ins_1");
    let jwks = JwksServer::start(key.jwks()).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut claims = fresh_claims();
    claims["scope"] = json!("reports:read");
    let token = |kind: &str, audience: Option<&str>| {
        let mut claims = claims.clone();
        let mut header = json!({ "alg": "RS256", "kid": key.kid });
        match kind {
            "/machine" => claims["sub"] = json!("mch_caller"),
            _ => header["typ"] = json!("at+jwt"),
        }
        if let Some(audience) = audience {
            claims["aud"] = json!([audience]);
        }
        key.sign_with(&header, &claims)
    };
    let always = [("FOO_API_PORT", "0"), ("CLERK_ISSUER", ISSUER), ("CLERK_JWKS_URL", &jwks.url)];
    let named = [("FOO_API_OAUTH_AUDIENCE", "https://api.foo.com"), ("FOO_API_M2M_AUDIENCE", "mch_api")];
    for (settings, named) in [(always.to_vec(), false), ([&always[..], &named].concat(), true)] {
        let api = Running::start(&settings);
        for (path, ours) in [("/reports", "https://api.foo.com"), ("/machine", "mch_api")] {
            for (audience, passes) in [(None, !named), (Some(ours), named), (Some("another"), false)] {
                let request = client.get(api.url(path)).bearer_auth(token(path, audience));
                let status = request.send().await.unwrap().status();
                assert_eq!(status, if passes { 200 } else { 401 }, "{path} {audience:?} {named}");
            }
        }
    }
}

/// A token, its claims, its signature. Its header is no secret, and the same in others.
fn parts(token: &str) -> Vec<&str> {
    [token].into_iter().chain(token.split('.').skip(1)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_it_in_good_order() {
    for signal in ["-INT", "-TERM"] {
        let api = Running::start(&[("FOO_API_PORT", "0"), ("CLERK_ISSUER", ISSUER)]);
        // A connection that stays open must not keep it.
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        assert_eq!(client.get(api.url("/healthz")).send().await.unwrap().status(), 204);
        let (status, output, took) = api.stop(signal);
        assert_eq!(status, Some(0), "{output}");
        assert!(output.contains("foo-api has stopped"), "{output}");
        assert!(took < Duration::from_secs(3), "{took:?}");
        drop(client);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_finishes_does_not_keep_it() {
    let api = Running::start(&[("FOO_API_PORT", "0"), ("CLERK_ISSUER", ISSUER)]);
    let mut slow = std::net::TcpStream::connect(("127.0.0.1", api.port)).unwrap();
    std::io::Write::write_all(&mut slow, b"GET /foo HTTP/1.1\r\nhost: x\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let (status, output, took) = api.stop("-TERM");
    assert_eq!(status, Some(0), "{output}");
    assert!(took < Duration::from_secs(8), "{took:?}");
}
