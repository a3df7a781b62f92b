//! Running other programs, none of them for ever.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

/// Time between looks at a program that runs.
const LOOK: Duration = Duration::from_millis(20);
/// Bytes of its messages that are kept of a program.
const MESSAGES: u64 = 1 << 20;

/// As far as FFmpeg looks for streams that begin late.
pub(crate) const PROBING: [&str; 4] = ["-analyzeduration", "60M", "-probesize", "100M"];

/// What a program did.
#[derive(Debug)]
pub(crate) struct Ran {
    /// `None` when it was stopped because it took too long.
    pub(crate) status: Option<ExitStatus>,
    pub(crate) output: Vec<u8>,
    pub(crate) messages: String,
}

/// Runs a program to its end, or stops it at the limit.
pub(crate) fn run(command: &mut Command, limit: Duration) -> anyhow::Result<Ran> {
    let (status, output, messages) = run_with(command, limit, |mut pipe| {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).map(|_| bytes)
    })?;
    Ok(Ran { status, output: output?, messages })
}

/// As [`run`], with a reader of its standard output.
pub(crate) fn run_with<T: Send>(
    command: &mut Command,
    limit: Duration,
    read: impl FnOnce(Box<dyn Read + Send>) -> T + Send,
) -> anyhow::Result<(Option<ExitStatus>, T, String)> {
    let name = command.get_program().display().to_string();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child =
        command.spawn().with_context(|| format!("`{name}` cannot be started; is it installed?"))?;
    let (Some(output), Some(messages)) = (child.stdout.take(), child.stderr.take()) else {
        bail!("`{name}` has no pipes");
    };
    thread::scope(|scope| {
        let output = scope.spawn(move || read(Box::new(output)));
        let messages = scope.spawn(move || {
            let mut bytes = Vec::new();
            let mut pipe = messages.take(MESSAGES);
            let read = pipe.read_to_end(&mut bytes);
            // A program that still writes must not be held up.
            let _ = std::io::copy(&mut pipe.into_inner(), &mut std::io::sink());
            read.map(|_| String::from_utf8_lossy(&bytes).into_owned())
        });
        let status = wait(&mut child, limit)?;
        let died = |_| anyhow::anyhow!("the reader of `{name}` died");
        let output = output.join().map_err(died)?;
        let messages = messages.join().map_err(died)??;
        Ok((status, output, messages))
    })
}

fn wait(child: &mut Child, limit: Duration) -> anyhow::Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(LOOK);
    }
}

/// `ffmpeg` for a file, without questions.
pub(crate) fn ffmpeg(before: &[&str], input: &Path) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-v", "error", "-threads", "1"]);
    command.args(PROBING).args(before).arg("-i").arg(url(input));
    command
}

/// Standard output of a program that must succeed.
pub(crate) fn output(command: &mut Command, limit: Duration) -> anyhow::Result<Vec<u8>> {
    let ran = run(command, limit)?;
    let name = command.get_program().display().to_string();
    let status = ran.status.with_context(|| format!("`{name}` took longer than {limit:?}"))?;
    let first = ran.messages.lines().next().unwrap_or_default();
    ensure!(status.success(), "`{name}` failed ({status}): {first}");
    Ok(ran.output)
}

/// A name that FFmpeg reads neither as a protocol nor as an option.
pub(crate) fn url(path: &Path) -> std::ffi::OsString {
    let mut url = std::ffi::OsString::from("file:");
    url.push(path);
    url
}
