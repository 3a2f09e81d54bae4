//! How the steps went. The last line is for machines: `N passed, N failed`.

use std::fmt;
use std::time::Duration;

/// How one step went.
#[derive(Debug)]
pub struct Outcome {
    pub name: &'static str,
    pub took: Duration,
    /// Why it failed, in a sentence.
    pub error: Option<String>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, took, error } = self;
        let took = took.as_secs();
        match error {
            None => write!(f, "ok      {name} ({took} s)"),
            Some(error) => write!(f, "FAILED  {name} ({took} s): {error}"),
        }
    }
}

/// All steps of a run.
#[derive(Debug, Default)]
pub struct Summary(Vec<Outcome>);

impl Summary {
    /// Adds a step.
    pub fn add(&mut self, outcome: Outcome) {
        self.0.push(outcome);
    }

    /// Whether every step passed, and there was one.
    pub fn passed(&self) -> bool {
        !self.0.is_empty() && self.failures() == 0
    }

    fn failures(&self) -> usize {
        self.0.iter().filter(|outcome| outcome.error.is_some()).count()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for outcome in &self.0 {
            writeln!(f, "{outcome}")?;
        }
        let failed = self.failures();
        write!(f, "{} passed, {failed} failed", self.0.len() - failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(error: Option<&str>) -> Outcome {
        Outcome { name: "a step", took: Duration::from_millis(2900), error: error.map(str::to_owned) }
    }

    #[test]
    fn the_last_line_counts_steps_and_stands_alone() {
        let mut summary = Summary::default();
        assert!(!summary.passed());
        summary.add(outcome(None));
        summary.add(outcome(None));
        assert!(summary.passed());
        assert_eq!(summary.to_string().lines().last(), Some("2 passed, 0 failed"));
        summary.add(outcome(Some("port 1 is in use")));
        assert!(!summary.passed());
        let text = summary.to_string();
        assert_eq!(text.lines().last(), Some("2 passed, 1 failed"));
        assert!(text.contains("FAILED  a step (2 s): port 1 is in use"), "{text}");
    }
}
