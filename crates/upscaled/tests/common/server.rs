//! A running server.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::print_stdout,
    missing_debug_implementations,
    reason = "every test file uses some of it"
)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use sqlx::Connection as _;

use crate::common::{run, run_well, upscaled, wait_for};

/// Time for a job to end; the machine may be slow and busy.
pub const PATIENCE: Duration = Duration::from_mins(3);

/// A server in a folder, killed at the end of the test.
pub struct Server {
    pub root: PathBuf,
    child: Child,
    arguments: Vec<String>,
    environment: Vec<(String, OsString)>,
}

impl Server {
    /// Starts a server.
    pub fn start(root: &Path, arguments: &[&str]) -> Self {
        Self::start_in(root, arguments, &[])
    }

    /// Starts a server with more in its environment.
    pub fn start_in(root: &Path, arguments: &[&str], environment: &[(&str, &OsStr)]) -> Self {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let environment: Vec<(String, OsString)> =
            environment.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        let child = spawn(root, &arguments, &environment);
        Self { root: root.to_owned(), child, arguments, environment }
    }

    /// Starts a server in an inner place that `wrap` puts it into.
    pub fn start_wrapped(root: &Path, arguments: &[&str], wrap: impl Fn(&Command) -> Command) -> Self {
        let mut command = wrap(upscaled(root).arg("serve").args(arguments));
        let child = command.stdout(Stdio::null()).stderr(log(root)).spawn().unwrap();
        Self { root: root.to_owned(), child, arguments: Vec::new(), environment: Vec::new() }
    }

    /// Starts it again after its end.
    pub fn restart(&mut self) {
        self.child = spawn(&self.root, &self.arguments, &self.environment);
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        signal(name, self.child.id());
    }

    /// True when it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Kills it as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(&mut self) -> Option<i32> {
        signal("TERM", self.child.id());
        self.child.wait().unwrap().code()
    }

    /// The most memory that it has taken, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }

    /// Its process number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The process number of a worker of its, when it has one.
    pub fn worker(&self) -> Option<u32> {
        self.workers().first().copied()
    }

    /// The process numbers of its workers.
    pub fn workers(&self) -> Vec<u32> {
        let is_worker = |child: &u32| {
            std::fs::read(format!("/proc/{child}/cmdline"))
                .is_ok_and(|line| line.ends_with(b"upscaled-worker\0--serve\0"))
        };
        children(self.child.id()).into_iter().filter(is_worker).collect()
    }

    /// All jobs, as `list --json` tells them: those that have come to their end by their numbers, then the others in their order.
    pub fn jobs(&self) -> Vec<Value> {
        let mut jobs: Vec<Value> =
            self.listed().into_iter().filter(|line| line["status"] != "seen").collect();
        // The list has these last, the newest first.
        jobs.sort_by_key(|job| if is_final(job) { job["id"].as_i64() } else { Some(i64::MAX) });
        jobs
    }

    /// The files that are no jobs yet, as `list --json` tells them.
    pub fn seen(&self) -> Vec<Value> {
        self.listed().into_iter().filter(|line| line["status"] == "seen").collect()
    }

    fn listed(&self) -> Vec<Value> {
        if !self.root.join("state/ledger.db").is_file() {
            return Vec::new();
        }
        let lines = run_well(&self.root, &["list", "--json"]);
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits until so many jobs are there and all have come to an end.
    pub fn wait_for_jobs(&self, count: usize) -> Vec<Value> {
        let mut jobs = Vec::new();
        // Many jobs take longer on a busy machine.
        let patience = PATIENCE * (1 + count as u32 / 10);
        wait_for("all jobs to end", patience, || {
            jobs = self.jobs();
            jobs.len() >= count && jobs.iter().all(is_final)
        });
        assert_eq!(jobs.len(), count, "{jobs:#?}");
        jobs
    }
}

fn is_final(job: &Value) -> bool {
    ["done", "failed", "canceled"].contains(&job["status"].as_str().unwrap())
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let jobs = run(&self.root, &["list", "--json"]).stdout;
            let log = std::fs::read_to_string(self.root.join("terminal.log")).unwrap_or_default();
            println!("jobs:\n{}\nlog of the server:\n{log}", String::from_utf8_lossy(&jobs));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(root: &Path, arguments: &[String], environment: &[(String, OsString)]) -> Child {
    let mut command = upscaled(root);
    command.arg("serve").args(arguments).envs(environment.iter().cloned());
    command.stdout(Stdio::null()).stderr(log(root)).spawn().unwrap()
}

fn log(root: &Path) -> std::fs::File {
    std::fs::OpenOptions::new().create(true).append(true).open(root.join("terminal.log")).unwrap()
}

/// Sends a signal to a process.
pub fn signal(name: &str, process: u32) {
    let sent = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap();
    assert!(sent.success(), "process {process} is not there");
}

/// The processes that a process started.
pub fn children(process: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().map(|id| id.parse().unwrap()).collect::<Vec<u32>>())
        .collect()
}

/// Keeps all others from writing to a ledger until it is dropped.
pub struct Held(Option<sqlx::SqliteConnection>, tokio::runtime::Runtime);

impl Held {
    /// Begins to write to the ledger of a server, and does not end.
    pub fn ledger(root: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let path = root.join("state/ledger.db");
        let connection = runtime.block_on(async {
            let mut connection = sqlx::SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
            sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
            connection
        });
        Self(Some(connection), runtime)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            let _ = self.1.block_on(connection.close());
        }
    }
}
