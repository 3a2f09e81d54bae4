//! Writes what the fuzz targets begin with, from the vectors:
//! `cargo run -q -p clerk-verify --example fuzz_seeds` (into `fuzz/corpus`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("tests/data/clerk-tokens.json")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    let seed = |target: &str, name: &str, bytes: &[u8]| {
        let folder = root.join("fuzz/corpus").join(target);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), bytes).unwrap();
    };
    for (number, vector) in file["vectors"].as_array().unwrap().iter().enumerate() {
        let token = vector["token"].as_str().unwrap();
        seed("token", &format!("{number}"), token.as_bytes());
        if let Some(claims) = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()) {
            // The first byte is the kind; each of the three.
            for kind in 0..3 {
                seed("claims", &format!("{number}-{kind}"), &[&[kind], &claims[..]].concat());
            }
        }
    }
    seed("jwks", "set", file["jwks"].to_string().as_bytes());
    seed("jwks", "pem", file["publicKeyPem"].as_str().unwrap().as_bytes());
    let mut two = file["jwks"].clone();
    let mut other = two["keys"][0].clone();
    other["kid"] = "ins_2".into();
    other["key_ops"] = serde_json::json!(["verify"]);
    two["keys"].as_array_mut().unwrap().push(other.clone());
    seed("jwks", "two", two.to_string().as_bytes());
    other["d"] = "AQAB".into();
    two["keys"].as_array_mut().unwrap().push(other);
    seed("jwks", "private", two.to_string().as_bytes());
}
