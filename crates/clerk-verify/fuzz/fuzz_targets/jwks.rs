//! Any bytes as a JWKS: no panic, and no set that publishes a private key or is larger than allowed.
#![no_main]

use clerk_verify::{KeySet, Policy, verify_session};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let _ = std::str::from_utf8(bytes).map(KeySet::from_pem);
    let Ok(keys) = KeySet::from_jwks(bytes) else { return };
    let document: Value = serde_json::from_slice(bytes).unwrap();
    let listed = document["keys"].as_array().unwrap();
    assert!((1..=64).contains(&listed.len()));
    let private = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
    assert!(listed.iter().all(|key| private.iter().all(|member| key.get(member).is_none())));
    let policy = Policy::for_any_issuer().any_authorized_party();
    let forged = "eyJhbGciOiJSUzI1NiIsImtpZCI6Imluc190ZXN0S2lkMSJ9.e30.AA";
    assert!(verify_session(forged, &keys, &policy, 0).is_err());
});
