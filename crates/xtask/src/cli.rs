//! The command line.

use anyhow::{Context, bail};
use clerk_core::PublishableKey;
use lexopt::prelude::{Long, Short, Value, ValueExt};

use crate::ports::Ports;

/// What `cargo xtask help` prints.
pub const USAGE: &str = "\
cargo xtask dev                    run the app, its API and Clerk's development server
    --app-port PORT                the app's port (8080)
    --api-port PORT                the API's port (8081)
    --clerk-port PORT              the development server's port (8082)
    --publishable-key pk_test_...  use this Clerk instance instead of the development server
    --token-life SECONDS           how long the development server's session tokens live (60)
cargo xtask test [unit|plants|browser|e2e]
                                   check everything, or a part of it
cargo xtask bench [native|browser] measure the query cache; in Chromium, beside TanStack's core
cargo xtask fuzz [SECONDS]         feed the verifier of tokens what nobody would write (600)
cargo xtask size                   weigh what the query layer costs a page
cargo xtask help                   print this";

/// What to do.
#[derive(Debug)]
pub enum Command {
    Help,
    Dev(DevOptions),
    Test(Part),
    Bench(Bench),
    /// For so many seconds.
    Fuzz(u32),
    Size,
}

/// How to run the app.
#[derive(Debug, Default)]
pub struct DevOptions {
    pub ports: Ports,
    /// A hosted Clerk instance to use instead of the development server.
    pub publishable_key: Option<PublishableKey>,
    /// How long the development server's session tokens live, in seconds.
    pub token_life: Option<u32>,
}

/// Which tests to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    All,
    Unit,
    /// Whether the simulation of the query cache finds planted bugs.
    Plants,
    Browser,
    EndToEnd,
}

/// Which figures to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bench {
    All,
    Native,
    Browser,
}

/// Reads the command line.
pub fn parse(mut parser: lexopt::Parser) -> anyhow::Result<Command> {
    let command = match parser.next()? {
        None | Some(Long("help") | Short('h')) => return Ok(Command::Help),
        Some(Value(command)) => command.string()?,
        Some(other) => return Err(other.unexpected().into()),
    };
    match command.as_str() {
        "help" => Ok(Command::Help),
        "dev" => dev(parser),
        "test" => test(parser),
        "bench" => bench(parser),
        "fuzz" => fuzz(parser),
        "size" => alone(parser, Command::Size),
        other => bail!("there is no `cargo xtask {other}`: use dev, test, bench, fuzz, size or help"),
    }
}

/// A command that takes nothing.
fn alone(mut parser: lexopt::Parser, command: Command) -> anyhow::Result<Command> {
    match parser.next()? {
        None => Ok(command),
        Some(Long("help") | Short('h')) => Ok(Command::Help),
        Some(other) => Err(other.unexpected().into()),
    }
}

fn bench(mut parser: lexopt::Parser) -> anyhow::Result<Command> {
    let mut part = Bench::All;
    while let Some(argument) = parser.next()? {
        part = match argument {
            Long("help") | Short('h') => return Ok(Command::Help),
            Value(name) if part == Bench::All => match name.string()?.as_str() {
                "native" => Bench::Native,
                "browser" => Bench::Browser,
                other => bail!("there are no {other} figures: use native, browser, or nothing for all"),
            },
            other => return Err(other.unexpected().into()),
        };
    }
    Ok(Command::Bench(part))
}

fn fuzz(mut parser: lexopt::Parser) -> anyhow::Result<Command> {
    let mut seconds = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(Command::Help),
            Value(given) if seconds.is_none() => seconds = Some(given.parse()?),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Command::Fuzz(seconds.unwrap_or(600)))
}

fn dev(mut parser: lexopt::Parser) -> anyhow::Result<Command> {
    let mut options = DevOptions::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(Command::Help),
            Long("app-port") => options.ports.app = parser.value()?.parse()?,
            Long("api-port") => options.ports.api = parser.value()?.parse()?,
            Long("clerk-port") => options.ports.clerk = parser.value()?.parse()?,
            Long("token-life") => {
                let life = parser.value()?.parse()?;
                if life == 0 {
                    bail!("--token-life is a number of seconds, at least 1");
                }
                options.token_life = Some(life);
            }
            Long("publishable-key") => {
                let key = parser.value()?.string()?.parse();
                options.publishable_key = Some(key.context("--publishable-key cannot be used")?);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if options.publishable_key.is_some() && options.token_life.is_some() {
        bail!(
            "--token-life is a setting of the development server, which --publishable-key replaces: leave one out"
        );
    }
    Ok(Command::Dev(options))
}

fn test(mut parser: lexopt::Parser) -> anyhow::Result<Command> {
    let mut part = Part::All;
    while let Some(argument) = parser.next()? {
        part = match argument {
            Long("help") | Short('h') => return Ok(Command::Help),
            Value(name) if part == Part::All => match name.string()?.as_str() {
                "unit" => Part::Unit,
                "plants" => Part::Plants,
                "browser" => Part::Browser,
                "e2e" => Part::EndToEnd,
                other => {
                    bail!("there are no {other} tests: use unit, plants, browser, e2e, or nothing for all")
                }
            },
            other => return Err(other.unexpected().into()),
        };
    }
    Ok(Command::Test(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(arguments: &[&str]) -> anyhow::Result<Command> {
        parse(lexopt::Parser::from_args(arguments))
    }

    fn error(arguments: &[&str]) -> String {
        crate::output::sentence(&command(arguments).unwrap_err())
    }

    #[test]
    fn ports_and_settings_are_read() {
        let Command::Dev(options) =
            command(&["dev", "--app-port", "9000", "--clerk-port=9002", "--token-life", "20"]).unwrap()
        else {
            panic!("not dev")
        };
        assert_eq!((options.ports.app, options.ports.api, options.ports.clerk), (9000, 8081, 9002));
        assert_eq!(options.token_life, Some(20));
        assert!(matches!(command(&["test"]).unwrap(), Command::Test(Part::All)));
        assert!(matches!(command(&["test", "e2e"]).unwrap(), Command::Test(Part::EndToEnd)));
        assert!(matches!(command(&["test", "plants"]).unwrap(), Command::Test(Part::Plants)));
    }

    #[test]
    fn a_wrong_key_is_told_in_one_line_without_the_secret() {
        let secret = error(&["dev", "--publishable-key", "sk_test_abcdefgh"]);
        assert!(secret.contains("--publishable-key") && secret.contains("secret"), "{secret}");
        assert!(!secret.contains("abcdefgh") && !secret.contains('\n'), "{secret}");
        assert!(error(&["dev", "--publishable-key", "nonsense"]).contains("pk_test_"));
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        assert!(error(&["serve"]).contains("dev, test, bench, fuzz, size or help"));
        assert!(matches!(command(&["bench"]).unwrap(), Command::Bench(Bench::All)));
        assert!(matches!(command(&["bench", "browser"]).unwrap(), Command::Bench(Bench::Browser)));
        assert!(error(&["bench", "mobile"]).contains("native, browser"));
        assert!(matches!(command(&["fuzz"]).unwrap(), Command::Fuzz(600)));
        assert!(matches!(command(&["fuzz", "30"]).unwrap(), Command::Fuzz(30)));
        assert!(command(&["fuzz", "long"]).is_err());
        assert!(matches!(command(&["size"]).unwrap(), Command::Size));
        assert!(error(&["size", "app"]).contains("app"));
        assert!(error(&["test", "unit", "e2e"]).contains("e2e"));
        assert!(error(&["test", "fast"]).contains("unit, plants, browser, e2e"));
        assert!(error(&["dev", "--app-port", "80800"]).contains("80800"));
        assert!(error(&["dev", "--token-life", "0"]).contains("at least 1"));
    }
}
