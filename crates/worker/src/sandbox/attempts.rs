//! What a decoder would try that is in the hands of an attacker. `upscaled doctor` tries it too, so that nobody has to
//! believe that the walls stand.

use std::fs::{self, File};
use std::io;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Tries something; it went wrong if it succeeds.
type Attempt = fn() -> io::Result<()>;

/// What is tried, in words for people. Where one succeeds, it does no harm.
pub(crate) const ATTEMPTS: [(&str, Attempt); 12] = [
    ("read a file of the system", || File::open("/etc/passwd").map(drop)),
    ("list the root folder", || fs::read_dir("/").map(drop)),
    ("list the home folder", || fs::read_dir(home()).map(drop)),
    ("read the server's environment", || {
        let parent = rustix::process::getppid().map_or(1, |parent| parent.as_raw_nonzero().get());
        File::open(format!("/proc/{parent}/environ")).map(drop)
    }),
    ("write a file elsewhere", || make_file(&std::env::temp_dir())),
    ("put a file beside this program", || make_file(&program().with_file_name(""))),
    ("change the rights of a file", || {
        let rights = fs::metadata(program())?.permissions();
        fs::set_permissions(program(), rights)
    }),
    // Nobody listens at the discard port; being refused by the other side is no denial.
    ("connect over TCP", || match TcpStream::connect(("127.0.0.1", 9)) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        tried => tried.map(drop),
    }),
    ("send over UDP", || UdpSocket::bind(("127.0.0.1", 0)).map(drop)),
    ("use a socket of this machine", || UnixDatagram::unbound().map(drop)),
    ("start a program", || Command::new("/bin/true").status().map(drop)),
    ("send a signal to the server", || match rustix::process::getppid() {
        Some(parent) => Ok(rustix::process::test_kill_process(parent)?),
        None => Err(io::ErrorKind::PermissionDenied.into()),
    }),
];

/// The attempts that succeeded, in words.
pub(crate) fn succeeded() -> Vec<&'static str> {
    ATTEMPTS.iter().filter(|(_, attempt)| !is_denied(&attempt())).map(|&(name, _)| name).collect()
}

fn is_denied(tried: &io::Result<()>) -> bool {
    matches!(tried, Err(error) if error.kind() == io::ErrorKind::PermissionDenied)
}

/// Makes a file in a folder and takes it away again.
fn make_file(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!("upscaled-attempt-{}", std::process::id()));
    File::create_new(&path).map(|_| drop(fs::remove_file(&path)))
}

fn home() -> PathBuf {
    std::env::var_os("HOME").map_or_else(|| "/home".into(), PathBuf::from)
}

fn program() -> PathBuf {
    std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_denial_counts_as_one() {
        assert!(is_denied(&Err(rustix::io::Errno::PERM.into())));
        assert!(is_denied(&Err(rustix::io::Errno::ACCESS.into())));
        assert!(!is_denied(&Err(rustix::io::Errno::NOENT.into())));
        assert!(!is_denied(&Ok(())));
    }
}
