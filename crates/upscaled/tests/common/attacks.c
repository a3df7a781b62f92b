// A library that is loaded into a worker before FFmpeg's, and tries what an attacker would who has taken a decoder over: when
// the worker opens its source, behind its sandbox. Descriptor 9 takes what came of it: a line an attack, with its name and the
// error, or 0 where it succeeded. ATTACKED names a file that may be harmed.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <unistd.h>

enum { REPORT = 9 };

static void tell(const char *name, long result) {
    char line[200];
    int length = snprintf(line, sizeof line, "%s %d\n", name, result < 0 ? errno : 0);
    if (write(REPORT, line, length) != length) _exit(99);
}

static long forked(long pid) {
    if (pid == 0) _exit(0);
    return pid;
}

#define TRY(name, call) (errno = 0, tell(name, (long)(call)))

static void attack(void) {
    long server = getppid();
    const char *other = getenv("ATTACKED");
    int pair[2] = {-1, -1};
    struct rlimit any = {RLIM_INFINITY, RLIM_INFINITY};
    struct rlimit more = {1024, 1024};
    struct sched_param param = {0};
    cpu_set_t cores;
    siginfo_t info;
    char byte = 0, ring[256] = {0};
    struct iovec here = {&byte, 1}, there = {(void *)&server, 1};
    struct sysinfo system;

    memset(&info, 0, sizeof info);
    info.si_code = SI_QUEUE;
    CPU_ZERO(&cores);
    CPU_SET(0, &cores);
    if (pipe(pair)) _exit(98);

    TRY("limits-of-the-server", syscall(SYS_prlimit64, server, RLIMIT_FSIZE, &any, NULL));
    TRY("look-at-limits-of-the-server", syscall(SYS_prlimit64, server, RLIMIT_FSIZE, NULL, &any));
    TRY("own-limits-raised", setrlimit(RLIMIT_NOFILE, &more));
    TRY("kill", kill(server, 0));
    TRY("kill-the-group", kill(0, 0));
    TRY("kill-all", kill(-1, 0));
    TRY("tgkill", syscall(SYS_tgkill, server, server, 0));
    TRY("tkill", syscall(SYS_tkill, server, 0));
    TRY("rt_sigqueueinfo", syscall(SYS_rt_sigqueueinfo, server, 0, &info));
    TRY("rt_tgsigqueueinfo", syscall(SYS_rt_tgsigqueueinfo, server, server, 0, &info));
    TRY("pidfd_open", syscall(SYS_pidfd_open, server, 0));
    TRY("f_setown", fcntl(pair[0], F_SETOWN, server));
    TRY("f_setsig", fcntl(pair[0], F_SETSIG, SIGUSR1));
    TRY("ptrace", syscall(SYS_ptrace, 0x4206 /* PTRACE_SEIZE */, server, 0, 0));
    TRY("process_vm_readv", syscall(SYS_process_vm_readv, server, &here, 1, &there, 1, 0));
    TRY("priority-of-the-server", setpriority(PRIO_PROCESS, server, 19));
    TRY("priority-of-the-user", setpriority(PRIO_USER, getuid(), 0));
    TRY("processors-of-the-server", sched_setaffinity(server, sizeof cores, &cores));
    TRY("scheduler-of-the-server", sched_setscheduler(server, SCHED_BATCH, &param));
    TRY("ioprio-of-the-server", syscall(SYS_ioprio_set, 1, server, 0));
    TRY("chmod", syscall(SYS_fchmodat, AT_FDCWD, other, 0755));
    TRY("fchmodat2", syscall(452, AT_FDCWD, other, 0755, 0));
    TRY("chown", syscall(SYS_fchownat, AT_FDCWD, other, -1, -1, 0));
    TRY("utimensat", utimensat(AT_FDCWD, other, (struct timespec[2]){{0, UTIME_OMIT}, {0, UTIME_OMIT}}, 0));
#ifdef SYS_futimesat
    TRY("futimesat", syscall(SYS_futimesat, AT_FDCWD, other, NULL));
#endif
    TRY("setxattr", syscall(SYS_setxattr, other, "user.upscaled-attack", "", 0, 0x2 /* only replaces */));
    TRY("setxattrat", syscall(463, AT_FDCWD, other, 0, "user.upscaled-attack", NULL, 0));
    TRY("removexattrat", syscall(466, AT_FDCWD, other, 0, "user.upscaled-attack"));
    TRY("file_setattr", syscall(469, AT_FDCWD, other, NULL, 0, 0));
    TRY("read-a-file", open("/etc/passwd", O_RDONLY));
    TRY("list-a-folder", open("/", O_RDONLY | O_DIRECTORY));
    TRY("shared-memory-as-a-file", open("/dev/shm/upscaled-attack", O_RDWR | O_CREAT, 0600));
    TRY("shared-memory", shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600));
    TRY("semaphore", syscall(SYS_semget, IPC_PRIVATE, 1, IPC_CREAT | 0600));
    TRY("message-queue", syscall(SYS_msgget, IPC_PRIVATE, IPC_CREAT | 0600));
    TRY("inotify", syscall(SYS_inotify_init1, 0));
    TRY("fanotify", syscall(SYS_fanotify_init, 0, 0));
    TRY("handle", syscall(SYS_open_by_handle_at, AT_FDCWD, ring, O_RDONLY));
    TRY("fork", forked(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)));
    TRY("clone3", forked(syscall(SYS_clone3, ring, 64)));
    TRY("execve", execve("/bin/true", (char *[]){"true", NULL}, NULL));
    TRY("socket", socket(AF_INET, SOCK_STREAM, 0));
    TRY("unix-socket", socket(AF_UNIX, SOCK_STREAM, 0));
    TRY("netlink", socket(AF_NETLINK, SOCK_RAW, 0));
    TRY("mount", syscall(SYS_mount, "none", "/", "none", 0x20 | 0x1000 /* a bind of itself */, NULL));
    TRY("unshare", unshare(0));
    TRY("chroot", chroot("/"));
    TRY("io_uring", syscall(SYS_io_uring_setup, 1, ring));
    TRY("bpf", syscall(SYS_bpf, 0, ring, 16));
    TRY("perf", syscall(SYS_perf_event_open, ring, 0, -1, -1, 0));
    TRY("userfaultfd", syscall(SYS_userfaultfd, 0));
    TRY("keyctl", syscall(SYS_keyctl, 0, -3, 0));
    TRY("setuid", syscall(SYS_setuid, getuid()));
    TRY("dumpable", syscall(SYS_prctl, 4 /* PR_SET_DUMPABLE */, 1, 0, 0, 0));
    TRY("typed-keys", ioctl(0, TIOCSTI, &byte));
    TRY("filters-again", syscall(SYS_seccomp, 2 /* SECCOMP_GET_ACTION_AVAIL */, 0, &(unsigned){0}));
#ifdef __x86_64__
    TRY("x32", syscall(0x40000000 | 39));
#endif
    if (sysinfo(&system) == 0) {
        unsigned long all = (system.totalram + 1) * system.mem_unit * 2;
        void *memory = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        tell("twice-the-memory", memory == MAP_FAILED ? -1 : 0);
    }
    errno = EPERM;
    tell("environment", getenv("SECRET_OF_THE_SERVER") ? 0 : -1);
}

typedef int open_input(void **, const char *, void *, void **);

int avformat_open_input(void **context, const char *url, void *format, void **options) {
    static int done;
    open_input *real = (open_input *)dlsym(RTLD_NEXT, "avformat_open_input");

    if (!done) attack();
    done = 1;
    return real(context, url, format, options);
}
