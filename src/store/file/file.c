/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/file/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pool.h"

/* Local files. A file is looked at (fstat) before and after each read, so that bytes of two versions never come out
 * as one; reads block and therefore run on the worker pool. */

static int64_t nanoseconds(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void ncr_file_facts_from(const struct stat *st, ncr_object_facts *out)
{
    *out = (ncr_object_facts){.size = (uint64_t)st->st_size};
    snprintf(out->version.token, sizeof out->version.token, "file=%jx:%ju:%jd:%" PRId64 ":%" PRId64,
             (uintmax_t)st->st_dev, (uintmax_t)st->st_ino, (intmax_t)st->st_size, nanoseconds(st->st_mtim),
             nanoseconds(st->st_ctim));
    /* ctime alone tells the age: whatever changes bytes or mtime sets it, and nobody can set it back. */
    int64_t changed_ms = nanoseconds(st->st_ctim) / 1000000;
    out->version.strong = ncr_clock_wall_ms() - changed_ms >= NCR_FILE_FRESH_MS;
    out->modified_ms = nanoseconds(st->st_mtim) / 1000000;
}

nacre_status ncr_file_check_kind(const struct stat *st, const char *name, nacre_error *err)
{
    if (S_ISREG(st->st_mode))
        return NACRE_OK;
    if (S_ISDIR(st->st_mode))
        return ncr_error_set(err, NACRE_ERROR_NOT_FOUND, "%s: is a directory, not a file", name);
    return ncr_error_set(err, NACRE_ERROR_UNSUPPORTED, "%s: is not a regular file", name);
}

/* "NAME: not found" says it better than "cannot open: No such file or directory". */
static nacre_status open_error(int error_number, const char *name, const ncr_version *pinned, nacre_error *err)
{
    if (error_number != ENOENT && error_number != ENOTDIR)
        return ncr_error_errno(err, error_number, name, "open");
    if (pinned)
        return ncr_version_gone(err, name, pinned);
    return ncr_error_set(err, NACRE_ERROR_NOT_FOUND, "%s: not found: no such file", name);
}

nacre_status ncr_file_stat_path(const char *path, const char *name, const ncr_version *pinned, ncr_object_facts *out,
                                nacre_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return open_error(errno, name, pinned, err);
    nacre_status status = ncr_file_check_kind(&st, name, err);
    if (status == NACRE_OK)
        ncr_file_facts_from(&st, out);
    return status;
}

/* Reads until `length` bytes or the end; *got says how many came. */
static nacre_status read_range(int fd, const char *name, uint64_t offset, uint8_t *out, size_t length, size_t *got,
                               nacre_error *err)
{
    *got = 0;
    while (*got < length) {
        ssize_t count = pread(fd, out + *got, length - *got, (off_t)(offset + *got));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return ncr_error_errno(err, errno, name, "read");
        if (count == 0)
            break;
        *got += (size_t)count;
    }
    return NACRE_OK;
}

/* Fills the get's buffer, or a new `whole`, from an open file whose facts are known. */
static nacre_status read_wanted(ncr_get *get, int fd)
{
    const char *name = get->object->name;
    uint64_t offset = get->offset;
    uint8_t *out = get->buffer;
    size_t wanted = ncr_get_inside(get, get->facts.size), got;
    if (ncr_get_is_whole(get)) {
        nacre_status status = ncr_whole_read_check(get->call, name, get->facts.size, NULL, &get->error);
        if (status != NACRE_OK)
            return status;
        offset = 0;
        wanted = (size_t)get->facts.size;
        out = get->whole = malloc(wanted + 1);
        if (!out)
            return ncr_error_memory(&get->error);
    }
    nacre_status status = read_range(fd, name, offset, out, wanted, &got, &get->error);
    if (status != NACRE_OK)
        return status;
    get->got = get->whole ? 0 : got;
    get->whole_size = get->whole ? got : 0;
    return NACRE_OK;
}

/* Looks at the file again after it was read: what was read is of one version only if nothing has changed. */
static nacre_status check_after(ncr_get *get, int fd)
{
    struct stat st;
    ncr_object_facts after;
    if (fstat(fd, &st) != 0)
        return ncr_error_errno(&get->error, errno, get->object->name, "stat");
    ncr_file_facts_from(&st, &after);
    if (!ncr_version_matches(&get->facts.version, &after.version))
        return ncr_version_changed(&get->error, get->object->name, &get->facts.version, &after.version);
    size_t wanted = get->whole ? (size_t)get->facts.size : ncr_get_inside(get, get->facts.size);
    size_t got = get->whole ? get->whole_size : get->got;
    if (got < wanted)
        return ncr_error_set(&get->error, NACRE_ERROR_IO,
                             "%s: the file ends after %zu of %zu bytes that were asked for", get->object->name, got,
                             wanted);
    return NACRE_OK;
}

static nacre_status read_open_file(ncr_get *get, int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return ncr_error_errno(&get->error, errno, get->object->name, "stat");
    nacre_status status = ncr_file_check_kind(&st, get->object->name, &get->error);
    if (status != NACRE_OK)
        return status;
    ncr_file_facts_from(&st, &get->facts);
    status = ncr_get_check_version(get);
    if (status != NACRE_OK)
        return status;
    get->not_modified = get->match == NCR_MATCH_MODIFIED && ncr_version_same(get->version, &get->facts.version);
    if (get->not_modified)
        return NACRE_OK;
    status = read_wanted(get, fd);
    return status == NACRE_OK ? check_after(get, fd) : status;
}

static nacre_status run_get(ncr_get *get)
{
    nacre_status status = ncr_call_check(get->call, get->object->name, &get->error);
    if (status != NACRE_OK)
        return status;
    /* O_NONBLOCK: opening a pipe that nobody writes must not hang. */
    int fd = open(get->object->key, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return open_error(errno, get->object->name, get->match == NCR_MATCH_VERSION ? get->version : NULL, &get->error);
    status = read_open_file(get, fd);
    close(fd);
    return status;
}

static nacre_status run_stat(ncr_stat_op *op)
{
    nacre_status status = ncr_call_check(op->call, op->object->name, &op->error);
    if (status != NACRE_OK)
        return status;
    return ncr_file_stat_path(op->object->key, op->object->name, NULL, &op->facts, &op->error);
}

/* An operation on its way to a worker. */
typedef struct job {
    ncr_task task;
    ncr_get *get; /* one of these */
    ncr_stat_op *stat;
    ncr_list_op *list;
} job;

static void run_job(ncr_task *task)
{
    job j = *(job *)task;
    free(task);
    if (j.get)
        ncr_get_end(j.get, run_get(j.get));
    if (j.stat)
        ncr_stat_op_end(j.stat, run_stat(j.stat));
    if (j.list)
        ncr_file_list(j.list);
}

static bool submit(job wanted)
{
    job *j = malloc(sizeof *j);
    if (!j)
        return false;
    *j = wanted;
    j->task.run = run_job;
    ncr_pool_submit(&j->task);
    return true;
}

static void file_get(ncr_get *get)
{
    ncr_get_begin(get);
    if (!submit((job){.get = get}))
        ncr_get_end(get, ncr_error_memory(&get->error));
}

static void file_stat(ncr_stat_op *op)
{
    ncr_stat_op_begin(op);
    if (!submit((job){.stat = op}))
        ncr_stat_op_end(op, ncr_error_memory(&op->error));
}

static void file_list(ncr_list_op *op)
{
    ncr_list_op_begin(op);
    if (!submit((job){.list = op}))
        ncr_list_op_end(op, ncr_error_memory(&op->error));
}

static bool file_can_copy(const ncr_object *source, const ncr_object *destination)
{
    return source->store->class == destination->store->class;
}

static const ncr_store_class file_class = {
    .name = "file",
    .part_size = (size_t)1 << 20,
    .parts_at_once = 1,
    .can_copy = file_can_copy,
    .get = file_get,
    .stat = file_stat,
    .list = file_list,
    .put = ncr_file_put,
    .copy = ncr_file_copy,
    .rename = ncr_file_rename,
    .remove = ncr_file_remove,
    .upload_begin = ncr_file_upload_begin,
    .upload_part = ncr_file_upload_part,
    .upload_finish = ncr_file_upload_finish,
    .upload_abort = ncr_file_upload_abort,
};

nacre_status ncr_file_store_open(const ncr_store_options *options, ncr_store **out, nacre_error *err)
{
    (void)options;
    *out = ncr_store_new(sizeof **out, &file_class, "file", "none");
    if (!*out)
        return ncr_error_memory(err);
    (*out)->is_local = true;
    return NACRE_OK;
}
