/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/file/file.h"

/* Writing of local files: into a temporary file in the destination's directory, which then takes the destination's
 * name in one step. A reader sees the old file or the new one, never a part, and a writer that fails leaves the old
 * one. Where the file system can (O_TMPFILE), the file has no name before that, so that a process which is killed
 * leaves nothing behind; elsewhere, and for the instant of replacing a file, it is a hidden file.
 *
 * The file is not forced to the disk (fsync): the promise is about what processes see, which rename() alone gives, and
 * forcing costs tens of milliseconds a file. After a power failure the file may be the old one.
 *
 * condition.absent is decided by the kernel (renameat2 with RENAME_NOREPLACE, or link). No call replaces "only this
 * version", so condition.version is looked at right before the rename: another process that writes in that instant is
 * not noticed. */

typedef struct file_upload {
    ncr_upload base;
    bool absent, has_version;
    ncr_version version;
    char *target;    /* where the key leads, links followed */
    char *temporary; /* NULL: has no name, or has taken the target's */
    int fd;
    mode_t mode; /* of the file that is replaced; 0: there is none */
} file_upload;

static const char temporary_mark[] = ".nacre-part-";
enum { RANDOM_DIGITS = 16 };

bool ncr_file_is_temporary(const char *base_name)
{
    const char *mark = base_name[0] == '.' ? strstr(base_name, temporary_mark) : NULL;
    if (!mark)
        return false;
    const char *digits = mark + sizeof temporary_mark - 1;
    return strlen(digits) == RANDOM_DIGITS && strspn(digits, "0123456789abcdef") == RANDOM_DIGITS;
}

/* The name of an open file for linkat(): the one that needs no privilege. */
static void name_of_descriptor(int fd, char out[32])
{
    snprintf(out, 32, "/proc/self/fd/%d", fd);
}

/* Opens a file without a name in the target's directory; -1 where that cannot be, or could not be given one later. */
static int open_nameless(const char *target)
{
    char name[32];
    const char *slash = strrchr(target, '/');
    char *directory = ncr_text_format("%.*s/.", slash ? (int)(slash - target) : 1, slash ? target : ".");
    int fd = directory ? open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666) : -1;
    free(directory);
    if (fd < 0)
        return -1;
    name_of_descriptor(fd, name);
    if (access(name, F_OK) == 0)
        return fd;
    close(fd);
    return -1;
}

static int open_new(const char *name)
{
    return open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

/* Sets up->temporary to a hidden name beside the target, cut so that it fits whatever the target's is, under which
 * there is a new file (if up->fd is not open yet) or now the nameless one. errno tells why not. */
static bool take_temporary_name(file_upload *up)
{
    const char *slash = strrchr(up->target, '/');
    const char *base = slash ? slash + 1 : up->target;
    bool is_new = up->fd < 0, taken = false;
    char nameless[32];
    name_of_descriptor(up->fd, nameless);
    for (int attempt = 0; attempt < 16 && !taken; attempt++) {
        unsigned long long number;
        if (getrandom(&number, sizeof number, 0) != sizeof number)
            break;
        free(up->temporary);
        up->temporary =
            ncr_text_format("%.*s.%.100s%s%016llx", (int)(base - up->target), up->target, base, temporary_mark, number);
        if (!up->temporary) {
            errno = ENOMEM;
            return false;
        }
        taken = is_new ? (up->fd = open_new(up->temporary)) >= 0
                       : linkat(AT_FDCWD, nameless, AT_FDCWD, up->temporary, AT_SYMLINK_FOLLOW) == 0;
        if (!taken && errno != EEXIST)
            break;
    }
    if (!taken) {
        free(up->temporary); /* which keeps errno */
        up->temporary = NULL;
    }
    return taken;
}

/* Why no file can be made in the target's directory. The system says "no such file" both where the directory is
 * missing and where it takes no new files, as in /proc. */
static nacre_status explain_directory(const file_upload *up, int why, nacre_error *err)
{
    const char *name = up->base.object->name, *slash = strrchr(up->target, '/');
    struct stat st;
    if (why != ENOENT && why != ENOTDIR)
        return ncr_error_errno(err, why, name, "write");
    char *directory = ncr_text_format("%.*s/", slash ? (int)(slash - up->target) : 1, slash ? up->target : ".");
    if (!directory)
        return ncr_error_memory(err);
    bool is_there = stat(directory, &st) == 0;
    size_t length = strlen(directory);
    directory[length > 1 ? length - 1 : 1] = '\0';
    nacre_status status =
        is_there ? ncr_error_set(err, NACRE_ERROR_DENIED, "%s: the directory %s takes no new files; write elsewhere",
                                 name, directory)
                 : ncr_error_set(err, NACRE_ERROR_NOT_FOUND, "%s: the directory %s does not exist; make it first", name,
                                 directory);
    free(directory);
    return status;
}

static nacre_status make_temporary(file_upload *up, nacre_error *err)
{
    up->fd = open_nameless(up->target);
    return up->fd >= 0 || take_temporary_name(up) ? NACRE_OK : explain_directory(up, errno, err);
}

static nacre_status exists(const char *name, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_EXISTS, "%s: exists already", name);
}

/* The conditions as far as they can be seen in advance. */
static nacre_status check_target(const file_upload *up, const struct stat *st, nacre_error *err)
{
    const char *name = up->base.object->name;
    if (S_ISDIR(st->st_mode))
        return ncr_error_set(err, NACRE_ERROR_IO, "%s: is a directory", name);
    nacre_status status = ncr_file_check_kind(st, name, err);
    if (status != NACRE_OK)
        return status;
    ncr_object_facts now;
    ncr_file_facts_from(st, &now);
    if (up->absent)
        return exists(name, err);
    if (up->has_version && !ncr_version_matches(&up->version, &now.version))
        return ncr_version_changed(err, name, &up->version, &now.version);
    /* The directory alone would decide, and a file that is kept from being written would be replaced. */
    if (faccessat(AT_FDCWD, up->target, W_OK, AT_EACCESS) != 0)
        return ncr_error_errno(err, errno, name, "write");
    return NACRE_OK;
}

static nacre_status look_at_target(file_upload *up, nacre_error *err)
{
    struct stat st;
    if (stat(up->target, &st) == 0) {
        up->mode = st.st_mode & 07777;
        return check_target(up, &st, err);
    }
    if (errno != ENOENT && errno != ENOTDIR)
        return ncr_error_errno(err, errno, up->base.object->name, "write");
    return up->has_version ? ncr_version_gone(err, up->base.object->name, &up->version) : NACRE_OK;
}

/* A link to a file is written through, as by any other program: the file it leads to is replaced, not the link. */
static char *follow_links(const char *key)
{
    struct stat st;
    char *target = lstat(key, &st) == 0 && S_ISLNK(st.st_mode) ? realpath(key, NULL) : NULL;
    return target ? target : ncr_text_copy(key);
}

void ncr_file_upload_abort(ncr_upload *upload)
{
    file_upload *up = (file_upload *)upload;
    if (!up)
        return;
    if (up->fd >= 0)
        close(up->fd);
    if (up->temporary)
        unlink(up->temporary);
    free(up->temporary);
    free(up->target);
    ncr_object_unref(up->base.object);
    ncr_call_unref(up->base.call);
    free(up);
}

nacre_status ncr_file_upload_begin(ncr_object *object, ncr_call *call, const ncr_condition *condition,
                                   const char *content_type, ncr_upload **out, nacre_error *err)
{
    (void)content_type; /* files have none */
    *out = NULL;
    file_upload *up = calloc(1, sizeof *up);
    if (!up)
        return ncr_error_memory(err);
    up->fd = -1;
    up->base.object = ncr_object_ref(object);
    up->base.call = ncr_call_ref(call);
    up->absent = condition && condition->absent;
    up->has_version = condition && condition->version;
    if (up->has_version)
        up->version = *condition->version;
    up->target = follow_links(object->key);
    nacre_status status = up->target ? look_at_target(up, err) : ncr_error_memory(err);
    if (status == NACRE_OK)
        status = make_temporary(up, err);
    if (status != NACRE_OK) {
        ncr_file_upload_abort(&up->base);
        return status;
    }
    *out = &up->base;
    return NACRE_OK;
}

nacre_status ncr_file_upload_part(ncr_upload *upload, unsigned number, const void *data, size_t size, nacre_error *err)
{
    (void)number; /* parts come one after another */
    file_upload *up = (file_upload *)upload;
    nacre_status status = ncr_call_check(up->base.call, up->base.object->name, err);
    if (status != NACRE_OK)
        return status;
    for (size_t done = 0; done < size;) {
        ssize_t count = write(up->fd, (const char *)data + done, size - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return ncr_error_errno(err, errno, up->base.object->name, "write");
        done += (size_t)count;
    }
    return NACRE_OK;
}

/* Gives a file the target's name where nothing has that name, decided by the kernel. */
static int rename_if_absent(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    /* A file system that does not know the flag; link() never replaces. */
    if (link(from, to) != 0)
        return -1;
    unlink(from);
    return 0;
}

static int give_name(file_upload *up)
{
    char nameless[32];
    name_of_descriptor(up->fd, nameless);
    if (up->absent)
        return up->temporary ? rename_if_absent(up->temporary, up->target)
                             : linkat(AT_FDCWD, nameless, AT_FDCWD, up->target, AT_SYMLINK_FOLLOW);
    if (!up->temporary && !take_temporary_name(up))
        return -1;
    return rename(up->temporary, up->target);
}

static nacre_status take_name(file_upload *up, nacre_error *err)
{
    nacre_status status = look_at_target(up, err);
    if (status != NACRE_OK)
        return status;
    if (up->mode && fchmod(up->fd, up->mode) != 0 && errno != EPERM)
        return ncr_error_errno(err, errno, up->base.object->name, "set permissions");
    int failed = give_name(up);
    if (failed && errno == EEXIST)
        return exists(up->base.object->name, err);
    if (failed)
        return ncr_error_errno(err, errno, up->base.object->name, "replace");
    free(up->temporary);
    up->temporary = NULL;
    return NACRE_OK;
}

nacre_status ncr_file_upload_finish(ncr_upload *upload, ncr_outcome *outcome, ncr_object_facts *facts, nacre_error *err)
{
    file_upload *up = (file_upload *)upload;
    struct stat st;
    *outcome = NCR_OUTCOME_NOT_DONE;
    *facts = (ncr_object_facts){.modified_ms = -1};
    nacre_status status = take_name(up, err);
    if (status == NACRE_OK)
        *outcome = NCR_OUTCOME_DONE;
    /* After the rename, which sets ctime, and by the descriptor: of this very file, whatever has its name now. */
    if (status == NACRE_OK && fstat(up->fd, &st) == 0)
        ncr_file_facts_from(&st, facts);
    if (status == NACRE_OK && close(up->fd) != 0 && errno != EINTR) /* network file systems write here */
        status = ncr_error_errno(err, errno, up->base.object->name, "write");
    if (*outcome == NCR_OUTCOME_DONE)
        up->fd = -1;
    ncr_file_upload_abort(upload);
    return status;
}

nacre_status ncr_file_put(ncr_put *put, nacre_error *err)
{
    ncr_upload *upload;
    put->outcome = NCR_OUTCOME_NOT_DONE;
    nacre_status status =
        ncr_file_upload_begin(put->object, put->call, &put->condition, put->content_type, &upload, err);
    if (status != NACRE_OK)
        return status;
    status = ncr_file_upload_part(upload, 1, put->data, put->size, err);
    if (status == NACRE_OK)
        return ncr_file_upload_finish(upload, &put->outcome, &put->facts, err);
    ncr_file_upload_abort(upload);
    return status;
}

/* Moves all bytes; blocks that the file system can share are shared by copy_file_range(). */
static nacre_status copy_bytes(int from, file_upload *up, const char *source_name, nacre_error *err)
{
    enum { STEP = 1 << 20 };
    char *buffer = NULL;
    bool in_kernel = true;
    nacre_status status = NACRE_OK;
    while (status == NACRE_OK) {
        ssize_t count = in_kernel ? copy_file_range(from, NULL, up->fd, NULL, (size_t)64 * STEP, 0) : 0;
        if (in_kernel && count > 0) {
            status = ncr_call_check(up->base.call, up->base.object->name, err);
            continue;
        }
        /* Refused, or 0, which some file systems answer before the end: read and write decide. */
        in_kernel = false;
        buffer = buffer ? buffer : malloc(STEP);
        if (!buffer)
            return ncr_error_memory(err);
        count = read(from, buffer, STEP);
        if (count < 0 && errno != EINTR)
            status = ncr_error_errno(err, errno, source_name, "read");
        if (count == 0)
            break;
        if (count > 0)
            status = ncr_file_upload_part(&up->base, 1, buffer, (size_t)count, err);
    }
    free(buffer);
    return status;
}

static nacre_status check_source(int fd, const ncr_copy *copy, const ncr_version *pinned, ncr_object_facts *out,
                                 nacre_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return ncr_error_errno(err, errno, copy->source->name, "stat");
    nacre_status status = ncr_file_check_kind(&st, copy->source->name, err);
    if (status != NACRE_OK)
        return status;
    ncr_file_facts_from(&st, out);
    if (pinned && !ncr_version_matches(pinned, &out->version))
        return ncr_version_changed(err, copy->source->name, pinned, &out->version);
    return NACRE_OK;
}

static nacre_status copy_open_file(int fd, ncr_copy *copy, nacre_error *err)
{
    ncr_object_facts before, after;
    ncr_upload *upload;
    nacre_status status = check_source(fd, copy, copy->source_version, &before, err);
    if (status == NACRE_OK)
        status = ncr_file_upload_begin(copy->destination, copy->call, &copy->condition, NULL, &upload, err);
    if (status != NACRE_OK)
        return status;
    status = copy_bytes(fd, (file_upload *)upload, copy->source->name, err);
    if (status == NACRE_OK)
        status = check_source(fd, copy, &before.version, &after, err);
    if (status == NACRE_OK)
        return ncr_file_upload_finish(upload, &copy->outcome, &copy->facts, err);
    ncr_file_upload_abort(upload);
    return status;
}

nacre_status ncr_file_copy(ncr_copy *copy, nacre_error *err)
{
    copy->outcome = NCR_OUTCOME_NOT_DONE;
    ncr_object_facts facts; /* says "not found" and "is a directory" in their own words, before anything is opened */
    nacre_status status = ncr_file_stat_path(copy->source->key, copy->source->name, copy->source_version, &facts, err);
    if (status != NACRE_OK)
        return status;
    int fd = open(copy->source->key, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return ncr_error_errno(err, errno, copy->source->name, "open");
    status = copy_open_file(fd, copy, err);
    close(fd);
    return status;
}

/* Two names of one file: rename() would say yes and leave both. */
static nacre_status check_other_file(const ncr_copy *move, const char *target, nacre_error *err)
{
    struct stat from, to;
    if (stat(move->source->key, &from) != 0 || stat(target, &to) != 0 || from.st_dev != to.st_dev ||
        from.st_ino != to.st_ino)
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: source and destination are the same file; delete one of them",
                         move->destination->name);
}

/* The source keeps its name until the destination has it: rename() does both in one step. */
nacre_status ncr_file_rename(ncr_copy *move, nacre_error *err)
{
    file_upload to = {.base.object = move->destination,
                      .absent = move->condition.absent,
                      .has_version = move->condition.version != NULL,
                      .fd = -1};
    move->outcome = NCR_OUTCOME_NOT_DONE;
    if (to.has_version)
        to.version = *move->condition.version;
    ncr_object_facts facts;
    nacre_status status = ncr_file_stat_path(move->source->key, move->source->name, NULL, &facts, err);
    if (status != NACRE_OK)
        return status;
    to.target = follow_links(move->destination->key);
    if (!to.target)
        return ncr_error_memory(err);
    status = look_at_target(&to, err);
    if (status == NACRE_OK)
        status = check_other_file(move, to.target, err);
    if (status == NACRE_OK) {
        int failed = to.absent ? rename_if_absent(move->source->key, to.target) : rename(move->source->key, to.target);
        if (!failed)
            move->outcome = NCR_OUTCOME_DONE;
        else if (errno == EXDEV)
            status = ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: on another file system", move->source->name);
        else if (errno == EEXIST)
            status = exists(move->destination->name, err);
        else
            status = ncr_error_errno(err, errno, move->destination->name, "rename to");
    }
    free(to.target);
    return status;
}

nacre_status ncr_file_remove(ncr_delete *op, nacre_error *err)
{
    ncr_object_facts now;
    const char *name = op->object->name;
    op->outcome = NCR_OUTCOME_NOT_DONE;
    nacre_status status = ncr_file_stat_path(op->object->key, name, op->condition.version, &now, err);
    if (status != NACRE_OK)
        return status;
    if (op->condition.version && !ncr_version_matches(op->condition.version, &now.version))
        return ncr_version_changed(err, name, op->condition.version, &now.version);
    if (unlink(op->object->key) != 0)
        return ncr_error_errno(err, errno, name, "delete");
    op->outcome = NCR_OUTCOME_DONE;
    return NACRE_OK;
}
