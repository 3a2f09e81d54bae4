use std::path::PathBuf;
use std::time::Duration;

use clerk_dev::Settings;
use lexopt::prelude::*;

use crate::call::Call;
use crate::options::Options;

pub(crate) const HELP: &str = "\
Clerk's Frontend API on this machine, for development only. Not affiliated with or endorsed by Clerk.

clerk-dev serve --clerk-js DIR --clerk-ui DIR [options]
    Serves it on 127.0.0.1, below /__clerk.
    --clerk-js DIR         the unpacked npm package @clerk/clerk-js
    --clerk-ui DIR         the unpacked npm package @clerk/ui
    --port N               the port; default 8082, 0 takes any that is free
    --control-port N       the control port; default 0
    --app-origin URL       where the app's pages are; default http://localhost:8080
    --data-dir DIR         where key and sign-ins are kept; default .dev/clerk-dev
    --token-life SECONDS   how long a session token lives; default 60
    --several-sessions     let several people be signed in in one browser
    --publishable-key KEY  the key the app is set up with (or CLERK_PUBLISHABLE_KEY): a pk_live_ is
                           refused, and another key than this server's is warned of

clerk-dev describe [--data-dir DIR]
    Prints keys, people and organizations as a line of JSON, making the key if there is none.

clerk-dev control CALL [options] [--data-dir DIR]
    Makes the server that runs with this data folder do something, and prints its answer, JSON.
    state                  what is set, what is to go wrong, who is signed in
    set [--token-life SECONDS] [--clock-ahead SECONDS] [--several-sessions true|false]
    fault [--path PATH] [--method METHOD] [--times N] and one or more of:
        --status N [--code CODE] [--retry-after SECONDS|DATE]   an error instead of the answer
        --body TEXT            this text instead of the answer's
        --delay MILLISECONDS   the answer comes late
        --hang                 no answer comes
        --drop                 the connection ends
                           PATH is below /__clerk or /backend; * is any segment, ** at the end any rest
    clear-faults           nothing goes wrong any more
    revoke --session ID | --person EMAIL | --all
    template NAME --claims JSON [--life SECONDS]
    template NAME --remove
    reset                  all as at the start; everybody is signed out

clerk-dev token oauth|m2m|api-key [options] [--data-dir DIR]
    Issues a token by the server that runs with this data folder, and prints it.
    --jwt                  a JWT; not for API keys. Otherwise oat_…, mt_… or ak_…
    --subject ID|EMAIL     whom it is for: user_…, mch_… or org_…
    --scope SCOPE          may be given several times
    --expires-in SECONDS   negative for one that has expired
    --audience TEXT        OAuth only; may be given several times
    --client-id ID         OAuth only
    --name TEXT            API keys only
    --claims JSON          M2M tokens and API keys only
    --json                 prints all about it instead, a line of JSON

clerk-dev token list [--data-dir DIR]
clerk-dev token revoke TOKEN|ID [--reason TEXT] [--data-dir DIR]

RUST_LOG sets how much is logged; default info.";

const DATA_DIR: &str = ".dev/clerk-dev";

pub(crate) enum Command {
    Serve(ServeArgs),
    Describe { data_dir: PathBuf },
    Control { data_dir: PathBuf, call: Call },
    Token { data_dir: PathBuf, call: Call, bare: bool },
    Help,
    Version,
}

pub(crate) struct ServeArgs {
    pub(crate) port: u16,
    pub(crate) control_port: u16,
    pub(crate) settings: Settings,
    pub(crate) publishable_key: Option<Given>,
}

/// A publishable key, and where it was found.
pub(crate) struct Given {
    pub(crate) found_in: &'static str,
    pub(crate) key: String,
}

pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    match parser.next()? {
        Some(Value(name)) if name == "serve" => parse_serve(parser),
        Some(Value(name)) if name == "describe" => parse_describe(parser),
        Some(Value(name)) if name == "control" => parse_call(parser, |options| {
            let data_dir = options.data_dir.clone();
            Ok(Command::Control { data_dir, call: options.control()? })
        }),
        Some(Value(name)) if name == "token" => parse_call(parser, |mut options| {
            let (data_dir, json) = (options.data_dir.clone(), options.take("json").is_some());
            let (call, issues) = options.token()?;
            Ok(Command::Token { data_dir, call, bare: issues && !json })
        }),
        Some(Short('h') | Long("help")) => Ok(Command::Help),
        Some(Short('V') | Long("version")) => Ok(Command::Version),
        Some(other) => Err(other.unexpected()),
        None => Err("say serve, describe, control or token; --help shows how".into()),
    }
}

fn parse_serve(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let (mut port, mut control_port) = (8082, 0);
    let mut settings = Settings {
        app_origin: "http://localhost:8080".to_owned(),
        data_dir: PathBuf::from(DATA_DIR),
        clerk_js: PathBuf::new(),
        clerk_ui: PathBuf::new(),
        token_life: Settings::TOKEN_LIFE,
        several_sessions: false,
    };
    let mut publishable_key = std::env::var("CLERK_PUBLISHABLE_KEY")
        .ok()
        .filter(|key| !key.is_empty())
        .map(|key| Given { found_in: "CLERK_PUBLISHABLE_KEY", key });
    while let Some(argument) = parser.next()? {
        match argument {
            Long("port") => port = parser.value()?.parse()?,
            Long("control-port") => control_port = parser.value()?.parse()?,
            Long("app-origin") => settings.app_origin = parser.value()?.string()?,
            Long("data-dir") => settings.data_dir = parser.value()?.into(),
            Long("clerk-js") => settings.clerk_js = parser.value()?.into(),
            Long("clerk-ui") => settings.clerk_ui = parser.value()?.into(),
            Long("several-sessions") => settings.several_sessions = true,
            Long("token-life") => settings.token_life = Duration::from_secs(parser.value()?.parse()?),
            Long("publishable-key") => {
                publishable_key =
                    Some(Given { found_in: "--publishable-key", key: parser.value()?.string()? });
            }
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    for (folder, option) in [(&settings.clerk_js, "--clerk-js"), (&settings.clerk_ui, "--clerk-ui")] {
        if folder.as_os_str().is_empty() {
            return Err(format!("{option} is missing: give the folder of the unpacked npm package").into());
        }
    }
    Ok(Command::Serve(ServeArgs { port, control_port, settings, publishable_key }))
}

fn parse_describe(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut data_dir = PathBuf::from(DATA_DIR);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("data-dir") => data_dir = parser.value()?.into(),
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Describe { data_dir })
}

fn parse_call(
    mut parser: lexopt::Parser,
    command: impl FnOnce(Options) -> Result<Command, String>,
) -> Result<Command, lexopt::Error> {
    let mut options = Options::new(PathBuf::from(DATA_DIR));
    while let Some(argument) = parser.next()? {
        match argument {
            Long("data-dir") => options.data_dir = parser.value()?.into(),
            Short('h') | Long("help") => return Ok(Command::Help),
            Long(name) => {
                let name = name.to_owned();
                let value = match Options::FLAGS.contains(&name.as_str()) {
                    true => "true".to_owned(),
                    false => parser.value()?.string()?,
                };
                options.given.push((name, value));
            }
            Value(word) => options.words.push(word.string()?),
            other => return Err(other.unexpected()),
        }
    }
    Ok(command(options)?)
}
