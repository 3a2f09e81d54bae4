//! What a verdict costs.

use std::process::ExitCode;
use std::time::Instant;

use axum::http::{HeaderMap, Method};
use clerk_verify::axum::AuthLayer;
use clerk_verify::{AcceptsToken, Clock as _, KeySet, Policy, PublishableKey, SystemClock, Verifier};
use serde_json::json;

use crate::common::{ISSUER, PAGE, SigningKey};
use crate::sdk::Sdk;
use crate::tokens::session_claims;

const ROUNDS: usize = 25;
const TOKENS: usize = 1000;

/// Nanoseconds that this thread was on a processor.
fn cpu_nanos() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("this needs Linux");
    text.split(' ').next().unwrap().parse().unwrap()
}

pub async fn cost() -> ExitCode {
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
