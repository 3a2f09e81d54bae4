//! `cargo xtask dev`: the app, its API and Clerk's development server, until Ctrl-C.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::cli::DevOptions;
use crate::config_json::ConfigJson;
use crate::group::Group;
use crate::output::say;
use crate::run::{self, HEARTBEAT, each_line};
use crate::tools::Toolbox;
use crate::{http, interrupt, ports, trunk_config};

/// Where the development server is reached, on its own port and on the app's.
const CLERK_PATH: &str = "/__clerk";
/// How long a server that is already built may take to answer.
const START: Duration = Duration::from_secs(60);

/// Sets up, builds, starts, and stays until somebody stops it or a server ends.
pub fn run(options: &DevOptions) -> anyhow::Result<()> {
    let with_clerk = options.publishable_key.is_none();
    ports::check(&options.ports.uses(with_clerk))?;

    let mut tools = Toolbox::open()?;
    tools.wasm_target()?;
    tools.cargo_tool("wasm-bindgen-cli")?;
    tools.cargo_tool("trunk")?;
    tools.wasm_opt()?;
    let mut servers = vec!["foo-api"];
    if with_clerk {
        tools.npm_package("clerk-js")?;
        tools.npm_package("clerk-ui")?;
        servers.push("clerk-dev");
    }
    build(&tools, &servers)?;

    let run = Run { options, tools };
    let clerk = if with_clerk { Some(run.describe()?) } else { None };
    let key = match (&options.publishable_key, &clerk) {
        (Some(key), _) => key.to_string(),
        (None, Some(clerk)) => clerk.publishable_key.clone(),
        (None, None) => bail!("there is no publishable key: give one with --publishable-key"),
    };
    let config = ConfigJson {
        publishable_key: key.clone(),
        proxy_path: with_clerk.then(|| CLERK_PATH.to_owned()),
        api_origin: run.origin(options.ports.api),
    };
    config.write(&run.tools.workspace.root)?;

    let mut started = Started::default();
    if with_clerk {
        started.start("clerk", &mut run.clerk_dev()?)?;
    }
    started.start("api", &mut run.foo_api(&key, clerk.as_ref()))?;
    started.start("app", &mut run.trunk(with_clerk)?)?;
    if with_clerk {
        let jwks = format!("{CLERK_PATH}/.well-known/jwks.json");
        started.wait("Clerk's development server", options.ports.clerk, &jwks, Some(START))?;
    }
    started.wait("the API", options.ports.api, "/", Some(START))?;
    // The first build of the app may take minutes.
    let built = started.wait("building the app", options.ports.app, "/", None)?;
    if built != 200 {
        say("The app did not build: see Trunk's lines above. It builds again when you save a change.");
    }
    say(run.block(clerk.as_ref()));
    started.stay()
}

fn build(tools: &Toolbox, servers: &[&str]) -> anyhow::Result<()> {
    say(format_args!("Building {}.", servers.join(" and ")));
    let mut build = tools.cargo();
    build.arg("build");
    for server in servers {
        build.args(["--package", server]);
    }
    run::pulse("building the servers", &mut build).map(drop).map_err(run::report)
}

/// What `clerk-dev describe` tells.
// No `Debug`: it has a secret.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Description {
    publishable_key: String,
    secret_key: String,
    people: Vec<Person>,
}

#[derive(Debug, Deserialize)]
struct Person {
    name: String,
    email: String,
    password: String,
}

/// One run of `dev`: how each program is started in it.
struct Run<'a> {
    options: &'a DevOptions,
    tools: Toolbox,
}

impl Run<'_> {
    /// `localhost`, not an address: it is what people type, and part of the tokens' `azp`.
    fn origin(&self, port: u16) -> String {
        format!("http://localhost:{port}")
    }

    fn program(&self, name: &str) -> Command {
        self.tools.command(self.tools.workspace.program(name))
    }

    fn describe(&self) -> anyhow::Result<Description> {
        let mut describe = self.program("clerk-dev");
        describe.args(["describe", "--data-dir"]).arg(self.clerk_data());
        let answer =
            run::pulse("asking clerk-dev for its key and people", &mut describe).map_err(run::report)?;
        serde_json::from_str(answer.trim()).context("clerk-dev describe answered something unknown")
    }

    fn clerk_data(&self) -> std::path::PathBuf {
        self.tools.workspace.dev_data().join("clerk-dev")
    }

    fn clerk_dev(&self) -> anyhow::Result<Command> {
        let mut serve = self.program("clerk-dev");
        serve
            .args(["serve", "--port", &self.options.ports.clerk.to_string()])
            .args(["--app-origin", &self.origin(self.options.ports.app)])
            .arg("--data-dir")
            .arg(self.clerk_data())
            .arg("--clerk-js")
            .arg(self.tools.npm_package("clerk-js")?)
            .arg("--clerk-ui")
            .arg(self.tools.npm_package("clerk-ui")?);
        if let Some(seconds) = self.options.token_life {
            serve.args(["--token-life", &seconds.to_string()]);
        }
        Ok(serve)
    }

    fn foo_api(&self, key: &str, clerk: Option<&Description>) -> Command {
        let ports = self.options.ports;
        let mut api = self.program("foo-api");
        // Another instance's settings in the user's environment would refuse every token of this one.
        api.env_remove("CLERK_ISSUER")
            .env_remove("CLERK_JWKS_URL")
            .env("FOO_API_PORT", ports.api.to_string())
            .env("FOO_API_DATABASE", self.tools.workspace.dev_data().join("foo-api.sqlite3"))
            .env("FOO_API_APP_ORIGINS", self.origin(ports.app))
            .env("CLERK_PUBLISHABLE_KEY", key);
        if let Some(clerk) = clerk {
            let direct = format!("http://127.0.0.1:{}", ports.clerk);
            api.env("CLERK_ISSUER", self.origin(ports.app) + CLERK_PATH)
                .env("CLERK_JWKS_URL", format!("{direct}{CLERK_PATH}/.well-known/jwks.json"))
                .env("CLERK_SECRET_KEY", &clerk.secret_key)
                .env("CLERK_API_URL", format!("{direct}/backend"));
        }
        api
    }

    fn trunk(&self, with_clerk: bool) -> anyhow::Result<Command> {
        let workspace = &self.tools.workspace;
        let settings =
            trunk_config::write(&workspace.root, &workspace.dev_data(), self.options.ports, with_clerk)?;
        let mut trunk = self.tools.command("trunk");
        trunk.arg("serve").arg("--config").arg(settings);
        quiet_trunk(&mut trunk);
        Ok(trunk)
    }

    fn block(&self, clerk: Option<&Description>) -> String {
        let ports = self.options.ports;
        let mut block =
            format!("\n  The app   {}\n  The API   {}\n", self.origin(ports.app), self.origin(ports.api));
        match (clerk, &self.options.publishable_key) {
            (Some(clerk), _) => {
                block += "\n  Sign in as\n";
                for Person { name, email, password } in &clerk.people {
                    block += &format!("    {email:<24} {password:<24} {name}\n");
                }
            }
            (None, Some(key)) => {
                block += &format!("\n  Sign in with an account of {}\n", key.frontend_api());
            }
            (None, None) => {}
        }
        block + "\n  Ctrl-C stops all of it.\n"
    }
}

/// Trunk's ways that are in ours: it takes only `true` and `false` for NO_COLOR, which others set to 1,
/// and it asks the network for a newer Trunk at every start.
pub fn quiet_trunk(trunk: &mut Command) {
    if std::env::var_os("NO_COLOR").is_some() {
        trunk.env("NO_COLOR", "true");
    }
    trunk.env("TRUNK_SKIP_VERSION_CHECK", "true");
}

/// The servers that run. Dropped, all of them end.
#[derive(Default)]
struct Started(Vec<(&'static str, Group)>);

impl Started {
    fn start(&mut self, name: &'static str, command: &mut Command) -> anyhow::Result<()> {
        let program = Path::new(command.get_program()).display().to_string();
        let mut group = Group::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
            .with_context(|| format!("{program} could not be started"))?;
        if let Some(pipe) = group.child().stdout.take() {
            print_lines(name, pipe);
        }
        if let Some(pipe) = group.child().stderr.take() {
            print_lines(name, pipe);
        }
        self.0.push((name, group));
        Ok(())
    }

    /// Fails if a server has ended.
    fn check(&mut self) -> anyhow::Result<()> {
        for (name, group) in &mut self.0 {
            if let Some(status) = group.try_wait()? {
                // Its last words may still be on their way through the pipe.
                std::thread::sleep(Duration::from_millis(200));
                bail!("{name} ended ({status}), so everything was stopped: see its lines above");
            }
        }
        Ok(())
    }

    /// Waits until a server answers, and returns the status it answers with.
    fn wait(&mut self, what: &str, port: u16, path: &str, patience: Option<Duration>) -> anyhow::Result<u16> {
        let started = Instant::now();
        let mut said = started;
        loop {
            self.check()?;
            if let Some(status) = http::status(port, path) {
                return Ok(status);
            }
            if patience.is_some_and(|patience| started.elapsed() > patience) {
                bail!("{what} does not answer on port {port}: see its lines above");
            }
            if said.elapsed() >= HEARTBEAT {
                said = Instant::now();
                say(format_args!("  still waiting: {what}… {} s", started.elapsed().as_secs()));
            }
            interrupt::tick()?;
        }
    }

    /// Stays until a server ends or somebody asks to stop.
    fn stay(&mut self) -> anyhow::Result<()> {
        loop {
            self.check()?;
            if interrupt::tick().is_err() {
                say("Stopping.");
                return Ok(());
            }
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        for (_, group) in &self.0 {
            group.ask_to_end();
        }
    }
}

fn print_lines(name: &'static str, pipe: impl Read + Send + 'static) {
    each_line(pipe, move |line| {
        say(format_args!("{name:>5} | {line}"));
        true
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_ends_is_named() {
        let mut started = Started::default();
        started.start("api", Command::new("sh").args(["-c", "exit 7"])).unwrap();
        let error = started.wait("the API", 1, "/", Some(Duration::from_secs(5))).unwrap_err().to_string();
        assert!(error.contains("api") && error.contains('7'), "{error}");
    }

    #[test]
    fn the_description_is_read() {
        let text = r#"{"publishableKey":"pk_test_x","secretKey":"sk_test_x","people":[{"name":"Ada","email":"ada@example.com","password":"p"}]}"#;
        let description: Description = serde_json::from_str(text).unwrap();
        assert_eq!(description.people[0].email, "ada@example.com");
    }
}
