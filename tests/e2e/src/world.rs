use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;
use tempfile::TempDir;

use crate::front::{Config, Front, Site};
use crate::gate::{Gate, plain_client};
use crate::origin_server::free_port;
use crate::process::Running;
use crate::recorder::Recorder;
use crate::tools;
use crate::wait::eventually;

/// What a [`World`] can be started with.
#[derive(Debug, Clone, Default)]
pub struct WorldOptions {
    /// How long session tokens live, in whole seconds; default: clerk-dev's own, 60 s.
    pub token_life: Option<Duration>,
    /// The lab in the app's place, and the API on the app's own origin, too, below `/api`.
    pub lab: bool,
}

/// Someone who can sign in.
#[derive(Debug, Clone, Deserialize)]
pub struct Person {
    pub name: String,
    pub email: String,
    pub password: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    publishable_key: String,
    people: Vec<Person>,
}

/// Every server of one test, each on a port of its own, in a folder of its own. All end when it is dropped.
#[derive(Debug)]
pub struct World {
    /// The app's origin.
    pub front: Front,
    /// The API's origin.
    pub gate: Gate,
    /// A third origin.
    pub recorder: Recorder,
    pub publishable_key: String,
    pub people: Vec<Person>,
    clerk_dev: Running,
    clerk_dev_port: u16,
    foo_api: Running,
    foo_api_port: u16,
    folder: TempDir,
}

impl World {
    /// Starts everything and waits until it answers.
    pub async fn start(options: WorldOptions) -> Self {
        let folder = tempfile::Builder::new().prefix("e2e-world-").tempdir().expect("a temporary folder");
        let data = folder.path().join("clerk-dev");
        let described = describe(&data);

        let clerk_dev_port = free_port();
        let foo_api_port = free_port();
        let site = if options.lab { tools::lab() } else { tools::dist() };
        let front = Front::start(Site::Folder(site), Some(clerk_dev_port), 0).await;
        if options.lab {
            front.pass_on_api(foo_api_port);
        }
        let gate = Gate::start(foo_api_port).await;

        let mut serve = Command::new(tools::server("clerk-dev"));
        serve.args(["serve", "--port", &clerk_dev_port.to_string(), "--app-origin", &front.origin()]);
        serve.arg("--data-dir").arg(&data);
        serve.arg("--clerk-js").arg(tools::clerk_js()).arg("--clerk-ui").arg(tools::clerk_ui());
        if let Some(life) = options.token_life {
            serve.args(["--token-life", &life.as_secs().to_string()]);
        }
        if options.lab {
            serve.arg("--several-sessions");
        }
        serve.env("RUST_LOG", "trace");
        let mut clerk_dev = Running::start("clerk-dev", &mut serve, folder.path());
        answers(&mut clerk_dev, &jwks(clerk_dev_port)).await;
        let foo_api =
            api(&described.publishable_key, &front.origin(), clerk_dev_port, foo_api_port, folder.path());

        let mut world = Self {
            front,
            gate,
            recorder: Recorder::start().await,
            publishable_key: described.publishable_key,
            people: described.people,
            clerk_dev,
            clerk_dev_port,
            foo_api,
            foo_api_port,
            folder,
        };
        world.api_answers().await;
        world.front.set_config(world.config());
        world
    }

    /// A right `/config.json`.
    pub fn config(&self) -> Config {
        self.config_with(|_| {})
    }

    /// A right one, changed.
    pub fn config_with(&self, change: impl FnOnce(&mut serde_json::Value)) -> Config {
        let mut config = serde_json::json!({
            "publishableKey": self.publishable_key,
            "proxyPath": "/__clerk",
            "apiOrigin": self.gate.origin(),
        });
        change(&mut config);
        Config::json(config.to_string())
    }

    /// Whoever has that email address.
    pub fn person(&self, email: &str) -> Person {
        let found = self.people.iter().find(|person| person.email == email);
        found.unwrap_or_else(|| panic!("nobody is called {email}: {:?}", self.people)).clone()
    }

    /// An address of the app.
    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.front.origin())
    }

    /// The API's port is closed and its process gone.
    pub async fn stop_api(&mut self) {
        self.gate.close().await;
        self.foo_api.stop();
    }

    /// The API, again, on the same port.
    pub async fn start_api(&mut self) {
        let origin = self.front.origin();
        self.foo_api =
            api(&self.publishable_key, &origin, self.clerk_dev_port, self.foo_api_port, self.folder.path());
        self.api_answers().await;
        self.gate.open().await;
    }

    /// Has clerk-dev do something: see "From a test" on its page.
    pub async fn control(&self, method: &str, path: &str, body: serde_json::Value) -> serde_json::Value {
        let file = self.folder.path().join("clerk-dev/control.json");
        let access: serde_json::Value =
            serde_json::from_slice(&std::fs::read(file).expect("control.json")).expect("the control port");
        let method = method.parse().expect("a method");
        let url = format!("{}{path}", access["url"].as_str().expect("its address"));
        let request =
            plain_client().request(method, url).bearer_auth(access["secret"].as_str().expect("its secret"));
        let answer = request.json(&body).send().await.expect("an answer of the control port");
        let (status, text) = (answer.status(), answer.text().await.expect("its text"));
        assert!(status.is_success(), "{path} {body}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// What both servers printed, at trace level, by name.
    pub fn outputs(&self) -> Vec<(String, String)> {
        vec![("clerk-dev".into(), self.clerk_dev.output()), ("foo-api".into(), self.foo_api.output())]
    }

    async fn api_answers(&mut self) {
        answers(&mut self.foo_api, &format!("http://127.0.0.1:{}/foo", self.foo_api_port)).await;
    }
}

fn describe(data: &Path) -> Described {
    let mut command = Command::new(tools::server("clerk-dev"));
    let output = command.arg("describe").arg("--data-dir").arg(data).output().expect("clerk-dev describe");
    let printed = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(printed.trim()).unwrap_or_else(|error| {
        panic!("clerk-dev describe: {error}\n{printed}\n{}", String::from_utf8_lossy(&output.stderr))
    })
}

fn api(publishable_key: &str, app_origin: &str, clerk_dev: u16, port: u16, folder: &Path) -> Running {
    let mut command = Command::new(tools::server("foo-api"));
    command
        .env("FOO_API_PORT", port.to_string())
        .env("FOO_API_APP_ORIGINS", app_origin)
        .env("CLERK_PUBLISHABLE_KEY", publishable_key)
        .env("CLERK_ISSUER", format!("{app_origin}/__clerk"))
        .env("CLERK_JWKS_URL", jwks(clerk_dev))
        .env("RUST_LOG", "trace");
    Running::start("foo-api", &mut command, folder)
}

fn jwks(port: u16) -> String {
    format!("http://127.0.0.1:{port}/__clerk/.well-known/jwks.json")
}

/// Waits until a server gives any answer at all there.
async fn answers(server: &mut Running, url: &str) {
    let client = plain_client();
    eventually(&format!("an answer from {url}"), async || {
        server.assert_alive();
        client.get(url).send().await.ok().map(|_| ())
    })
    .await;
}
