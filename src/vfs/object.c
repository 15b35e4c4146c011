/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "vfs/object.h"

#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "vfs/vfs.h"
#include "vfs/zip.h"

nacre_status ncr_object_check(const ncr_object *object, nacre_error *err)
{
    if (object->key[0] || object->store->is_view) /* an archive's only member needs no name */
        return NACRE_OK;
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: names a %s, not an object in it", object->name,
                         object->bucket[0] ? "bucket" : "store");
}

nacre_status ncr_object_begin_prefix(ncr_object *object, ncr_call *call, nacre_error *err)
{
    if (ncr_object_is_offline(object, call))
        return ncr_error_set(err, NACRE_ERROR_OFFLINE, "%s: needs the store, and cache=offline lets no request be sent",
                             object->name);
    return ncr_call_check(call, object->name, err);
}

nacre_status ncr_object_begin(ncr_object *object, ncr_call *call, nacre_error *err)
{
    nacre_status status = ncr_object_check(object, err);
    return status == NACRE_OK ? ncr_object_begin_prefix(object, call, err) : status;
}

void ncr_object_log_change(const ncr_object *object, nacre_status status, ncr_outcome outcome, const char *what)
{
    if (status == NACRE_OK)
        ncr_log(NCR_LOG_INFO, "%s: %s", object->name, what);
    else if (outcome == NCR_OUTCOME_UNKNOWN)
        ncr_log(NCR_LOG_WARNING, "%s: the store did not tell whether it was %s", object->name, what);
}

static void forget(const ncr_object *object)
{
    size_t length = strlen(object->key);
    if (!length || object->key[length - 1] == '/')
        ncr_cache_forget_below(object);
    else
        ncr_cache_forget(object);
}

void ncr_vfs_forget(const ncr_object *object)
{
    const ncr_object *archive = ncr_zip_archive(object->store);
    if (archive)
        forget(archive);
    forget(object);
}

/* --- Content types. --- */

const char *ncr_content_type(const char *path)
{
    static const struct {
        const char *ending, *type;
    } types[] = {
        {".tif", "image/tiff; application=geotiff"},
        {".tiff", "image/tiff; application=geotiff"},
        {".vrt", "application/xml"},
        {".xml", "application/xml"},
        {".ovr", "image/tiff"},
        {".msk", "image/tiff"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".jpeg", "image/jpeg"},
        {".webp", "image/webp"},
        {".json", "application/json"},
        {".geojson", "application/geo+json"},
        {".txt", "text/plain; charset=utf-8"},
        {".html", "text/html; charset=utf-8"},
        {".zip", "application/zip"},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (ncr_text_ends_nocase(path, types[i].ending))
            return types[i].type;
    return "application/octet-stream";
}
