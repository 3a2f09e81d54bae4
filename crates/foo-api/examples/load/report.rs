//! What came of it, in numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::person::{Act, Outcome};

#[derive(Default)]
pub struct Report {
    latencies: BTreeMap<Act, Vec<Duration>>,
    wrong: Vec<String>,
}

impl Report {
    pub fn add(&mut self, outcomes: Vec<Outcome>) {
        for Outcome { act, latency, wrong } in outcomes {
            self.latencies.entry(act).or_default().push(latency);
            self.wrong.extend(wrong.map(|wrong| format!("{act:?}: {wrong}")));
        }
    }

    pub fn check(&mut self, result: Result<(), String>) {
        self.wrong.extend(result.err());
    }

    /// Each request had its token verified, and the keys were fetched once for all of them.
    pub fn check_metrics(&mut self, metrics: &str) {
        let sent = self.latencies.values().map(Vec::len).sum::<usize>();
        let verified = format!(r#"clerk_verify_tokens_total{{kind="session_token",result="ok"}} {sent}"#);
        for line in [verified.as_str(), r#"clerk_verify_jwks_fetches_total{result="ok"} 1"#] {
            if !metrics.lines().any(|other| other == line) {
                self.wrong.push(format!("the API did not count `{line}`:\n{metrics}"));
            }
        }
    }

    pub fn is_clean(&self) -> bool {
        self.wrong.is_empty()
    }

    pub fn print(&self, took: Duration, memory_kib: Option<u64>) {
        let mut all: Vec<Duration> = self.latencies.values().flatten().copied().collect();
        all.sort_unstable();
        let rate = all.len() as f64 / took.as_secs_f64();
        println!("{} answers in {:.2} s: {rate:.0} in a second", all.len(), took.as_secs_f64());
        println!("{:<8} {:>9} {:>9} {:>9} {:>9}", "", "answers", "p50 ms", "p99 ms", "max ms");
        row("all", &all);
        for (act, latencies) in &self.latencies {
            let mut latencies = latencies.clone();
            latencies.sort_unstable();
            row(&format!("{act:?}"), &latencies);
        }
        match memory_kib {
            Some(kib) => println!("the API's peak resident memory: {:.1} MB", kib as f64 / 1024.0),
            None => println!("the API's peak resident memory: unknown, for there is no /proc"),
        }
        println!("errors: {}", self.wrong.len());
        for wrong in self.wrong.iter().take(10) {
            println!("  {wrong}");
        }
    }
}

fn row(name: &str, sorted: &[Duration]) {
    let part = |share: f64| {
        let at = (sorted.len() as f64 * share) as usize;
        sorted.get(at.min(sorted.len().saturating_sub(1))).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    };
    println!("{name:<8} {:>9} {:>9.1} {:>9.1} {:>9.1}", sorted.len(), part(0.5), part(0.99), part(1.0));
}
