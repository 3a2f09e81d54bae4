//! Any JSON as the claims of a token whose signature is good: no panic, and what is accepted is what an
//! independent, slower reading of the rules accepts.
#![no_main]

use clerk_verify::{Auth, Policy, Requirement, Reverification, fuzzing};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://clerk.foo.com";
const PAGE: &str = "https://foo.com";

fuzz_target!(|input: &[u8]| {
    let Some((kind, bytes)) = input.split_first() else { return };
    let policy = Policy::for_issuer(ISSUER).unwrap().authorized_parties([PAGE]).unwrap();
    let Ok(auth) = fuzzing::claims(*kind, bytes, &policy, NOW * 1000) else { return };
    // The strict reader has read it, so the lax one reads the same.
    let claims: Value = serde_json::from_slice(bytes).unwrap();
    assert_eq!(claims["sub"], auth.subject());
    assert!(!auth.subject().is_empty());
    assert_eq!(claims["iss"], ISSUER);
    assert!(claims.get("aud").is_none());
    assert!(claims["exp"].as_i64().unwrap() > NOW - 5);
    for name in ["nbf", "iat"] {
        assert!(claims.get(name).is_none_or(|time| time.as_i64().unwrap() <= NOW + 5));
    }
    match auth {
        Auth::Session(session) => {
            assert_eq!(claims["azp"], PAGE);
            assert_ne!(claims["sid"], "");
            assert_ne!(claims["sts"], "pending");
            let access = session.access();
            for permission in access.organization.iter().flat_map(|organization| &organization.permissions) {
                let _ = session.has(&Requirement::permission(&**permission));
            }
            let _ = session.has(&Requirement::feature("org:a").and(Requirement::plan("b")));
            let _ = session.has(&Requirement::reverification(Reverification::StrictMfa));
            let _ = session.actor();
        }
        Auth::Machine(machine) => assert!(machine.machine_id().starts_with("mch_")),
        _ => {}
    }
});
