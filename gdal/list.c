/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "list.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/latch.h"
#include "base/memory.h"
#include "base/text.h"
#include "beside.h"
#include "file.h"
#include "options.h"

bool ncr_gdal_list_add(ncr_gdal_list *list, const char *name, size_t length)
{
    char *copy = ncr_text_copy_n(name, length);
    if (!copy || !ncr_array_reserve(&list->names, &list->capacity, list->count + 1, sizeof *list->names)) {
        free(copy);
        return false;
    }
    list->names[list->count++] = copy;
    return true;
}

void ncr_gdal_list_clear(ncr_gdal_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->names[i]);
    free(list->names);
    *list = (ncr_gdal_list){0};
}

char **ncr_gdal_list_give(const ncr_gdal_list *list, const ncr_gdal_host *host)
{
    char **out = host->api.VSICalloc(list->count + 1, sizeof *out);
    for (size_t i = 0; i < list->count && out; i++) {
        const size_t size = strlen(list->names[i]) + 1;
        out[i] = host->api.VSICalloc(1, size);
        if (!out[i]) {
            host->api.CSLDestroy(out);
            return NULL;
        }
        memcpy(out[i], list->names[i], size);
    }
    return out;
}

static void page_done(ncr_list_op *op)
{
    ncr_latch_down(op->user);
}

nacre_status ncr_gdal_list_page(const ncr_gdal_job *job, const char *key, bool recursive, size_t most, ncr_list_op *out,
                                nacre_error *err)
{
    *out = (ncr_list_op){0};
    ncr_object *prefix = ncr_object_sibling(job->object, key);
    if (!prefix)
        return ncr_error_memory(err);
    ncr_latch latch;
    ncr_latch_init(&latch, 1);
    *out = (ncr_list_op){.object = prefix,
                         .call = job->call,
                         .recursive = recursive,
                         .max_entries = most,
                         .done = page_done,
                         .user = &latch};
    ncr_vfs_list_beside_start(out);
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    ncr_object_unref(prefix);
    out->object = NULL;
    if (out->status != NACRE_OK)
        return ncr_error_copy(err, &out->error, out->status);
    return NACRE_OK;
}

/* --- Directories. --- */

typedef struct names_below {
    ncr_gdal_list names;
    size_t prefix; /* length of what begins all paths */
    size_t most;   /* 0: all */
    bool is_short; /* of memory */
} names_below;

static bool take_entry(void *user, const nacre_object_info *info)
{
    names_below *d = user;
    const char *name = strlen(info->path) > d->prefix ? info->path + d->prefix : "";
    while (*name == '/')
        name++;
    size_t length = strlen(name);
    while (length && name[length - 1] == '/')
        length--;
    if (!length) /* the object that marks the directory itself */
        return true;
    d->is_short = !ncr_gdal_list_add(&d->names, name, length);
    /* One more than was asked for tells GDAL that there are more. */
    return !d->is_short && (!d->most || d->names.count <= d->most);
}

/* A listing that is not there is none: NULL. What else went wrong is told, but where listings are refused or there are
 * none, since GDAL then looks for single files. */
static void tell_unlisted(const ncr_gdal_job *job, const nacre_error *error)
{
    errno = ncr_gdal_errno(error->status);
    if (error->status == NACRE_ERROR_UNAVAILABLE || error->status == NACRE_ERROR_CORRUPT ||
        error->status == NACRE_ERROR_MEMORY)
        ncr_gdal_tell(job->host, error);
}

char **ncr_gdal_read_dir(void *user, const char *name, int most)
{
    ncr_gdal_job job;
    nacre_error error;
    names_below d = {.most = most > 0 ? (size_t)most : 0};
    char **out = NULL;
    nacre_status status = ncr_gdal_job_begin_below(&job, user, name, &error);
    if (status == NACRE_OK) {
        d.prefix = strlen(job.name);
        status = ncr_vfs_list(job.object, false, job.call, take_entry, &d, &error);
    }
    if (status == NACRE_OK && !d.is_short)
        out = ncr_gdal_list_give(&d.names, job.host);
    if (status == NACRE_OK && !out)
        status = ncr_error_memory(&error);
    if (status != NACRE_OK)
        tell_unlisted(&job, &error);
    ncr_gdal_list_clear(&d.names);
    ncr_gdal_job_end(&job);
    return out;
}

/* --- What lies beside a file. --- */

/* The names in the file's own directory that begin with a key, without those whose word only begins so, as 10.tif does
 * beside 1.tif: GDAL's TIFF reader gives up a list of more than ten names, and lists the whole directory. False in
 * *is_whole: there are more than a page. */
static nacre_status list_beside(const ncr_gdal_job *job, const char *key, size_t directory, ncr_gdal_list *out,
                                bool *is_whole, nacre_error *err)
{
    ncr_list_op page;
    nacre_status status = ncr_gdal_list_page(job, key, false, 0, &page, err);
    *is_whole = status == NACRE_OK && !page.next_page;
    for (size_t i = 0; i < page.entry_count && status == NACRE_OK; i++) {
        const char *found = page.entries[i].key;
        if (!ncr_text_starts(found, key) || isalnum((unsigned char)found[strlen(key)]))
            continue;
        const char *name = found + directory;
        size_t length = strlen(name);
        if (page.entries[i].is_prefix && length)
            length--;
        if (length && !ncr_gdal_list_add(out, name, length))
            status = ncr_error_memory(err);
    }
    ncr_list_op_clear(&page);
    return status;
}

/* GDAL looks for sidecars of two kinds: NAME.ext.ovr and NAME.tfw, NAME_rpc.txt. So what begins with NAME is listed;
 * where that is more than a page, only what begins with NAME.ext. */
static nacre_status list_sidecars(const ncr_gdal_job *job, ncr_gdal_list *out, bool *is_whole, nacre_error *err)
{
    const char *key = job->object->key, *slash = strrchr(key, '/'), *dot = strrchr(key, '.');
    const size_t directory = slash ? (size_t)(slash + 1 - key) : 0;
    const size_t stem = dot && dot > key + directory ? (size_t)(dot - key) : strlen(key);
    char *prefix = ncr_text_copy_n(key, stem);
    if (!prefix)
        return ncr_error_memory(err);
    nacre_status status = list_beside(job, prefix, directory, out, is_whole, err);
    free(prefix);
    if (status != NACRE_OK || *is_whole || !key[stem])
        return status;
    ncr_gdal_list_clear(out);
    return list_beside(job, key, directory, out, is_whole, err);
}

static bool has_all_inside(const ncr_gdal_job *job)
{
    const char *sidecars = ncr_config_text(job->call->config, NCR_KEY_SIDECARS);
    if (sidecars && strcmp(sidecars, "always") == 0)
        return false;
    return (sidecars && strcmp(sidecars, "never") == 0) || ncr_gdal_file_is_cog(job->name);
}

/* GDAL asks for siblings before it looks at GDAL_DISABLE_READDIR_ON_OPEN: with YES it looks for files one by one, with
 * EMPTY_DIR for none, if it is given no list. */
static bool is_listing_disabled(const ncr_gdal_job *job)
{
    static const char *const off[] = {"NO", "FALSE", "OFF", "0"};
    const char *value = ncr_gdal_option(job->host, job->name, "GDAL_DISABLE_READDIR_ON_OPEN");
    bool is_off = !value;
    for (size_t i = 0; i < sizeof off / sizeof *off && !is_off; i++)
        is_off = strcasecmp(value, off[i]) == 0;
    return !is_off;
}

char **ncr_gdal_sibling_files(void *user, const char *name)
{
    ncr_gdal_job job;
    ncr_gdal_list list = {0};
    nacre_error error;
    bool is_whole = true;
    char **out = NULL;
    nacre_status status = ncr_gdal_job_begin(&job, user, name, &error);
    if (status == NACRE_OK && is_listing_disabled(&job))
        is_whole = false;
    else if (status == NACRE_OK && !has_all_inside(&job))
        status = list_sidecars(&job, &list, &is_whole, &error);
    if (status == NACRE_ERROR_OFFLINE || status == NACRE_ERROR_DENIED || status == NACRE_ERROR_UNSUPPORTED) {
        is_whole = true; /* else GDAL looks for more names than there are kinds of sidecars, one after another */
        status = ncr_gdal_beside_ask(&job, &list, &error);
    }
    if (status == NACRE_OK && is_whole) /* else not known, and GDAL asks file by file */
        out = ncr_gdal_list_give(&list, job.host);
    if (status != NACRE_OK)
        tell_unlisted(&job, &error);
    ncr_gdal_list_clear(&list);
    ncr_gdal_job_end(&job);
    return out;
}
