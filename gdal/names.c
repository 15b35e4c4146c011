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

/* Whether anything lies below a name, which makes it a directory; a bucket may be empty. */
static nacre_status stat_directory(const ncr_gdal_job *job, gdal_stat *out, nacre_error *err)
{
    const char *key = job->object->key;
    const size_t length = strlen(key);
    char *below = ncr_text_format("%s%s", key, length && key[length - 1] != '/' ? "/" : "");
    if (!below)
        return ncr_error_memory(err);
    ncr_list_op page;
    nacre_status status = ncr_gdal_list_page(job, below, true, 1, &page, err);
    if (status == NACRE_OK && length && !page.entry_count)
        status = not_found(job, err);
    if (status == NACRE_OK)
        fill_stat(out, true, 0, -1);
    ncr_list_op_clear(&page);
    free(below);
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
    else if (status == NACRE_ERROR_UNAVAILABLE || status == NACRE_ERROR_CORRUPT || status == NACRE_ERROR_MEMORY)
        ncr_gdal_tell(job.host, &error); /* else a sidecar that is there would be overlooked silently */
    ncr_gdal_job_end(&job);
    if (status == NACRE_OK)
        return 0;
    errno = ncr_gdal_errno(status);
    return -1;
}

/* GDAL never calls it, and only looks whether it is there. */
static int unlink_name(void *user, const char *name)
{
    return ncr_gdal_unlink(user, name);
}

int ncr_gdal_unlink(const ncr_gdal_mount *mount, const char *name)
{
    (void)mount, (void)name;
    errno = ENOTSUP;
    return -1;
}

void ncr_gdal_name_callbacks(gdal_callbacks *callbacks, bool with_unlink)
{
    callbacks->unlink = with_unlink ? unlink_name : NULL;
    callbacks->stat = stat_name;
    callbacks->read_dir = ncr_gdal_read_dir;
    callbacks->sibling_files = ncr_gdal_sibling_files;
}
