//! What this crate brings along: nothing of a sign-in service, and no framework.

#![cfg(not(target_arch = "wasm32"))]

use std::process::Command;

#[test]
fn neither_clerk_nor_yew_comes_along() {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--offline", "--all-features", "--edges", "normal,build", "--prefix", "none"])
        .args(["--format", "{p}", "--target", "wasm32-unknown-unknown"])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = tree.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let names: Vec<_> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains(&"gloo-net") && names.contains(&"query-cache"), "{names:?}");
    let strangers = ["yew", "clerk"];
    let found: Vec<_> =
        names.iter().filter(|name| strangers.iter().any(|stranger| name.contains(stranger))).collect();
    assert!(found.is_empty(), "{found:?}");
}
