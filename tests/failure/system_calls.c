/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sites.h"

/* As in allocations.c, the linker leads nacre's own calls here. libcurl's are met by functions of this executable that
 * have their names and come before the C library's; calls by others pass through these. */

#define CALLER __builtin_extract_return_addr(__builtin_return_address(0))

const int *system_call_faults(const char *function)
{
    static const struct {
        const char *function;
        int faults[6];
    } table[] = {
        {"open", {EIO, EMFILE, ENOMEM}},
        {"fopen", {EMFILE, FAULT_UNREADABLE}},
        {"read", {EIO, EINTR, FAULT_SHORT}},
        {"pread", {EIO, EINTR, FAULT_SHORT}},
        {"write", {EIO, ENOSPC, EINTR, FAULT_SHORT}},
        {"pwrite", {EIO, ENOSPC, EINTR, FAULT_SHORT}},
        {"copy_file_range", {EIO, ENOSPC, EXDEV, EINTR, FAULT_SHORT}},
        {"rename", {EIO, ENOSPC}},
        {"renameat2", {EIO, ENOSPC, EINVAL}},
        {"linkat", {EIO, ENOSPC}},
        {"link", {EIO, ENOSPC}},
        {"opendir", {EIO, EMFILE}},
        {"openat", {EIO, EMFILE, ENOSPC}},
        {"renameat", {EIO, ENOSPC}},
        {"mkdir", {EIO, ENOSPC}},
        {"mkdirat", {EIO, ENOSPC}},
        {"flock", {EINTR, ENOLCK}},
        {"fdopendir", {ENOMEM}},
        {"pthread_attr_init", {ENOMEM}},
        {"posix_spawn_file_actions_adddup2", {ENOMEM}},
        {"posix_spawn_file_actions_addopen", {ENOMEM}},
        {"getrandom", {EIO, EINTR}},
        {"pthread_create", {EAGAIN}},
        {"posix_spawnp", {EAGAIN}},
        {"getcwd", {ENOMEM}},
        {"socket", {EMFILE, ENOBUFS}},
        {"socketpair", {EMFILE}},
        {"pipe2", {EMFILE}},
        {"mkostemp", {EMFILE, ENOSPC}},
        {"connect", {ECONNREFUSED, ENETUNREACH}},
        {"send", {ECONNRESET, EPIPE, EINTR, FAULT_SHORT}},
        {"recv", {ECONNRESET, EINTR, FAULT_SHORT}},
        {"poll", {EINTR, ENOMEM}},
        {"waitpid", {EINTR}},
    };
    static const int others[] = {EIO, 0};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].function, function) == 0)
            return table[i].faults;
    return others;
}

/* Whether a call of nacre's fails, with errno set; *is_short: it shall do less than was asked. */
static bool fails(const char *function, void *caller, bool *is_short)
{
    int fault;
    *is_short = false;
    if (!sites_strike(SITE_SYSTEM, function, caller, &fault))
        return false;
    if (fault == FAULT_SHORT || fault == FAULT_UNREADABLE) {
        *is_short = true;
        return false;
    }
    errno = fault;
    return true;
}

/* Defines __wrap_SYMBOL() as a function that gives FAILURE where it fails, else what the real one does. */
#define WRAP(type, symbol, function, failure, parameters, arguments) \
    type __real_##symbol parameters;                                 \
    type __wrap_##symbol parameters;                                 \
    type __wrap_##symbol parameters                                  \
    {                                                                \
        bool is_short;                                               \
        if (fails(function, CALLER, &is_short))                      \
            return failure;                                          \
        return __real_##symbol arguments;                            \
    }

/* The same for a call that moves `size` bytes: it may do one byte only. */
#define WRAP_SIZED(symbol, function, parameters, arguments) \
    ssize_t __real_##symbol parameters;                     \
    ssize_t __wrap_##symbol parameters;                     \
    ssize_t __wrap_##symbol parameters                      \
    {                                                       \
        bool is_short;                                      \
        if (fails(function, CALLER, &is_short))             \
            return -1;                                      \
        size = is_short && size ? 1 : size;                 \
        return __real_##symbol arguments;                   \
    }

WRAP(int, stat64, "stat", -1, (const char *path, struct stat *st), (path, st))
WRAP(int, lstat64, "lstat", -1, (const char *path, struct stat *st), (path, st))
WRAP(int, fstat64, "fstat", -1, (int fd, struct stat *st), (fd, st))
WRAP(int, fstatat64, "fstatat", -1, (int fd, const char *path, struct stat *st, int flags), (fd, path, st, flags))
WRAP(int, access, "access", -1, (const char *path, int mode), (path, mode))
WRAP(int, faccessat, "faccessat", -1, (int fd, const char *path, int mode, int flags), (fd, path, mode, flags))
WRAP(int, rename, "rename", -1, (const char *from, const char *to), (from, to))
WRAP(int, renameat2, "renameat2", -1, (int a, const char *from, int b, const char *to, unsigned flags),
     (a, from, b, to, flags))
WRAP(int, link, "link", -1, (const char *from, const char *to), (from, to))
WRAP(int, linkat, "linkat", -1, (int a, const char *from, int b, const char *to, int flags), (a, from, b, to, flags))
WRAP(int, unlink, "unlink", -1, (const char *path), (path))
WRAP(int, unlinkat, "unlinkat", -1, (int fd, const char *path, int flags), (fd, path, flags))
WRAP(int, renameat, "renameat", -1, (int a, const char *from, int b, const char *to), (a, from, b, to))
WRAP(int, mkdir, "mkdir", -1, (const char *path, mode_t mode), (path, mode))
WRAP(int, mkdirat, "mkdirat", -1, (int fd, const char *path, mode_t mode), (fd, path, mode))
WRAP(int, flock, "flock", -1, (int fd, int how), (fd, how))
WRAP(int, futimens, "futimens", -1, (int fd, const struct timespec times[2]), (fd, times))
WRAP(DIR *, fdopendir, "fdopendir", NULL, (int fd), (fd))
WRAP(int, poll, "poll", -1, (struct pollfd * fds, nfds_t count, int timeout_ms), (fds, count, timeout_ms))
WRAP(int, pthread_attr_init, "pthread_attr_init", errno, (pthread_attr_t * attributes), (attributes))
WRAP(int, posix_spawn_file_actions_adddup2, "posix_spawn_file_actions_adddup2", errno,
     (posix_spawn_file_actions_t * actions, int from, int to), (actions, from, to))
WRAP(int, posix_spawn_file_actions_addopen, "posix_spawn_file_actions_addopen", errno,
     (posix_spawn_file_actions_t * actions, int fd, const char *path, int flags, mode_t mode),
     (actions, fd, path, flags, mode))
WRAP(int, fchmod, "fchmod", -1, (int fd, mode_t mode), (fd, mode))
WRAP(DIR *, opendir, "opendir", NULL, (const char *path), (path))
WRAP(struct dirent *, readdir64, "readdir", NULL, (DIR * stream), (stream))
WRAP(int, socket, "socket", -1, (int family, int type, int protocol), (family, type, protocol))
WRAP(int, pipe2, "pipe2", -1, (int fds[2], int flags), (fds, flags))
WRAP(int, mkostemp64, "mkostemp", -1, (char *name, int flags), (name, flags))
WRAP(pid_t, waitpid, "waitpid", -1, (pid_t pid, int *status, int options), (pid, status, options))
WRAP(int, sched_getaffinity, "sched_getaffinity", -1, (pid_t pid, size_t size, cpu_set_t *set), (pid, size, set))
WRAP(char *, getcwd, "getcwd", NULL, (char *out, size_t size), (out, size))
WRAP(int, pthread_create, "pthread_create", errno,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*function)(void *), void *user),
     (thread, attributes, function, user))
WRAP(int, posix_spawnp, "posix_spawnp", errno,
     (pid_t * pid, const char *file, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
      char *const *words, char *const *environment),
     (pid, file, actions, attributes, words, environment))

WRAP_SIZED(read, "read", (int fd, void *out, size_t size), (fd, out, size))
WRAP_SIZED(pread64, "pread", (int fd, void *out, size_t size, off_t offset), (fd, out, size, offset))
WRAP_SIZED(write, "write", (int fd, const void *data, size_t size), (fd, data, size))
WRAP_SIZED(pwrite64, "pwrite", (int fd, const void *data, size_t size, off_t offset), (fd, data, size, offset))
WRAP_SIZED(getrandom, "getrandom", (void *out, size_t size, unsigned flags), (out, size, flags))
WRAP_SIZED(copy_file_range, "copy_file_range",
           (int from, off_t *from_offset, int to, off_t *to_offset, size_t size, unsigned flags),
           (from, from_offset, to, to_offset, size, flags))

int __real_openat64(int folder, const char *path, int flags, ...);
int __wrap_openat64(int folder, const char *path, int flags, ...);
int __wrap_openat64(int folder, const char *path, int flags, ...)
{
    bool is_short;
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
    va_end(args);
    return fails("openat", CALLER, &is_short) ? -1 : __real_openat64(folder, path, flags, mode);
}

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
    bool is_short;
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
    va_end(args);
    return fails("open", CALLER, &is_short) ? -1 : __real_open64(path, flags, mode);
}

/* A folder can be opened for reading, but not read. */
FILE *__real_fopen64(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode)
{
    bool is_unreadable;
    if (fails("fopen", CALLER, &is_unreadable))
        return NULL;
    return __real_fopen64(is_unreadable ? "/" : path, mode);
}

/* Closes in any case, as the kernel does. */
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    bool is_short, has_failed = fails("close", CALLER, &is_short);
    int why = errno, status = __real_close(fd);
    errno = has_failed ? why : errno;
    return has_failed ? -1 : status;
}

/* --- libcurl's. --- */

/* Defines a function of the C library's name, which fails where libcurl calls it. */
#define MEET(type, function, failure, parameters, arguments)                        \
    type function parameters                                                        \
    {                                                                               \
        static type(*real) parameters;                                              \
        bool is_short = false;                                                      \
        void *caller = CALLER;                                                      \
        if (!real)                                                                  \
            *(void **)&real = dlsym(RTLD_NEXT, #function);                          \
        if (IS_MET && sites_in_curl(caller) && fails(#function, caller, &is_short)) \
            return failure;                                                         \
        CUT(is_short);                                                              \
        return real arguments;                                                      \
    }

#define IS_MET        true
#define CUT(is_short) (void)(is_short)
MEET(int, connect, -1, (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size))
MEET(int, getsockopt, -1, (int fd, int level, int name, void *out, socklen_t *size), (fd, level, name, out, size))
MEET(int, setsockopt, -1, (int fd, int level, int name, const void *value, socklen_t size),
     (fd, level, name, value, size))
MEET(int, getsockname, -1, (int fd, struct sockaddr *address, socklen_t *size), (fd, address, size))
MEET(int, getpeername, -1, (int fd, struct sockaddr *address, socklen_t *size), (fd, address, size))
MEET(int, socketpair, -1, (int family, int type, int protocol, int fds[2]), (family, type, protocol, fds))
MEET(int, poll, -1, (struct pollfd * fds, nfds_t count, int timeout_ms), (fds, count, timeout_ms))
#undef CUT
#undef IS_MET
#define IS_MET        !is_local(fd)
#define CUT(is_short) size = (is_short) && size ? 1 : size
/* A wake-up goes over a pair of local sockets, which cannot fail so. */
static bool is_local(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    static int (*real)(int, struct sockaddr *, socklen_t *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "getsockname");
    return real(fd, (struct sockaddr *)&address, &size) == 0 && address.ss_family == AF_UNIX;
}

MEET(ssize_t, send, -1, (int fd, const void *data, size_t size, int flags), (fd, data, size, flags))
MEET(ssize_t, recv, -1, (int fd, void *out, size_t size, int flags), (fd, out, size, flags))
