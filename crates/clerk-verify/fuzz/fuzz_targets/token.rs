//! Any bytes as a token: no panic, and nobody is let in but by a token of the vectors, to the byte.
#![no_main]

use std::collections::HashSet;
use std::sync::LazyLock;

use clerk_verify::{AcceptsToken, KeySet, Policy, verify_token};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

struct Setup {
    keys: KeySet,
    policy: Policy,
    now_millis: i64,
    signed: HashSet<String>,
}

static SETUP: LazyLock<Setup> = LazyLock::new(|| {
    let file: Value = serde_json::from_str(include_str!("../../tests/data/clerk-tokens.json")).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    Setup {
        keys: KeySet::from_pem(file["publicKeyPem"].as_str().unwrap()).unwrap(),
        policy: Policy::for_issuer("https://clerk.foo.com").unwrap().any_authorized_party().any_audience(),
        now_millis: file["now"].as_i64().unwrap() * 1000,
        signed: vectors.iter().map(|vector| vector["token"].as_str().unwrap().to_owned()).collect(),
    }
});

fuzz_target!(|token: &str| {
    match verify_token(token, AcceptsToken::ANY, &SETUP.keys, &SETUP.policy, SETUP.now_millis) {
        Ok(auth) => {
            assert!(SETUP.signed.contains(token), "nobody signed this: {token}");
            assert!(!auth.subject().is_empty());
        }
        // What goes into a response's header.
        Err(rejection) => assert!(rejection.to_string().bytes().all(|byte| (b' '..=b'~').contains(&byte))),
    }
});
