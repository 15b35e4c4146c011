/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cache/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/fork.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/crc32c.h"

/* DIR/xx/NAME   one file; xx/NAME are 2 and 30 hexadecimal digits
 * DIR/xx/t-...  one that is being written
 * DIR/size      how many bytes all of them are said to have; see "The bound"
 * DIR/evicting  locked by who takes old ones away
 *
 * That is for ever: other versions of nacre write files that differ inside, and all take one another's old ones away.
 */

enum {
    NAME_SIZE = NCR_FOLDER_NAME,
    TOUCH_AFTER_S = 3600,    /* a file's time is set anew when it is used and older than that */
    ABANDONED_AFTER_S = 600, /* what is still being written then belongs to nobody */
    LOCK_WAIT_MS = 100,
    CHARGE_UNIT = 4096, /* what a file takes is rounded up to that */
    FREE_SHARE = 8,     /* eviction leaves one part in so many free */
    SIZE_FILE = 12,
};

struct ncr_disk {
    ncr_disk *next;
    char *path; /* for messages */
    int fd;
    dev_t device;
    ino_t inode;
    _Atomic int64_t limit; /* as the last who opened it said */
    _Atomic int last_error;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ncr_disk *disks; /* guarded by lock */
static _Atomic uint64_t bytes_dropped, errors, evictions;

NCR_AT_LOAD keep_over_fork(void)
{
    ncr_fork_keep(&lock);
}

/* --- System calls, each of which a test may let fail. --- */

static _Atomic(ncr_disk_hook) hook;

void ncr_disk_set_hook(ncr_disk_hook function)
{
    hook = function;
}

static bool fails(const char *call, size_t *length)
{
    ncr_disk_hook function = atomic_load_explicit(&hook, memory_order_relaxed);
    int error = function ? function(call, length) : 0;
    if (error)
        errno = error;
    return error != 0;
}

static int open_at(int folder, const char *name, int flags)
{
    return fails("openat", NULL) ? -1 : openat(folder, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
}

static int unlink_at(int folder, const char *name)
{
    return fails("unlinkat", NULL) ? -1 : unlinkat(folder, name, 0);
}

static int lock_file(int fd, int how)
{
    return fails("flock", NULL) ? -1 : flock(fd, how);
}

/* Closing alone would not unlock what a child of a fork has inherited in this moment. Keeps errno. */
static void close_locked(int fd)
{
    int error = errno;
    flock(fd, LOCK_UN);
    close(fd);
    errno = error;
}

/* Reads until size bytes or the end; -1: error. */
static ssize_t read_all(int fd, uint8_t *out, size_t size)
{
    size_t got = 0;
    while (got < size) {
        size_t wanted = size - got;
        ssize_t n = fails("pread", &wanted) ? -1 : pread(fd, out + got, wanted, (off_t)got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

static bool write_all(int fd, const uint8_t *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        size_t wanted = size - done;
        ssize_t n = fails("pwrite", &wanted) ? -1 : pwrite(fd, data + done, wanted, (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

/* --- Opening. --- */

/* Counts a failure; tells it where it is not the last one again, so that a full disk is told once. */
static void note_error(ncr_disk *disk, const char *what)
{
    int error = errno;
    atomic_fetch_add(&errors, 1);
    if (atomic_exchange(&disk->last_error, error) != error)
        ncr_log(NCR_LOG_WARNING, "cache.dir %s: cannot %s: %s; reads go on without it", disk->path, what,
                strerror(error));
}

/* Makes a folder and those above it. */
static bool make_folders(const char *path)
{
    char *copy = ncr_text_copy(path);
    if (!copy) {
        errno = ENOMEM;
        return false;
    }
    bool made = false;
    for (char *at = copy;; at++) {
        if (*at && (*at != '/' || at == copy))
            continue;
        char end = *at;
        *at = '\0';
        made = (fails("mkdir", NULL) ? -1 : mkdir(copy, 0700)) == 0 || errno == EEXIST;
        *at = end;
        if (!end)
            break;
    }
    free(copy);
    return made;
}

static int open_folder(const char *path)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC; /* a link to it is the user's own choice */
    int fd = fails("open", NULL) ? -1 : open(path, flags);
    if (fd < 0 && errno == ENOENT && make_folders(path))
        fd = fails("open", NULL) ? -1 : open(path, flags);
    return fd;
}

static nacre_status check_owner(const char *path, const struct stat *facts, nacre_error *err)
{
    if (facts->st_uid != geteuid())
        return ncr_error_set(err, NACRE_ERROR_REFUSED,
                             "cache.dir %s: belongs to another user, who could put anything into it; name a folder of "
                             "your own",
                             path);
    if (facts->st_mode & (S_IWGRP | S_IWOTH))
        return ncr_error_set(
            err, NACRE_ERROR_REFUSED,
            "cache.dir %s: others may write to it (mode %03o), and could put anything into it; make it "
            "700",
            path, (unsigned)facts->st_mode & 0777U);
    return NACRE_OK;
}

/* The directory that is known already, or a new one that takes fd; NULL: out of memory. */
static ncr_disk *find_or_add(const char *path, int fd, const struct stat *facts, bool *is_new)
{
    ncr_disk *made = calloc(1, sizeof *made);
    char *copy = ncr_text_copy(path);
    pthread_mutex_lock(&lock);
    ncr_disk *disk = disks;
    while (disk && (disk->device != facts->st_dev || disk->inode != facts->st_ino))
        disk = disk->next;
    *is_new = !disk && made && copy;
    if (*is_new) {
        *made = (ncr_disk){.next = disks, .path = copy, .fd = fd, .device = facts->st_dev, .inode = facts->st_ino};
        disk = disks = made;
    }
    pthread_mutex_unlock(&lock);
    if (!*is_new) {
        free(made);
        free(copy);
    }
    return disk;
}

nacre_status ncr_disk_open(const ncr_config *config, ncr_disk **out, nacre_error *err)
{
    *out = NULL;
    const char *path = ncr_config_text(config, NCR_KEY_CACHE_DIR);
    if (!path || !*path)
        return NACRE_OK;
    struct stat facts;
    int fd = open_folder(path);
    if (fd < 0 || fstat(fd, &facts) != 0) {
        atomic_fetch_add(&errors, 1);
        ncr_log(NCR_LOG_WARNING, "cache.dir %s: cannot be used: %s; reads go on without it", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return NACRE_OK;
    }
    bool is_new = false;
    nacre_status status = check_owner(path, &facts, err);
    if (status == NACRE_OK) {
        *out = find_or_add(path, fd, &facts, &is_new);
        if (*out)
            (*out)->limit = ncr_config_number(config, NCR_KEY_CACHE_DIR_SIZE);
    }
    if (!is_new)
        close(fd);
    return status;
}

/* --- The bound. Under flock on the file `size`: a writer adds what its file will have before it makes it, so a kill
 * leaves the figure too high and never too low. Who finds no room left looks at all files, takes old ones away, and
 * sets it right. --- */

typedef enum room { ROOM_GIVEN, ROOM_NONE, ROOM_ERROR } room;

static uint64_t charge_of(uint64_t size)
{
    return (size + CHARGE_UNIT - 1) / CHARGE_UNIT * CHARGE_UNIT;
}

/* The figure; false: there is none yet, or it is damaged. */
static bool read_size(int fd, uint64_t *out)
{
    uint8_t bytes[SIZE_FILE + 1];
    ssize_t got = read_all(fd, bytes, sizeof bytes);
    *out = 0;
    if (got != SIZE_FILE || ncr_crc32c(0, bytes + 4, 8) != ncr_read_u32(bytes, false))
        return false;
    *out = ncr_read_u64(bytes + 4, false);
    return true;
}

static bool write_size(int fd, uint64_t size)
{
    uint8_t bytes[SIZE_FILE];
    ncr_write_u64(bytes + 4, size);
    ncr_write_u32(bytes, ncr_crc32c(0, bytes + 4, 8));
    return write_all(fd, bytes, sizeof bytes);
}

static int open_size(ncr_disk *disk)
{
    int fd = open_at(disk->fd, "size", O_RDWR | O_CREAT);
    if (fd >= 0 && lock_file(fd, LOCK_EX) != 0) {
        close(fd);
        fd = -1;
    }
    return fd; /* to be closed by close_locked() */
}

static room take_room(ncr_disk *disk, uint64_t charge, bool must)
{
    int fd = open_size(disk);
    if (fd < 0)
        return ROOM_ERROR;
    uint64_t size;
    room found = ROOM_NONE;
    int64_t limit = disk->limit;
    bool fits = read_size(fd, &size) && limit >= (int64_t)charge && size <= (uint64_t)limit - charge;
    if (fits || must)
        found = write_size(fd, size + charge) ? ROOM_GIVEN : ROOM_ERROR;
    close_locked(fd);
    return found;
}

/* Best effort: where it fails the figure stays too high. */
static void give_room(ncr_disk *disk, uint64_t charge)
{
    int fd = charge ? open_size(disk) : -1;
    if (fd < 0)
        return;
    uint64_t size;
    if (read_size(fd, &size))
        write_size(fd, size > charge ? size - charge : 0);
    close_locked(fd);
}

/* What is found when all files are looked at. */
typedef struct survey {
    struct seen {
        int64_t time_ns;
        uint64_t charge;
    } * items;
    size_t count, capacity;
    uint64_t total;
    int64_t oldest_ns; /* what is older goes */
    uint64_t goal;     /* as long as there is more than that */
    bool is_complete;
} survey;

static int64_t time_of(const struct stat *facts)
{
    return (int64_t)facts->st_mtim.tv_sec * 1000000000 + facts->st_mtim.tv_nsec;
}

static bool is_hex(const char *text, size_t length)
{
    return strlen(text) == length && strspn(text, "0123456789abcdef") == length;
}

static void note_file(survey *found, int folder, const char *name, const struct stat *facts)
{
    (void)folder;
    (void)name;
    if (!ncr_array_reserve(&found->items, &found->capacity, found->count + 1, sizeof *found->items)) {
        found->is_complete = false;
        return;
    }
    uint64_t charge = charge_of((uint64_t)facts->st_size);
    found->items[found->count++] = (struct seen){time_of(facts), charge};
    found->total += charge;
}

static void drop_old_file(survey *found, int folder, const char *name, const struct stat *facts)
{
    if (found->total <= found->goal || time_of(facts) > found->oldest_ns || unlink_at(folder, name) != 0)
        return;
    found->total -= charge_of((uint64_t)facts->st_size);
    atomic_fetch_add(&evictions, 1);
}

typedef void (*visit)(survey *found, int folder, const char *name, const struct stat *facts);

/* NULL: it cannot be read. */
static DIR *open_list(int folder, const char *name)
{
    int fd = open_at(folder, name, O_RDONLY | O_DIRECTORY);
    DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
    if (fd >= 0 && !list)
        close(fd);
    return list;
}

static void walk_folder(DIR *list, survey *found, visit function)
{
    int64_t now_s = ncr_clock_wall_ms() / 1000;
    for (const struct dirent *entry; (entry = readdir(list));) {
        struct stat facts;
        bool is_whole = is_hex(entry->d_name, 30), is_part = ncr_text_starts(entry->d_name, "t-");
        if ((!is_whole && !is_part) || fstatat(dirfd(list), entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(facts.st_mode))
            continue;
        if (is_part && facts.st_mtim.tv_sec < now_s - ABANDONED_AFTER_S)
            unlink_at(dirfd(list), entry->d_name);
        else
            function(found, dirfd(list), entry->d_name, &facts);
    }
}

static void walk(const ncr_disk *disk, survey *found, visit function)
{
    DIR *folders = open_list(disk->fd, ".");
    found->is_complete &= folders != NULL;
    for (const struct dirent *entry; folders && (entry = readdir(folders));) {
        DIR *list = is_hex(entry->d_name, 2) ? open_list(dirfd(folders), entry->d_name) : NULL;
        if (list)
            walk_folder(list, found, function);
        else
            found->is_complete &= !is_hex(entry->d_name, 2) || errno == ENOENT;
        if (list)
            closedir(list);
    }
    if (folders)
        closedir(folders);
}

static int by_time(const void *a, const void *b)
{
    int64_t x = ((const struct seen *)a)->time_ns, y = ((const struct seen *)b)->time_ns;
    return x < y ? -1 : x > y;
}

/* Takes the oldest files away until an eighth of the limit is free. */
static void drop_old(const ncr_disk *disk, survey *found)
{
    uint64_t left = found->total;
    qsort(found->items, found->count, sizeof *found->items, by_time);
    for (size_t i = 0; i < found->count && left > found->goal; i++) {
        left -= found->items[i].charge;
        found->oldest_ns = found->items[i].time_ns;
    }
    if (left != found->total)
        walk(disk, found, drop_old_file);
}

static uint64_t size_now(ncr_disk *disk, bool *is_known)
{
    uint64_t size = 0;
    int fd = open_size(disk);
    *is_known = fd >= 0 && read_size(fd, &size);
    if (fd >= 0)
        close_locked(fd);
    return size;
}

static bool sweep(ncr_disk *disk)
{
    bool is_known;
    int64_t limit = disk->limit > 0 ? disk->limit : 0;
    uint64_t before = size_now(disk, &is_known);
    survey found = {.goal = (uint64_t)(limit - limit / FREE_SHARE), .is_complete = true};
    walk(disk, &found, note_file);
    if (found.is_complete && found.total > found.goal)
        drop_old(disk, &found);
    free(found.items);
    int fd = found.is_complete ? open_size(disk) : -1;
    if (fd < 0)
        return false;
    /* What others added meanwhile they may not have written yet. */
    uint64_t now, added = is_known && read_size(fd, &now) && now > before ? now - before : 0;
    bool ok = write_size(fd, found.total + added);
    close_locked(fd);
    return ok;
}

/* Makes room, and takes it. ROOM_NONE: there is too little, or another process is at it. */
static room make_room(ncr_disk *disk, uint64_t charge)
{
    int fd = open_at(disk->fd, "evicting", O_RDWR | O_CREAT);
    if (fd < 0)
        return ROOM_ERROR;
    room found = ROOM_ERROR;
    if (lock_file(fd, LOCK_EX | LOCK_NB) != 0)
        found = errno == EWOULDBLOCK ? ROOM_NONE : ROOM_ERROR;
    else if (sweep(disk))
        found = take_room(disk, charge, false);
    close_locked(fd);
    return found;
}

/* --- One file. --- */

static void touch(int fd)
{
    struct stat facts;
    if (fstat(fd, &facts) == 0 && facts.st_mtim.tv_sec < ncr_clock_wall_ms() / 1000 - TOUCH_AFTER_S &&
        !fails("futimens", NULL))
        futimens(fd, NULL); /* else it is taken away sooner */
}

ssize_t ncr_folder_read(ncr_disk *disk, const char *name, uint8_t *out, size_t size)
{
    int fd = open_at(disk->fd, name, O_RDONLY);
    if (fd < 0) {
        if (errno != ENOENT)
            note_error(disk, "open a file");
        return -1;
    }
    ssize_t got = read_all(fd, out, size);
    touch(fd);
    close(fd);
    return got < 0 ? 0 : got; /* a file that cannot be read is as good as an empty one */
}

void ncr_folder_drop(ncr_disk *disk, const char *name)
{
    unlink_at(disk->fd, name);
}

void ncr_folder_damaged(ncr_disk *disk, const char *name)
{
    atomic_fetch_add(&errors, 1);
    ncr_log(NCR_LOG_WARNING, "cache.dir %s: %s is damaged, so it is dropped and its bytes are fetched anew", disk->path,
            name);
    unlink_at(disk->fd, name);
}

/* Opens in the folder of a name, which is made where it is missing; -1: cannot. */
static int open_below(const ncr_disk *disk, const char *name, const char *what, int flags)
{
    int fd = open_at(disk->fd, what, flags);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    const char folder[3] = {name[0], name[1], '\0'};
    if ((fails("mkdirat", NULL) || mkdirat(disk->fd, folder, 0700) != 0) && errno != EEXIST)
        return -1;
    return open_at(disk->fd, what, flags);
}

/* Makes the file under a name of its own, in the folder of the name that it will have; -1: cannot. */
static int make_part(const ncr_disk *disk, const char *name, char part[NAME_SIZE])
{
    uint64_t random;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random)
        return -1;
    snprintf(part, NAME_SIZE, "%.3st-%016" PRIx64, name, random);
    return open_below(disk, name, part, O_WRONLY | O_CREAT | O_EXCL);
}

/* Sets a time to come, for which the file is not among the oldest. */
static void keep(int fd, unsigned seconds)
{
    const struct timespec until = {.tv_sec = ncr_clock_wall_ms() / 1000 + seconds};
    const struct timespec times[2] = {until, until};
    if (seconds && !fails("futimens", NULL))
        futimens(fd, times);
}

/* Writes it beside and renames it into place. *replaced is the size of what was there. */
static bool put_in_place(const ncr_disk *disk, const char *name, const uint8_t *file, size_t size, unsigned keep_s,
                         uint64_t *replaced)
{
    char part[NAME_SIZE];
    int fd = make_part(disk, name, part);
    if (fd < 0)
        return false;
    bool ok = write_all(fd, file, size);
    keep(fd, keep_s);
    struct stat old;
    *replaced = fstatat(disk->fd, name, &old, AT_SYMLINK_NOFOLLOW) == 0 ? (uint64_t)old.st_size : 0;
    ok = ok && !fails("renameat", NULL) && renameat(disk->fd, part, disk->fd, name) == 0;
    int error = errno;
    close(fd);
    if (!ok)
        unlink_at(disk->fd, part);
    errno = error;
    return ok;
}

bool ncr_folder_write(ncr_disk *disk, const char *name, const uint8_t *file, size_t size, unsigned keep_s)
{
    bool can_fit = disk->limit >= (int64_t)charge_of(size); /* else nothing is taken away for it */
    room found = can_fit ? take_room(disk, charge_of(size), false) : ROOM_NONE;
    if (found == ROOM_NONE && can_fit)
        found = make_room(disk, charge_of(size));
    if (found == ROOM_NONE && can_fit && keep_s)
        found = take_room(disk, charge_of(size), true);
    if (found == ROOM_NONE) {
        ncr_disk_count_dropped(size);
        return false;
    }
    uint64_t replaced = 0;
    bool ok = found == ROOM_GIVEN && put_in_place(disk, name, file, size, keep_s, &replaced);
    if (!ok)
        note_error(disk, "write");
    else
        disk->last_error = 0;
    if (found == ROOM_GIVEN)
        give_room(disk, charge_of(ok ? replaced : size));
    return ok;
}

int ncr_folder_lock(ncr_disk *disk, const char *name)
{
    const struct timespec pause = {.tv_nsec = 1000 * 1000};
    const char folder[3] = {name[0], name[1], '\0'};
    int fd = open_below(disk, name, folder, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return -1;
    for (int64_t end = ncr_clock_ms() + LOCK_WAIT_MS; lock_file(fd, LOCK_EX | LOCK_NB) != 0;) {
        if (errno != EWOULDBLOCK || ncr_clock_ms() >= end) {
            close(fd);
            return -1;
        }
        nanosleep(&pause, NULL);
    }
    return fd;
}

void ncr_folder_unlock(int held)
{
    if (held >= 0)
        close_locked(held);
}

/* --- Counting. --- */

void ncr_disk_count_dropped(size_t bytes)
{
    atomic_fetch_add(&bytes_dropped, bytes);
}

void ncr_folder_stats(nacre_cache_stats *out)
{
    out->disk_bytes_dropped = bytes_dropped;
    out->disk_errors = errors;
    out->disk_evictions = evictions;
}
