//! `cargo xtask test`: the checks, one step after the other. A step that fails does not keep the later
//! ones from running, so that one run tells all there is to mend.

mod packages;
mod plants;
mod steps;
mod summary;
pub mod wasm;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::cli::Part;
use crate::interrupt::Interrupted;
use crate::output::{say, sentence};
use crate::tools::Toolbox;
use summary::{Outcome, Summary};

/// What the steps hand on to each other.
struct Session {
    tools: Toolbox,
    /// The app as it ships, once it is built.
    dist: Option<PathBuf>,
}

/// A step: its name, the part it belongs to (`All`: every part needs it), and what it does.
struct Step {
    name: &'static str,
    part: Part,
    run: fn(&mut Session) -> anyhow::Result<()>,
}

/// The quick ones first; what needs the built app after it.
const STEPS: [Step; 13] = [
    Step { name: "dependencies", part: Part::All, run: steps::dependencies },
    Step { name: "formatting", part: Part::Unit, run: steps::formatting },
    Step { name: "licences and sources", part: Part::Unit, run: steps::licences },
    Step { name: "clippy", part: Part::Unit, run: steps::clippy },
    Step { name: "clippy for the page", part: Part::Unit, run: steps::clippy_for_the_page },
    Step { name: "native tests", part: Part::Unit, run: steps::native_tests },
    Step { name: "planted bugs", part: Part::Plants, run: plants::plants },
    Step { name: "documentation tests", part: Part::Unit, run: steps::doc_tests },
    Step { name: "packages", part: Part::Unit, run: packages::packages },
    Step { name: "browser tests", part: Part::Browser, run: steps::browser_tests },
    Step { name: "shipped wasm", part: Part::EndToEnd, run: wasm::ship },
    Step { name: "weight of the query layer", part: Part::EndToEnd, run: |_| crate::size::check().map(drop) },
    Step { name: "end-to-end tests", part: Part::EndToEnd, run: steps::end_to_end },
];

/// Runs a part of the steps, or all.
pub fn run(part: Part) -> anyhow::Result<ExitCode> {
    let mut session = Session { tools: Toolbox::open()?, dist: None };
    let mut summary = Summary::default();
    let mut broken = false;
    for step in STEPS.iter().filter(|step| [part, step.part].contains(&Part::All) || part == step.part) {
        if broken {
            let error = Some("not run, because the dependencies are missing".to_owned());
            summary.add(Outcome { name: step.name, took: Duration::ZERO, error });
            continue;
        }
        say(format_args!("\n=== {}", step.name));
        let started = Instant::now();
        let result = (step.run)(&mut session);
        let error = match result {
            Ok(()) => None,
            Err(error) if error.is::<Interrupted>() => return Err(error),
            Err(error) => Some(sentence(&error)),
        };
        broken = error.is_some() && step.part == Part::All;
        let outcome = Outcome { name: step.name, took: started.elapsed(), error };
        say(&outcome);
        summary.add(outcome);
    }
    say(format_args!("\n=== summary\n{summary}"));
    Ok(if summary.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
