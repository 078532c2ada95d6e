"""Which system calls a function may make: the tables behind `seccomp`.

Everything that is in neither table answers ENOSYS. A name that this machine's architecture or
libseccomp does not know is skipped. When a library needs one more call, add it here with its
reason, and a hostile test if it can reach beyond the process.
"""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


ALLOWED = _names("""
read write open close stat fstat lstat poll lseek mmap mprotect munmap brk ioctl pread64 pwrite64 readv writev
access pipe select sched_yield mremap msync mincore madvise dup dup2 pause nanosleep getitimer alarm setitimer
getpid sendfile socket connect accept sendto recvfrom sendmsg recvmsg shutdown bind listen getsockname getpeername
socketpair setsockopt getsockopt clone fork vfork execve execveat exit wait4 kill uname fcntl flock fsync
fdatasync truncate ftruncate getdents getcwd chdir fchdir rename mkdir rmdir creat link unlink symlink readlink
chmod fchmod chown fchown lchown umask gettimeofday getrlimit getrusage sysinfo times getuid getgid setuid setgid
geteuid getegid setpgid getppid getpgrp setsid setreuid setregid getgroups setgroups setresuid getresuid setresgid
getresgid getpgid setfsuid setfsgid getsid capget capset utime mknod statfs fstatfs getpriority setpriority
rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigqueueinfo rt_sigsuspend
rt_tgsigqueueinfo sigaltstack tkill tgkill signalfd signalfd4 restart_syscall shmget shmat shmctl shmdt semget
semop semctl semtimedop msgget msgsnd msgrcv msgctl mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify
mq_getsetattr sched_setparam sched_getparam sched_setscheduler sched_getscheduler sched_get_priority_max
sched_get_priority_min sched_rr_get_interval sched_setaffinity sched_getaffinity sched_setattr sched_getattr
ioprio_set ioprio_get mlock mlock2 munlock mlockall munlockall prctl arch_prctl setrlimit prlimit64 sync syncfs
sync_file_range gettid readahead setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr listxattr llistxattr
flistxattr removexattr lremovexattr fremovexattr time futex futex_waitv futex_wake futex_wait futex_requeue
set_robust_list get_robust_list set_thread_area get_thread_area set_tid_address io_setup io_destroy io_getevents
io_pgetevents io_submit io_cancel epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2
remap_file_pages getdents64 fadvise64 timer_create timer_settime timer_gettime timer_getoverrun timer_delete
timerfd_create timerfd_settime timerfd_gettime clock_gettime clock_getres clock_nanosleep exit_group utimes
utimensat futimesat waitid inotify_init inotify_init1 inotify_add_watch inotify_rm_watch openat openat2 mkdirat
mknodat fchownat newfstatat unlinkat renameat renameat2 linkat symlinkat readlinkat fchmodat fchmodat2 faccessat
faccessat2 pselect6 ppoll splice tee vmsplice eventfd eventfd2 fallocate accept4 dup3 pipe2 preadv pwritev preadv2
pwritev2 recvmmsg sendmmsg getcpu getrandom memfd_create membarrier copy_file_range pkey_mprotect
pkey_alloc pkey_free statx rseq pidfd_open pidfd_send_signal close_range landlock_create_ruleset landlock_add_rule
landlock_restrict_self cachestat map_shadow_stack
""")

# Answered with EPERM, because a program that calls these wants to reach beyond its walls, and an
# honest refusal is what container runtimes have taught it to expect. clone3 is not here: it hides
# its flags from a filter, and with ENOSYS every libc falls back to clone.
DENIED = _names("""
mount umount2 pivot_root chroot move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr unshare setns
ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp kexec_load kexec_file_load init_module
finit_module delete_module create_module get_kernel_syms query_module bpf perf_event_open userfaultfd keyctl
add_key request_key open_by_handle_at name_to_handle_at io_uring_setup io_uring_enter io_uring_register syslog
swapon swapoff reboot acct quotactl quotactl_fd settimeofday clock_settime clock_adjtime adjtimex fanotify_init
fanotify_mark iopl ioperm modify_ldt vhangup sethostname setdomainname mbind set_mempolicy get_mempolicy
migrate_pages move_pages set_mempolicy_home_node lookup_dcookie nfsservctl uselib ustat sysfs _sysctl vserver
memfd_secret
""")

# Memory that no process need have mapped: allowed only where the kernel counts it for us.
HIDDEN_MEMORY = _names("memfd_create shmget")

# Refused by argument. Flags are of <linux/sched.h>: NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
CLONE_NAMESPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
TERMINAL_INJECTIONS = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
PERSONALITIES = (0, 0x0008, 0x20000, 0x20008, 0xFFFFFFFF)  # Linux, its 2.6 and 32-bit names, and "which is it?"
AF_NETLINK, NETLINK_ROUTE = 16, 0
SOCKET_FAMILIES = (1, 2, 10, AF_NETLINK)  # Unix, IPv4, IPv6, and netlink for libc's list of addresses

# Programs for the kernel. What it makes of them counts against one limit for all of the host (bpf_jit_limit), and
# against no control group: a function with many processes or sockets could use it up, and no sandbox could start. So
# there are none, as where the kernel was built without (EINVAL; `seccomp` itself is in no table).
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
SOL_SOCKET, SOCKET_PROGRAMS = 1, (26, 51)  # SO_ATTACH_FILTER, SO_ATTACH_REUSEPORT_CBPF
# Pages that the host has set aside for programs of its own, and that no limit of memory counts.
MAP_HUGETLB, MFD_HUGETLB = 0x40000, 0x0004
