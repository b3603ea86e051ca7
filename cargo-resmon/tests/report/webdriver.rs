//! A client for a headless Chromium with the `WebDriver` protocol. The protocol is a few JSON requests, and a crate for
//! it would take longer to build than the program under test.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::Agent;

/// Lock that allows one browser at a time: several at once slow each other down.
static ONE: Mutex<()> = Mutex::new(());

/// Timeout of a page in milliseconds, also on a busy machine.
const PATIENCE: u64 = 60_000;

/// Key of an element's id in the protocol's JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

pub(crate) struct Browser {
    agent: Agent,
    /// URL of the session.
    session: String,
    driver: Child,
    profile: TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// Code of a key without a character.
pub(crate) const ENTER: &str = "\u{e007}";
pub(crate) const DOWN: &str = "\u{e015}";

impl Browser {
    /// Starts a browser. Without Chromium prints why and returns `None`; in CI it panics.
    pub(crate) fn start() -> Option<Self> {
        let turn = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut driver = match command.spawn() {
            Ok(driver) => driver,
            Err(error) if std::env::var_os("CI").is_none() => {
                println!("skipped: chromedriver cannot be started: {error}");
                return None;
            }
            Err(error) => panic!("chromedriver, of Debian's package chromium-driver: {error}"),
        };
        let port = port(&mut driver);
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_millis(2 * PATIENCE)))
            .build()
            .new_agent();
        let profile = tempfile::tempdir().unwrap();
        let mut browser = Self {
            agent,
            session: format!("http://127.0.0.1:{port}/session"),
            driver,
            profile,
            _turn: turn,
        };
        let flags = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,900",
        ];
        let mut flags: Vec<_> = flags.map(str::to_owned).into();
        flags.push(format!("--user-data-dir={}", browser.profile.path().display()));
        let session = browser.post(
            "",
            &json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": flags },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "timeouts": { "script": PATIENCE, "pageLoad": PATIENCE },
        } } }),
        );
        browser.session = format!("{}/{}", browser.session, session["sessionId"].as_str().unwrap());
        Some(browser)
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        let mut response =
            self.agent.post(format!("{}{path}", self.session)).send_json(body).unwrap();
        let mut answer: Value =
            response.body_mut().with_config().limit(1 << 30).read_json().unwrap();
        assert!(response.status().is_success(), "{path}: {answer}");
        answer["value"].take()
    }

    #[track_caller]
    pub(crate) fn open(&self, page: &Path) {
        self.post("/url", &json!({ "url": format!("file://{}", page.display()) }));
    }

    /// Runs a script, and returns its result.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Returns the value of an expression.
    #[track_caller]
    pub(crate) fn value(&self, expression: &str) -> Value {
        self.run(&format!("return {expression};"))
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub(crate) fn wait(&self, expression: &str) {
        let script = format!(
            "const done = arguments[0]; (function ask() {{ ({expression}) ? done(true) : setTimeout(ask, 10); }})();"
        );
        self.post("/execute/async", &json!({ "script": script, "args": [] }));
    }

    #[track_caller]
    fn find(&self, selector: &str) -> String {
        let found = self.post("/element", &json!({ "using": "css selector", "value": selector }));
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    /// Clicks an element as a person does: one that is hidden or covered cannot be clicked.
    #[track_caller]
    pub(crate) fn click(&self, selector: &str) {
        self.post(&format!("/element/{}/click", self.find(selector)), &json!({}));
    }

    /// Presses keys in the focused element.
    #[track_caller]
    pub(crate) fn press(&self, keys: &str) {
        let presses: Vec<_> = keys
            .chars()
            .flat_map(|key| {
                ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() }))
            })
            .collect();
        self.post(
            "/actions",
            &json!({ "actions": [{ "type": "key", "id": "keys", "actions": presses }] }),
        );
    }

    /// Moves the pointer to the middle of an element.
    #[track_caller]
    pub(crate) fn point(&self, selector: &str) {
        let origin = json!({ ELEMENT: self.find(selector) });
        let step =
            json!({ "type": "pointerMove", "duration": 0, "origin": origin, "x": 0, "y": 0 });
        let mouse = json!({ "type": "pointer", "id": "mouse", "actions": [step] });
        self.post("/actions", &json!({ "actions": [mouse] }));
    }

    /// Sends a command of Chromium's own protocol.
    #[track_caller]
    fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    /// Sets the size of the screen in CSS pixels.
    #[track_caller]
    pub(crate) fn resize(&self, width: u32, height: u32) {
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", &screen);
    }

    /// Sets the color scheme that the system prefers.
    #[track_caller]
    pub(crate) fn prefer(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }

    /// Returns the URLs requested and the console messages logged since the last call. Chromium's own start page
    /// requests many.
    #[track_caller]
    pub(crate) fn seen(&self) -> Seen {
        let log = |kind: &str| self.post("/se/log", &json!({ "type": kind }));
        let entries = log("performance");
        let urls = entries.as_array().unwrap().iter().filter_map(|entry| {
            let entry: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            let message = &entry["message"];
            let own = message["params"]["documentURL"]
                .as_str()
                .is_some_and(|page| page.starts_with("chrome:"));
            (message["method"] == "Network.requestWillBeSent" && !own)
                .then(|| message["params"]["request"]["url"].as_str().unwrap().to_owned())
        });
        let console = log("browser");
        let console = console.as_array().unwrap().iter().map(|entry| entry["message"].to_string());
        Seen { urls: urls.collect(), console: console.collect() }
    }

    /// Saves a screenshot for people in the folder that `RESMON_SCREENSHOTS` names.
    pub(crate) fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("RESMON_SCREENSHOTS") else { return };
        let png = self.devtools("Page.captureScreenshot", &json!({ "format": "png" }));
        let path = Path::new(&folder).join(name);
        let png = BASE64_STANDARD.decode(png["data"].as_str().unwrap()).unwrap();
        std::fs::write(path, png).unwrap();
    }
}

/// Requests and console messages of a page.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) urls: Vec<String>,
    pub(crate) console: Vec<String>,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium outlives its driver unless the session is deleted.
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Returns the port that chromedriver reports.
fn port(driver: &mut Child) -> u16 {
    let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            return port.trim_end_matches('.').parse().unwrap();
        }
    }
    panic!("chromedriver ended without a word on its port");
}
