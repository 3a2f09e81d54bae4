//! The SDK in a process of its own, asked a line at a time.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

pub const SDK: &str = "3.25.0";
/// What the SDK stands on, pinned too.
const SHARED: &str = "4.36.0";

pub struct Sdk {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Sdk {
    pub fn start() -> Self {
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
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/beside_clerk/clerk-backend.mjs");
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

    pub fn ask(&mut self, question: &Value) -> Value {
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
