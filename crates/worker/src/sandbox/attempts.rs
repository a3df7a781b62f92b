//! What a decoder would try that is in the hands of an attacker. `upscaled doctor` tries it too, so that no user has to
//! believe that the sandbox holds.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_OMIT};
use rustix::net::{AddressFamily, SocketType};
use rustix::process::{Pid, PidfdFlags, Resource};

/// Tries something; it went wrong if it succeeds.
type Attempt = fn() -> io::Result<()>;

/// What is tried, in words for people. Where one succeeds, it does no harm.
pub(crate) const ATTEMPTS: [(&str, Attempt); 40] = [
    // Files.
    ("read a file of the system", || File::open("/etc/passwd").map(drop)),
    ("list the root folder", || fs::read_dir("/").map(drop)),
    ("list the home folder", || fs::read_dir(home()).map(drop)),
    ("write a file elsewhere", || make_file(&std::env::temp_dir())),
    ("put a file into /dev/shm", || make_file(Path::new("/dev/shm"))),
    ("put a file beside this program", || make_file(&program().with_file_name(""))),
    ("give a file another name", || {
        let name = std::env::temp_dir().join(own_name());
        fs::hard_link(program(), &name).map(|()| drop(fs::remove_file(&name)))
    }),
    ("make a pipe with a name", || {
        let name = std::env::temp_dir().join(own_name());
        let mode = rustix::fs::Mode::RUSR;
        rustix::fs::mknodat(CWD, &name, rustix::fs::FileType::Fifo, mode, 0)?;
        fs::remove_file(&name)
    }),
    ("change the rights of a file", || {
        let rights = fs::metadata(program())?.permissions();
        fs::set_permissions(program(), rights)
    }),
    ("change the owner of a file", || Ok(rustix::fs::chown(program(), None, None)?)),
    ("change the times of a file", || {
        let same = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
        let times = Timestamps { last_access: same, last_modification: same };
        Ok(rustix::fs::utimensat(CWD, program(), &times, AtFlags::empty())?)
    }),
    ("remove an attribute of a file", || Ok(rustix::fs::removexattr(program(), "user.upscaled-attempt")?)),
    ("watch files", || Ok(rustix::fs::inotify::init(rustix::fs::inotify::CreateFlags::CLOEXEC).map(drop)?)),
    ("change the settings of the system", || write_access("/proc/sys/kernel/core_pattern")),
    ("outlive others when memory runs out", || write_access("/proc/self/oom_score_adj")),
    ("read how the system was started", || File::open("/proc/cmdline").map(drop)),
    // Other processes.
    ("list the processes", || fs::read_dir("/proc").map(drop)),
    ("read the server's environment", || of_server("environ")),
    ("read the server's memory", || of_server("mem")),
    ("list the server's open files", || fs::read_dir(server_file("fd")).map(drop)),
    ("start a program", || Command::new("/bin/true").status().map(drop)),
    ("send a signal to the server", || Ok(rustix::process::test_kill_process(server()?)?)),
    ("hold on to the server", || Ok(rustix::process::pidfd_open(server()?, PidfdFlags::empty()).map(drop)?)),
    ("limit the server", || {
        let own = rustix::process::getrlimit(Resource::Core);
        Ok(rustix::process::prlimit(Some(server()?), Resource::Core, own).map(drop)?)
    }),
    ("slow the server down", || {
        let same = rustix::process::getpriority_process(Some(server()?))?;
        Ok(rustix::process::setpriority_process(Some(server()?), same)?)
    }),
    ("take processors from the server", || {
        let same = rustix::thread::sched_getaffinity(Some(server()?))?;
        Ok(rustix::thread::sched_setaffinity(Some(server()?), &same)?)
    }),
    // The network. No program listens at the discard port; being refused by the other side is no denial.
    ("connect over TCP", || match TcpStream::connect(("127.0.0.1", 9)) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        tried => tried.map(drop),
    }),
    ("connect over TCP in version 6", || match TcpStream::connect(("::1", 9)) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        tried => tried.map(drop),
    }),
    ("listen over TCP", || TcpListener::bind(("127.0.0.1", 0)).map(drop)),
    ("send over UDP", || UdpSocket::bind(("127.0.0.1", 0)).map(drop)),
    ("send raw packets", || open_socket(AddressFamily::INET, SocketType::RAW)),
    ("talk to the kernel's network", || open_socket(AddressFamily::NETLINK, SocketType::RAW)),
    ("talk to other virtual machines", || open_socket(AddressFamily::VSOCK, SocketType::STREAM)),
    ("use a socket of this machine", || UnixDatagram::unbound().map(drop)),
    ("use a pair of sockets", || UnixStream::pair().map(drop)),
    // More rights, and the machine as a whole.
    ("become a user", || Ok(rustix::thread::set_thread_uid(rustix::process::getuid())?)),
    ("take up rights of root", || {
        let now = rustix::thread::capabilities(None)?;
        Ok(rustix::thread::set_capabilities(None, now)?)
    }),
    ("change the root folder", || Ok(rustix::process::chroot("/")?)),
    ("rename the machine", || {
        Ok(rustix::system::sethostname(rustix::system::uname().nodename().to_bytes())?)
    }),
    ("set the clock", || {
        let clock = rustix::time::ClockId::Realtime;
        Ok(rustix::time::clock_settime(clock, rustix::time::clock_gettime(clock))?)
    }),
];

/// The attempts that succeeded, in words.
pub(crate) fn succeeded() -> Vec<&'static str> {
    ATTEMPTS.iter().filter(|(_, attempt)| !is_denied(&attempt())).map(|&(name, _)| name).collect()
}

/// Denied, or unknown to the sandbox.
fn is_denied(tried: &io::Result<()>) -> bool {
    use io::ErrorKind::{PermissionDenied, Unsupported};
    matches!(tried, Err(error) if matches!(error.kind(), PermissionDenied | Unsupported))
}

/// Makes a file in a folder and takes it away again.
fn make_file(folder: &Path) -> io::Result<()> {
    let path = folder.join(own_name());
    File::create_new(&path).map(|_| drop(fs::remove_file(&path)))
}

/// Opens a file for writing and writes nothing.
fn write_access(path: &str) -> io::Result<()> {
    OpenOptions::new().write(true).open(path).map(drop)
}

fn open_socket(family: AddressFamily, kind: SocketType) -> io::Result<()> {
    Ok(rustix::net::socket(family, kind, None).map(drop)?)
}

/// The process that started this one.
fn server() -> io::Result<Pid> {
    rustix::process::getppid().ok_or_else(|| io::ErrorKind::PermissionDenied.into())
}

fn server_file(name: &str) -> PathBuf {
    let server = rustix::process::getppid().map_or(1, |parent| parent.as_raw_nonzero().get());
    format!("/proc/{server}/{name}").into()
}

fn of_server(name: &str) -> io::Result<()> {
    File::open(server_file(name)).map(drop)
}

fn own_name() -> String {
    format!("upscaled-attempt-{}", std::process::id())
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
        assert!(is_denied(&Err(rustix::io::Errno::NOSYS.into())));
        assert!(!is_denied(&Err(rustix::io::Errno::NOENT.into())));
        assert!(!is_denied(&Ok(())));
    }
}
