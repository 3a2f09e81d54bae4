//! Clerk's own SDK for Node beside this crate, with the same tokens. Needs Node 20 and npm; the SDK is installed
//! into a folder of its own below the system's folder for temporary files.
//!
//! - `cargo run -p clerk-verify --example beside_clerk -- verdicts [FILE]`: the verdicts of both, on tokens of
//!   every kind, good and bad, with every setting of `acceptsToken`. `FILE` names tokens of one's own:
//!   `{"publicKeyPem", "issuer", "publishableKey", "apiUrl", "secretKey", "authorizedParties": [],
//!   "tokens": [{"id", "token"}]}`.
//! - `taskset -c 0 cargo run --release -p clerk-verify --example beside_clerk -- cost`: processor time per verified
//!   token, on one core.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::time::Instant;

use axum::http::{HeaderMap, Method};
use clerk_verify::axum::AuthLayer;
use clerk_verify::{
    AcceptsToken, Auth, BackendApi, Clock as _, KeySet, Policy, PublishableKey, SystemClock, TokenKind,
    Verifier,
};
use common::backend::BackendServer;
use common::{ISSUER, PAGE, SigningKey};
use serde_json::{Value, json};

const SDK: &str = "3.25.0";
/// What the SDK stands on, pinned too.
const SHARED: &str = "4.36.0";
const ROUNDS: usize = 25;
const TOKENS: usize = 1000;

struct Sdk {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Sdk {
    fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("clerk-verify-beside-{SDK}-{SHARED}"));
        std::fs::create_dir_all(&folder).unwrap();
        if !folder.join("node_modules/@clerk/backend/package.json").exists() {
            let manifest = json!({
                "private": true,
                "dependencies": { "@clerk/backend": SDK },
                "overrides": { "@clerk/shared": SHARED },
            });
            std::fs::write(folder.join("package.json"), manifest.to_string()).unwrap();
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder);
            assert!(npm.stdout(Stdio::null()).status().expect("npm is needed").success());
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/clerk-backend.mjs");
        let mut node = Command::new("node");
        // Production is what is measured; and nothing is sent to anybody.
        node.arg(script)
            .current_dir(&folder)
            .env("NODE_ENV", "production")
            .env("CLERK_TELEMETRY_DISABLED", "1");
        let mut process = node.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("node is needed");
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, input, output }
    }

    fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.input, "{question}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("the SDK's process answered {line:?}"))
    }
}

impl Drop for Sdk {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

// The SDK asks a server in this process while this thread waits for the SDK.
#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("verdicts"), None) => verdicts(&Set::own().await).await,
        (Some("verdicts"), Some(path)) => verdicts(&Set::read(&path)).await,
        (Some("cost"), None) => cost().await,
        _ => {
            eprintln!("say `verdicts`, `verdicts FILE` or `cost`");
            ExitCode::from(2)
        }
    }
}

/// Tokens, and whoever can say what they are.
struct Set {
    pem: String,
    issuer: String,
    publishable_key: String,
    api_url: String,
    secret_key: String,
    parties: Vec<String>,
    /// Name, token, and, where the two differ on purpose, why.
    tokens: Vec<(String, String, Option<&'static str>)>,
}

impl Set {
    fn read(path: &str) -> Self {
        let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let tokens = file["tokens"].as_array().unwrap();
        let parties = file["authorizedParties"].as_array().expect("authorizedParties");
        Self {
            pem: text(&file, "publicKeyPem"),
            issuer: text(&file, "issuer"),
            publishable_key: text(&file, "publishableKey"),
            api_url: text(&file, "apiUrl"),
            secret_key: text(&file, "secretKey"),
            parties: parties.iter().map(|party| party.as_str().unwrap().to_owned()).collect(),
            tokens: tokens.iter().map(|token| (text(token, "id"), text(token, "token"), None)).collect(),
        }
    }

    async fn own() -> Self {
        let key = SigningKey::new("ins_1");
        let host = ISSUER.strip_prefix("https://").unwrap();
        Self {
            pem: key.pem(),
            issuer: ISSUER.into(),
            publishable_key: PublishableKey::for_host(host, clerk_verify::InstanceType::Production)
                .unwrap()
                .to_string(),
            api_url: BackendServer::start().await.url,
            secret_key: "sk_test_beside".into(),
            parties: vec![PAGE.into()],
            tokens: tokens(&key),
        }
    }
}

fn session_claims(now: i64) -> Value {
    json!({
        "sub": "user_ada", "sid": "sess_1", "iss": ISSUER, "azp": PAGE, "iat": now, "nbf": now - 10, "exp": now + 600,
        "sts": "active", "v": 2, "fva": [1, -1], "fea": "o:posts,u:export", "pla": "o:pro",
        "o": { "id": "org_1", "slg": "acme", "rol": "admin", "per": "read,write", "fpm": "3" },
    })
}

fn tokens(key: &SigningKey) -> Vec<(String, String, Option<&'static str>)> {
    let now = SystemClock::default().unix_millis() / 1000;
    let header = |typ: Value, cat: Value| {
        let mut header = json!({ "alg": "RS256", "kid": key.kid });
        for (name, value) in [("typ", typ), ("cat", cat)] {
            if !value.is_null() {
                header[name] = value;
            }
        }
        header
    };
    let kinds = [
        ("session", header(json!("JWT"), json!("cl_B7d4PD111AAA")), session_claims(now)),
        ("session, no cat", header(json!("JWT"), json!(null)), session_claims(now)),
        ("session, ignored cat", header(json!("JWT"), json!("cl_I7d4PD111III")), session_claims(now)),
        ("template", header(json!("JWT"), json!("cl_B7d4PD222AAA")), session_claims(now)),
        (
            "OAuth",
            header(json!("at+jwt"), json!(null)),
            json!({ "sub": "user_ada", "iss": ISSUER, "iat": now, "nbf": now, "exp": now + 600, "client_id": "c",
                "scope": "read:foo", "jti": "oat_1" }),
        ),
        (
            "OAuth, application/at+jwt",
            header(json!("application/at+jwt"), json!(null)),
            json!({ "sub": "user_ada", "iss": ISSUER, "iat": now, "exp": now + 600, "scp": ["a"] }),
        ),
        (
            "M2M",
            header(json!("JWT"), json!("cl_B7d4PD333AAA")),
            json!({ "sub": "mch_1", "iss": ISSUER, "iat": now, "exp": now + 600, "scopes": "mch_2", "jti": "mt_1" }),
        ),
        (
            "M2M, no cat",
            header(json!("JWT"), json!(null)),
            json!({ "sub": "mch_1", "iss": ISSUER, "iat": now, "exp": now + 600 }),
        ),
        (
            "M2M as session",
            header(json!("JWT"), json!("cl_B7d4PD111AAA")),
            json!({ "sub": "mch_1", "iss": ISSUER, "iat": now, "exp": now + 600 }),
        ),
        (
            "M2M as OAuth",
            header(json!("at+jwt"), json!(null)),
            json!({ "sub": "mch_1", "iss": ISSUER, "iat": now, "exp": now + 600 }),
        ),
    ];
    let changes: [(&str, &str, Value, Option<&str>); 12] = [
        ("expired", "exp", json!(now - 60), None),
        ("without exp", "exp", json!(null), None),
        ("exp as text", "exp", json!((now + 600).to_string()), None),
        ("early", "nbf", json!(now + 60), None),
        ("from the future", "iat", json!(now + 60), None),
        ("subject a number", "sub", json!(7), None),
        ("another page", "azp", json!("https://evil.example"), None),
        ("pending", "sts", json!("pending"), None),
        ("subject empty", "sub", json!(""), Some("an empty subject is nobody")),
        (
            "another issuer",
            "iss",
            json!("https://clerk.evil.example"),
            Some("the issuer is checked by default"),
        ),
        ("exp before time began", "exp", json!(-1e15), Some("a time that is no time")),
        ("nbf beyond all time", "nbf", json!(1e15), Some("a time that is no time")),
    ];
    let mut all = Vec::new();
    for (kind, header, claims) in &kinds {
        all.push(((*kind).to_owned(), key.sign_with(header, claims), None));
        for (change, name, value, why) in &changes {
            let mut changed = claims.clone();
            changed[*name] = value.clone();
            all.push((format!("{kind}: {change}"), key.sign_with(header, &changed), *why));
        }
        let good = key.sign_with(header, claims);
        let stranger = SigningKey::new(&key.kid).sign_with(header, claims);
        all.push((format!("{kind}: another's key"), stranger, None));
        let mut critical = header.clone();
        critical["crit"] = json!(["exp"]);
        let why = Some("an extension that must be understood, and is not");
        all.push((format!("{kind}: crit"), key.sign_with(&critical, claims), why));
        let mut none = header.clone();
        none["alg"] = json!("none");
        all.push((format!("{kind}: no algorithm"), key.sign_with(&none, claims), None));
        let twice = claims.to_string().replacen('{', r#"{"sub":"user_root","#, 1);
        let why = Some("two members of one name");
        all.push((format!("{kind}: two subjects"), key.sign_text(&header.to_string(), &twice), why));
        all.push((format!("{kind}: cut off"), good[..good.len() - 4].to_owned(), None));
    }
    let mut ignored = kinds[6].1.clone();
    ignored["cat"] = json!("cl_I7d4PD111III");
    let why = Some("accepted: the category that says nothing, as for sessions");
    all.push(("M2M, ignored cat".into(), key.sign_with(&ignored, &kinds[6].2), why));
    for (token, why) in [
        ("oat_1", None),
        ("mt_1", None),
        ("ak_1", None),
        ("ak_org", None),
        ("oat_notfound", None),
        ("mt_notfound", None),
        ("ak_notfound", None),
        ("ak_e401", None),
        ("ak_e429", None),
        ("oat_e500", None),
        ("nonsense", None),
        ("ak_revoked", Some("the answer says that it was revoked")),
        ("mt_expired", Some("the answer says that it has expired")),
        ("bnVsbA.e30.AA", Some("refused, where the SDK throws")),
    ] {
        all.push((token.into(), token.into(), why));
    }
    all
}

const SETTINGS: [(&str, &[TokenKind]); 7] = [
    ("session_token", &[TokenKind::Session]),
    ("oauth_token", &[TokenKind::OAuth]),
    ("m2m_token", &[TokenKind::M2M]),
    ("api_key", &[TokenKind::ApiKey]),
    ("any", &[TokenKind::Session, TokenKind::OAuth, TokenKind::M2M, TokenKind::ApiKey]),
    ("session_token|oauth_token", &[TokenKind::Session, TokenKind::OAuth]),
    ("oauth_token|m2m_token|api_key", &[TokenKind::OAuth, TokenKind::M2M, TokenKind::ApiKey]),
];

async fn verdicts(set: &Set) -> ExitCode {
    let mut sdk = Sdk::start();
    let setup = sdk.ask(&json!({
        "command": "setup", "jwtKey": set.pem, "publishableKey": set.publishable_key, "secretKey": set.secret_key,
        "apiUrl": set.api_url, "authorizedParties": set.parties, "telemetry": { "disabled": true },
    }));
    assert_eq!(setup["version"], SDK);
    let policy = Policy::for_issuer(set.issuer.as_str())
        .unwrap()
        .authorized_parties(set.parties.clone())
        .unwrap()
        .any_audience();
    let backend = BackendApi::at(&set.api_url, set.secret_key.parse().unwrap()).unwrap();
    let verifier = Verifier::new(policy, KeySet::from_pem(&set.pem).unwrap()).backend(backend);
    let (mut same, mut on_purpose, mut wrong, mut accepted) = (0, 0, 0, 0);
    for (id, token, why) in &set.tokens {
        for (setting, kinds) in SETTINGS {
            let accepts = match setting.split('|').collect::<Vec<_>>()[..] {
                [one] => json!(one),
                ref several => json!(several),
            };
            let theirs = sdk.ask(&json!({ "command": "judge", "token": token, "acceptsToken": accepts }));
            let ours = verifier.verify(token, kinds.iter().copied().collect::<AcceptsToken>()).await;
            let ours = ours.as_ref().map_or(Value::Null, |auth: &Auth| json!(auth.subject()));
            accepted += usize::from(!ours.is_null());
            if theirs.get("subject") == Some(&ours) {
                same += 1;
            } else if let Some(why) = why {
                on_purpose += 1;
                println!("on purpose {id} [{setting}]: SDK {theirs}, here {ours}: {why}");
            } else {
                wrong += 1;
                println!("DIFFERENT  {id} [{setting}]: SDK {theirs}, here {ours}");
            }
        }
    }
    println!("{same} the same ({accepted} accepted), {on_purpose} different on purpose, {wrong} different");
    if wrong == 0 && accepted > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Nanoseconds that this thread was on a processor.
fn cpu_nanos() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("this needs Linux");
    text.split(' ').next().unwrap().parse().unwrap()
}

async fn cost() -> ExitCode {
    let key = SigningKey::new("ins_1");
    let now = SystemClock::default().unix_millis() / 1000;
    let (mut tokens, mut subjects) = (Vec::new(), Vec::new());
    for number in 0..TOKENS {
        let mut claims = session_claims(now);
        subjects.push(format!("user_{number:04}"));
        claims["sub"] = json!(subjects[number]);
        claims["exp"] = json!(now + 3600);
        tokens.push(key.sign(&claims));
    }
    let policy = Policy::for_issuer(ISSUER).unwrap().authorized_parties([PAGE]).unwrap();
    let verifier = Verifier::new(policy, KeySet::from_pem(&key.pem()).unwrap());
    let layer = AuthLayer::new(verifier.clone());
    let requests: Vec<HeaderMap> = tokens
        .iter()
        .map(|token| {
            [("authorization".parse().unwrap(), format!("Bearer {token}").parse().unwrap())]
                .into_iter()
                .collect()
        })
        .collect();

    let mut sdk = Sdk::start();
    let host = ISSUER.strip_prefix("https://").unwrap();
    let publishable_key = PublishableKey::for_host(host, clerk_verify::InstanceType::Production).unwrap();
    sdk.ask(&json!({
        "command": "setup", "jwtKey": key.pem(), "publishableKey": publishable_key.to_string(),
        "secretKey": "sk_test_beside", "authorizedParties": [PAGE], "telemetry": { "disabled": true },
        "tokens": tokens, "subjects": subjects,
    }));
    let names =
        ["verify_session, here", "verifyToken, SDK", "authenticate, here", "authenticateRequest, SDK"];
    let mut costs: [Vec<f64>; 4] = Default::default();
    // The first rounds warm the SDK's compiler up.
    for round in 0..ROUNDS + 5 {
        let mut measured = [0.0; 4];
        let start = cpu_nanos();
        for (token, subject) in tokens.iter().zip(&subjects) {
            assert_eq!(verifier.verify_session(token).await.unwrap().user_id(), subject);
        }
        measured[0] = (cpu_nanos() - start) as f64;
        measured[1] = theirs(&mut sdk, "verifyToken");
        let start = cpu_nanos();
        for (headers, subject) in requests.iter().zip(&subjects) {
            let auth = layer.authenticate(&Method::GET, headers, AcceptsToken::SESSION).await.unwrap();
            assert_eq!(auth.subject(), subject);
        }
        measured[2] = (cpu_nanos() - start) as f64;
        measured[3] = theirs(&mut sdk, "authenticateRequest");
        if round >= 5 {
            for (costs, nanos) in costs.iter_mut().zip(measured) {
                costs.push(nanos / TOKENS as f64 / 1000.0);
            }
        }
    }
    let medians: Vec<f64> = costs.iter_mut().map(|costs| quantile(costs, 0.5)).collect();
    println!(
        "{TOKENS} tokens of {} bytes, {ROUNDS} rounds; microseconds of processor time per token",
        tokens[0].len()
    );
    for (at, name) in names.iter().enumerate() {
        let (low, high) = (quantile(&mut costs[at], 0.1), quantile(&mut costs[at], 0.9));
        println!("{name:26} median {:7.1}   10 % {low:7.1}   90 % {high:7.1}", medians[at]);
    }
    let (plain, request) = (medians[1] / medians[0], medians[3] / medians[2]);
    println!("{plain:.1} times verifyToken (4.5 wanted), {request:.1} times authenticateRequest (12 wanted)");
    if plain >= 4.5 && request >= 12.0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn theirs(sdk: &mut Sdk, what: &str) -> f64 {
    let start = Instant::now();
    let answer = sdk.ask(&json!({ "command": "round", "what": what }));
    assert_eq!(answer["wrong"], 0, "{what}");
    let nanos = answer["cpuNanos"].as_f64().unwrap();
    assert!(nanos > 0.0 && nanos < start.elapsed().as_nanos() as f64 * 8.0);
    nanos
}

fn quantile(values: &mut [f64], at: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * at).round() as usize]
}
