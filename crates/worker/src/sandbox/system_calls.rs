//! seccomp: the system calls that a worker needs, and no others.
//!
//! Two filters. One knows what the C library, FFmpeg with its encoders, drivers and this program call; what it does not know
//! answers that there is no such call (`ENOSYS`), which is what libraries expect of an older kernel, so that an update which
//! begins to use a new call degrades and does not die. The other denies (`EPERM`) what is known and not for a worker: whole
//! calls, and forms of calls that reach other processes.

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use libc::{CLONE_THREAD, EPERM, c_int, c_long};
use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};

use super::Layer;
use super::calls::{DENIED, KNOWN, OLDER};

/// What a thread may ask of `prctl`: its name, the names of its memory, and the filters themselves.
const OWN_MATTERS: [c_int; 4] =
    [libc::PR_SET_NAME, libc::PR_GET_NAME, libc::PR_SET_VMA, libc::PR_SET_NO_NEW_PRIVS];
/// What may not be asked of `fcntl`: signals to others when a file is ready.
const SIGNALS_OF_FILES: [c_int; 3] = [libc::F_SETOWN, F_SETSIG, F_SETOWN_EX];
const F_SETSIG: c_int = 10;
const F_SETOWN_EX: c_int = 15;
/// What may not be asked of `ioctl`: keys typed into a terminal.
const TYPED_KEYS: [u64; 2] = [libc::TIOCSTI, libc::TIOCLINUX];

/// Denies the calls to this thread and those that it starts.
pub(super) fn restrict() -> Layer {
    match install() {
        Ok(()) => Layer::Whole("seccomp".to_owned()),
        Err(error) => Layer::Missing(format!("no seccomp ({error})")),
    }
}

fn install() -> Result<(), Error> {
    let filter = |calls, others, these| -> Result<BpfProgram, Error> {
        Ok(SeccompFilter::new(calls, others, these, TargetArch::try_from(ARCH)?)?.try_into()?)
    };
    let denied = denied()?;
    let known = KNOWN.into_iter().chain(OLDER).chain(denied.keys().copied());
    let known = known.map(|call| (call, Vec::new())).collect();
    let no_such_call = SeccompAction::Errno(libc::ENOSYS as u32);
    let (denied, known) = (
        filter(denied, SeccompAction::Allow, SeccompAction::Errno(EPERM as u32))?,
        filter(known, no_such_call, SeccompAction::Allow)?,
    );
    // The second forbids to set filters.
    apply_filter(&denied)?;
    apply_filter(&known)
}

/// The calls that are denied: in all forms, or in those that a rule names.
fn denied() -> Result<BTreeMap<c_long, Vec<SeccompRule>>, Error> {
    let mut denied: BTreeMap<_, _> = DENIED.into_iter().map(|call| (call, Vec::new())).collect();
    let own = u64::from(std::process::id());
    let is_other = |argument| vec![differs(argument, 0), differs(argument, own)];
    // Threads are welcome, processes are not.
    let no_thread = SeccompCmpOp::MaskedEq(CLONE_THREAD as u64);
    deny(&mut denied, libc::SYS_clone, vec![vec![(0, SeccompCmpArgLen::Qword, no_thread, 0)]])?;
    // The C library ends a process that has failed by a signal to itself. Process 0 is the whole group here.
    for call in [libc::SYS_kill, libc::SYS_tgkill] {
        deny(&mut denied, call, vec![vec![differs(0, own)]])?;
    }
    for call in [
        libc::SYS_prlimit64,
        libc::SYS_sched_setaffinity,
        libc::SYS_sched_setattr,
        libc::SYS_sched_setparam,
        libc::SYS_sched_setscheduler,
    ] {
        deny(&mut denied, call, vec![is_other(0)])?;
    }
    // Its first argument is what the second one numbers: a process, a group or a user.
    deny(&mut denied, libc::SYS_setpriority, vec![vec![differs(0, 0)], is_other(1)])?;
    let others = OWN_MATTERS.map(|matter| differs(0, matter as u64)).to_vec();
    deny(&mut denied, libc::SYS_prctl, vec![others])?;
    let is = |value| vec![(1, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)];
    deny(&mut denied, libc::SYS_fcntl, SIGNALS_OF_FILES.map(|command| is(command as u64)).to_vec())?;
    deny(&mut denied, libc::SYS_ioctl, TYPED_KEYS.map(is).to_vec())?;
    Ok(denied)
}

/// An argument of a call, how much of it is compared, how, and with what.
type Condition = (u8, SeccompCmpArgLen, SeccompCmpOp, u64);

fn differs(argument: u8, from: u64) -> Condition {
    (argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, from)
}

/// Denies the forms of a call in which all conditions of a rule hold.
fn deny(
    denied: &mut BTreeMap<c_long, Vec<SeccompRule>>,
    call: c_long,
    rules: Vec<Vec<Condition>>,
) -> Result<(), Error> {
    for conditions in rules {
        let conditions = conditions.into_iter();
        let conditions = conditions
            .map(|(argument, length, compare, with)| SeccompCondition::new(argument, length, compare, with));
        denied.entry(call).or_default().push(SeccompRule::new(conditions.collect::<Result<_, _>>()?)?);
    }
    Ok(())
}
