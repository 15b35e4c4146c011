/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "job.h"
#include "list.h"
#include "mount.h"

/* --- stat. --- */

static void fill_stat(gdal_stat *out, bool is_directory, uint64_t size, int64_t modified_ms)
{
    *out = (gdal_stat){0};
    out->st_mode = is_directory ? S_IFDIR : S_IFREG;
    out->st_size = (off_t)size;
    out->st_mtime = modified_ms > 0 ? (time_t)(modified_ms / 1000) : 0;
}

static nacre_status not_found(const ncr_gdal_job *job, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_NOT_FOUND, "%s: not found", job->name);
}

static bool stop_listing(void *user, const nacre_object_info *info)
{
    (void)user, (void)info;
    return false;
}

/* Whether anything lies below a name, which makes it a directory. */
static nacre_status stat_prefix(const ncr_gdal_job *job, nacre_error *err)
{
    const char *key = job->object->key;
    char *below = ncr_text_format("%s%s", key, key[strlen(key) - 1] != '/' ? "/" : "");
    if (!below)
        return ncr_error_memory(err);
    ncr_list_op page;
    nacre_status status = ncr_gdal_list_page(job, below, true, 1, &page, err);
    if (status == NACRE_OK && !page.entry_count)
        status = not_found(job, err);
    ncr_list_op_clear(&page);
    free(below);
    return status;
}

/* A bucket may be empty. */
static nacre_status stat_directory(const ncr_gdal_job *job, gdal_stat *out, nacre_error *err)
{
    nacre_status status = job->object->key[0] ? stat_prefix(job, err)
                                              : ncr_vfs_list(job->object, false, job->call, stop_listing, NULL, err);
    if (status == NACRE_OK)
        fill_stat(out, true, 0, -1);
    return status;
}

static nacre_status stat_job(const ncr_gdal_job *job, gdal_stat *out, nacre_error *err)
{
    const ncr_object *object = job->object;
    const size_t length = strlen(object->key);
    if (length && object->key[length - 1] != '/') {
        ncr_object_facts facts;
        nacre_status status = ncr_vfs_stat(job->object, job->call, &facts, err);
        if (status == NACRE_OK)
            fill_stat(out, false, facts.size, facts.modified_ms);
        if (status != NACRE_ERROR_NOT_FOUND || !object->bucket[0]) /* servers of URLs have no directories */
            return status;
    }
    return stat_directory(job, out, err);
}

/* The root of a store, "/vsigs/", is a directory that nobody needs to be asked about. */
static bool is_root(const ncr_gdal_job *job)
{
    return !job->object->bucket[0] && !job->object->key[0];
}

static int stat_name(void *user, const char *name, gdal_stat *out, int flags)
{
    ncr_gdal_job job;
    nacre_error error;
    const uint64_t told = ncr_gdal_take_told();
    if (ncr_gdal_mount_is_probe(user, name) ||
        (flags & GDAL_STAT_CACHE_ONLY)) { /* nothing is believed without asking */
        errno = ENOENT;
        return -1;
    }
    nacre_status status = ncr_gdal_job_begin(&job, user, name, &error);
    if (status == NACRE_OK && is_root(&job))
        fill_stat(out, true, 0, -1);
    else if (status == NACRE_OK)
        status = stat_job(&job, out, &error);
    if (status != NACRE_OK && (flags & GDAL_STAT_SET_ERROR))
        ncr_gdal_note(job.host, &error);
    else if ((status == NACRE_ERROR_UNAVAILABLE || status == NACRE_ERROR_CORRUPT || status == NACRE_ERROR_MEMORY) &&
             !ncr_gdal_was_told(told, &error)) /* by the open before it */
        ncr_gdal_tell(job.host, &error);       /* else a sidecar that is there would be overlooked silently */
    ncr_gdal_job_end(&job);
    if (status == NACRE_OK)
        return 0;
    errno = ncr_gdal_errno(status);
    return -1;
}

/* --- Changes. --- */

/* Ends a job that has failed: tells it, but for what is only not there, as libc does. */
static int end_change(ncr_gdal_job *job, nacre_status status, const nacre_error *error)
{
    if (status != NACRE_OK && status != NACRE_ERROR_NOT_FOUND && status != NACRE_ERROR_EXISTS)
        ncr_gdal_tell(job->host, error);
    ncr_gdal_job_end(job);
    if (status == NACRE_OK)
        return 0;
    errno = ncr_gdal_errno(status);
    return -1;
}

int ncr_gdal_unlink(const ncr_gdal_mount *mount, const char *name)
{
    ncr_gdal_job job;
    nacre_error error;
    nacre_status status = ncr_gdal_job_begin(&job, mount, name, &error);
    if (status == NACRE_OK)
        status = ncr_vfs_remove(job.object, NULL, job.call, &error);
    return end_change(&job, status, &error);
}

/* GDAL never calls it, and only looks whether it is there: see unlink.h. */
static int unlink_name(void *user, const char *name)
{
    return ncr_gdal_unlink(user, name);
}

/* A directory is an object of no bytes whose key ends with a slash, as other programs make them. */
static int make_directory(void *user, const char *name, long mode)
{
    ncr_gdal_job job, bare;
    nacre_error error;
    gdal_stat found;
    (void)mode;
    nacre_status status = ncr_gdal_job_begin(&bare, user, name, &error);
    if (status == NACRE_OK)
        status = stat_job(&bare, &found, &error);
    if (status == NACRE_OK)
        status = ncr_error_set(&error, NACRE_ERROR_EXISTS, "%s: exists", name);
    else if (status == NACRE_ERROR_NOT_FOUND)
        status = NACRE_OK;
    if (status != NACRE_OK)
        return end_change(&bare, status, &error);
    ncr_gdal_job_end(&bare);
    status = ncr_gdal_job_begin_below(&job, user, name, &error);
    if (status == NACRE_OK && !job.object->key[0])
        status = ncr_error_set(&error, NACRE_ERROR_UNSUPPORTED, "%s: buckets are not made", name);
    if (status == NACRE_OK)
        status = ncr_vfs_put(job.object, "", 0, "application/x-directory", NULL, job.call, &error);
    return end_change(&job, status, &error);
}

/* What is nothing but such an object can be removed. A directory in which nothing is, not even that, is not there any
 * more, which is what was wanted: GDAL removes trees from the leaves up. */
static int remove_directory(void *user, const char *name)
{
    ncr_gdal_job job;
    nacre_error error;
    ncr_list_op page = {0};
    nacre_status status = ncr_gdal_job_begin_below(&job, user, name, &error);
    if (status == NACRE_OK && !job.object->key[0])
        status = ncr_error_set(&error, NACRE_ERROR_UNSUPPORTED, "%s: buckets are not removed", job.name);
    if (status == NACRE_OK)
        status = ncr_gdal_list_page(&job, job.object->key, true, 2, &page, &error);
    const bool has_marker = page.entry_count && strcmp(page.entries[0].key, job.object->key) == 0;
    const bool is_full = page.entry_count > (has_marker ? 1 : 0);
    ncr_list_op_clear(&page);
    if (status == NACRE_OK && has_marker && !is_full)
        status = ncr_vfs_remove(job.object, NULL, job.call, &error);
    const int result = end_change(&job, status, &error);
    if (result == 0 && is_full) {
        errno = ENOTEMPTY;
        return -1;
    }
    return result;
}

/* --- Renaming: an object, else all that lies below a name, one by one. --- */

static bool take_key(void *user, const nacre_object_info *info)
{
    return ncr_gdal_list_add(user, info->path, strlen(info->path));
}

static nacre_status rename_below(const ncr_gdal_job *from, const ncr_gdal_job *to, nacre_error *err)
{
    ncr_gdal_list list = {0};
    const size_t prefix = strlen(from->name);
    nacre_status status = ncr_vfs_list(from->object, true, from->call, take_key, &list, err);
    for (size_t i = 0; i < list.count && status == NACRE_OK; i++) {
        const char *rest = strlen(list.names[i]) >= prefix ? list.names[i] + prefix : "";
        char *old_key = ncr_text_format("%s%s", from->object->key, rest);
        char *new_key = ncr_text_format("%s%s", to->object->key, rest);
        ncr_object *old = old_key ? ncr_object_sibling(from->object, old_key) : NULL;
        ncr_object *new = new_key ? ncr_object_sibling(to->object, new_key) : NULL;
        status = old && new ? ncr_vfs_rename(old, new, NULL, from->call, err) : ncr_error_memory(err);
        ncr_object_unref(old);
        ncr_object_unref(new);
        free(old_key);
        free(new_key);
    }
    ncr_gdal_list_clear(&list);
    return status;
}

static int rename_name(void *user, const char *from, const char *to)
{
    ncr_gdal_job old, new;
    nacre_error error;
    nacre_status status = ncr_gdal_job_begin(&old, user, from, &error);
    nacre_status other = status == NACRE_OK ? ncr_gdal_job_begin(&new, user, to, &error) : status;
    if (status == NACRE_OK && other == NACRE_OK)
        other = ncr_vfs_rename(old.object, new.object, NULL, old.call, &error);
    if (status == NACRE_OK)
        ncr_gdal_job_end(&new);
    if (other != NACRE_ERROR_NOT_FOUND)
        return end_change(&old, other, &error);
    ncr_gdal_job_end(&old);
    status = ncr_gdal_job_begin_below(&old, user, from, &error);
    other = status == NACRE_OK ? ncr_gdal_job_begin_below(&new, user, to, &error) : status;
    if (status == NACRE_OK && other == NACRE_OK)
        other = rename_below(&old, &new, &error);
    if (status == NACRE_OK)
        ncr_gdal_job_end(&new);
    return end_change(&old, other, &error);
}

void ncr_gdal_name_callbacks(gdal_callbacks *callbacks, bool with_unlink)
{
    callbacks->unlink = with_unlink ? unlink_name : NULL;
    callbacks->stat = stat_name;
    callbacks->rename = rename_name;
    callbacks->mkdir = make_directory;
    callbacks->rmdir = remove_directory;
    callbacks->read_dir = ncr_gdal_read_dir;
    callbacks->sibling_files = ncr_gdal_sibling_files;
}
