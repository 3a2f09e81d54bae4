//! What an app gets that wants only the cache.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used)]

use std::process::Command;

/// Yew has gloo-net in its own tree; there is no other way to it.
#[test]
fn the_example_needs_no_clerk_no_router_and_no_fetcher_but_what_yew_has_itself() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", "cache-only", "--target", "wasm32-unknown-unknown"])
        .args(["--edges", "normal", "--prefix", "none", "--prune", "yew"])
        .output()
        .unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(tree.contains("yew-query-cache v") && tree.contains("query-cache v"), "{tree}");
    for unwanted in ["clerk", "gloo", "yew-router", "bearer-fetch", "reqwest", "tokio"] {
        assert!(!tree.contains(unwanted), "{unwanted} in\n{tree}");
    }
}
