//! Makes a program that fails as short as it gets, by leaving steps out.

use super::program::{Program, Step};

/// Calls to `fails` at most: each is a run.
const MOST: usize = 4_000;

/// The shortest program found that still fails in that way.
pub fn shrink(program: &Program, fails: impl Fn(&Program) -> bool) -> Program {
    let mut best = program.clone();
    let mut left = MOST;
    let mut try_steps = |best: &mut Program, steps: Vec<Step>| {
        left = left.saturating_sub(1);
        let candidate = Program { steps, ..best.clone() };
        let better = left > 0 && fails(&candidate);
        if better {
            *best = candidate;
        }
        better
    };
    // Again while it helps: one step less may make another one needless.
    loop {
        let before = best.steps.clone();
        let mut size = best.steps.len().div_ceil(2).max(1);
        loop {
            let mut at = 0;
            while at < best.steps.len() {
                let mut steps = best.steps.clone();
                steps.drain(at..(at + size).min(best.steps.len()));
                if !try_steps(&mut best, steps) {
                    at += size;
                }
            }
            if size == 1 {
                break;
            }
            size = size.div_ceil(2);
        }
        for at in 0..best.steps.len() {
            for sparks in 0..best.steps[at].sparks {
                let mut steps = best.steps.clone();
                steps[at].sparks = sparks;
                if try_steps(&mut best, steps) {
                    break;
                }
            }
        }
        if best.steps == before {
            return best;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Act;

    #[test]
    fn only_what_it_takes_to_fail_is_left() {
        let program = Program::of_seed(1);
        let wanted = |act: &Act| matches!(act, Act::Pass(_));
        let passes = |program: &Program| program.steps.iter().filter(|step| wanted(&step.act)).count();
        let most = passes(&program);
        assert!(most > 3 && most < program.steps.len());
        let shrunk = shrink(&program, |program| passes(program) >= 3);
        assert_eq!((shrunk.steps.len(), passes(&shrunk)), (3, 3));
        assert!(shrunk.steps.iter().all(|step| step.sparks == 0));
    }
}
