//! seccomp: system calls that nothing here needs and an attacker would want.
//!
//! The calls are named that are denied, not those that are allowed: the C library and drivers begin to use new calls
//! every year, and a worker that an update stops helps nobody. What is not named is still behind Landlock.

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use libc::{
    CLONE_THREAD, EPERM, SYS_accept, SYS_accept4, SYS_acct, SYS_add_key, SYS_adjtimex, SYS_bind, SYS_bpf,
    SYS_capset, SYS_chroot, SYS_clock_adjtime, SYS_clock_settime, SYS_clone, SYS_clone3, SYS_connect,
    SYS_delete_module, SYS_execve, SYS_execveat, SYS_fchmod, SYS_fchmodat, SYS_fchown, SYS_fchownat,
    SYS_finit_module, SYS_fsconfig, SYS_fsetxattr, SYS_fsmount, SYS_fsopen, SYS_fspick, SYS_init_module,
    SYS_io_uring_enter, SYS_io_uring_register, SYS_io_uring_setup, SYS_kexec_load, SYS_keyctl, SYS_kill,
    SYS_listen, SYS_lsetxattr, SYS_mount, SYS_mount_setattr, SYS_move_mount, SYS_mq_open, SYS_msgget,
    SYS_name_to_handle_at, SYS_open_by_handle_at, SYS_open_tree, SYS_perf_event_open, SYS_personality,
    SYS_pidfd_getfd, SYS_pidfd_open, SYS_pidfd_send_signal, SYS_pivot_root, SYS_process_vm_readv,
    SYS_process_vm_writev, SYS_ptrace, SYS_quotactl, SYS_reboot, SYS_removexattr, SYS_request_key,
    SYS_semget, SYS_setdomainname, SYS_setfsgid, SYS_setfsuid, SYS_setgid, SYS_setgroups, SYS_sethostname,
    SYS_setns, SYS_setregid, SYS_setresgid, SYS_setresuid, SYS_setreuid, SYS_settimeofday, SYS_setuid,
    SYS_setxattr, SYS_shmget, SYS_socket, SYS_socketpair, SYS_swapoff, SYS_swapon, SYS_syslog, SYS_tgkill,
    SYS_tkill, SYS_umount2, SYS_unshare, SYS_userfaultfd, SYS_utimensat, SYS_vhangup,
};
use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};

/// Denied whatever their arguments.
const DENIED: [libc::c_long; 80] = [
    // The network, and every other kind of socket.
    SYS_socket,
    SYS_socketpair,
    SYS_bind,
    SYS_connect,
    SYS_listen,
    SYS_accept,
    SYS_accept4,
    // Other programs and other processes.
    SYS_execve,
    SYS_execveat,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_pidfd_open,
    SYS_pidfd_getfd,
    SYS_pidfd_send_signal,
    SYS_tkill,
    SYS_shmget,
    SYS_semget,
    SYS_msgget,
    SYS_mq_open,
    // Files behind Landlock's back: rights and times, which it does not guard, and names that it does not see.
    SYS_fchmod,
    SYS_fchmodat,
    SYS_fchown,
    SYS_fchownat,
    SYS_setxattr,
    SYS_lsetxattr,
    SYS_fsetxattr,
    SYS_removexattr,
    SYS_utimensat,
    SYS_open_by_handle_at,
    SYS_name_to_handle_at,
    // Another view of the system.
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_setns,
    SYS_unshare,
    SYS_move_mount,
    SYS_open_tree,
    SYS_fsopen,
    SYS_fsmount,
    SYS_fsconfig,
    SYS_fspick,
    SYS_mount_setattr,
    // Another user.
    SYS_setuid,
    SYS_setgid,
    SYS_setreuid,
    SYS_setregid,
    SYS_setresuid,
    SYS_setresgid,
    SYS_setfsuid,
    SYS_setfsgid,
    SYS_setgroups,
    SYS_capset,
    // Parts of the kernel that attacks on it begin with.
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_personality,
    // The machine as a whole.
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_clock_adjtime,
    SYS_adjtimex,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_acct,
    SYS_quotactl,
    SYS_vhangup,
];

/// Denied as well where they are: the older forms, which newer processors' systems never had.
#[cfg(target_arch = "x86_64")]
const OLDER: [libc::c_long; 7] = [
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utimes,
    libc::SYS_utime,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: [libc::c_long; 0] = [];

/// Denies the calls to all threads.
pub(super) fn restrict() -> Result<String, String> {
    install().map(|()| "seccomp".to_owned()).map_err(|error| format!("no seccomp ({error})"))
}

fn install() -> Result<(), Error> {
    let mut denied: BTreeMap<_, _> =
        DENIED.into_iter().chain(OLDER).chain([SYS_syslog]).map(|call| (call, Vec::new())).collect();
    // Threads are welcome, processes are not.
    let no_thread = SeccompCmpOp::MaskedEq(CLONE_THREAD as u64);
    denied.insert(SYS_clone, vec![rule(0, SeccompCmpArgLen::Qword, no_thread, 0)?]);
    // The C library ends a process that has failed by a signal to itself.
    let own = u64::from(std::process::id());
    for call in [SYS_kill, SYS_tgkill] {
        denied.insert(call, vec![rule(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, own)?]);
    }
    apply_filter(&program(denied, EPERM)?)?;
    // Its flags lie in memory, where a filter cannot look. Where it is missing, the C library uses the older call.
    apply_filter(&program(BTreeMap::from([(SYS_clone3, Vec::new())]), libc::ENOSYS)?)
}

fn rule(
    argument: u8,
    length: SeccompCmpArgLen,
    compare: SeccompCmpOp,
    with: u64,
) -> Result<SeccompRule, Error> {
    Ok(SeccompRule::new(vec![SeccompCondition::new(argument, length, compare, with)?])?)
}

/// A filter that answers these calls with an error.
fn program(calls: BTreeMap<libc::c_long, Vec<SeccompRule>>, error: libc::c_int) -> Result<BpfProgram, Error> {
    let answer = SeccompAction::Errno(error as u32);
    let filter = SeccompFilter::new(calls, SeccompAction::Allow, answer, TargetArch::try_from(ARCH)?)?;
    Ok(filter.try_into()?)
}
