/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "vfs/path.h"
#include "vrt/common.h"

/* How documents are named, and name their sources. */

const char *ncr_vrt_document_name(const ncr_vrt_document *document)
{
    return document->path[0] ? document->path : "VRT text";
}

nacre_status ncr_vrt_read_source(const ncr_xml *element, const ncr_vrt_document *document, ncr_lazy **out,
                                 nacre_error *err)
{
    *out = NULL;
    const char *name = ncr_xml_content(element);
    if (!name[0])
        return ncr_error_set(err, NACRE_ERROR_CORRUPT, "%s: an empty %s", ncr_vrt_document_name(document),
                             ncr_xml_name(element));
    int relative = 0;
    nacre_status status = ncr_xml_attribute_int(element, "relativeToVRT", 0, &relative, err);
    if (status != NACRE_OK)
        return status;
    char *joined = NULL;
    if (relative && document->path[0]) {
        status = ncr_path_join(document->path, name, &joined, err);
        if (status != NACRE_OK)
            return status;
    }
    ncr_open_request source = {.path = joined ? joined : name,
                               .document = document->object,
                               .depth = document->depth + 1,
                               .pins = document->pins,
                               .pinned_version = ncr_xml_attribute(element, "pinnedVersion", NULL)};
    *out = ncr_lazy_new(&source);
    free(joined);
    return *out ? NACRE_OK : ncr_error_memory(err);
}

/* Whether GDAL can follow a relative name from the document: it does not apply ".." in names of stores. */
static nacre_status relative_name(const char *document, const char *target, char **out, nacre_error *err)
{
    *out = NULL;
    if (!document[0])
        return NACRE_OK;
    nacre_status status = ncr_path_relative(document, target, out, err);
    if (status != NACRE_OK || !*out || !ncr_text_starts(*out, "../"))
        return status;
    ncr_path path = {0};
    status = ncr_path_parse(document, &path, err);
    if (status != NACRE_OK || strcmp(path.scheme, "file") != 0) {
        free(*out);
        *out = NULL;
    }
    ncr_path_clear(&path);
    return status;
}

static nacre_status make_absolute(ncr_path *local, nacre_error *err)
{
    char *key;
    nacre_status status = ncr_path_absolute(local->key, &key, err);
    if (status != NACRE_OK)
        return status;
    free(local->key);
    local->key = key;
    return NACRE_OK;
}

/* The name that is right from anywhere, in GDAL's spelling. */
static nacre_status absolute_name(const char *target, char **out, nacre_error *err)
{
    ncr_path path = {0};
    *out = NULL;
    nacre_status status = ncr_path_parse(target, &path, err);
    if (status != NACRE_OK)
        return status;
    if (path.archive && strcmp(path.archive->scheme, "file") == 0)
        status = make_absolute(path.archive, err);
    *out = status == NACRE_OK ? ncr_path_text(&path, NCR_SPELLING_GDAL) : NULL;
    ncr_path_clear(&path);
    if (status != NACRE_OK)
        return status;
    if (*out && (*out)[0] != '/') {
        char *whole;
        nacre_status made = ncr_path_absolute(*out, &whole, err);
        free(*out);
        *out = whole;
        return made;
    }
    return *out ? NACRE_OK : ncr_error_memory(err);
}

/* What stands in a document is read by many, and for longer than a signature lives. A user and password are no part of
 * an object's name, so they are left out. */
static nacre_status check_secrets(const char *path, const ncr_vrt_document *document, nacre_error *err)
{
    char *name = NULL;
    bool has_secret = false;
    nacre_status status = absolute_name(path, &name, err);
    if (status == NACRE_OK && !ncr_path_has_secret(name, &has_secret))
        status = ncr_error_memory(err);
    free(name);
    if (status != NACRE_OK || !has_secret)
        return status;
    char *shown = ncr_path_shown(path);
    ncr_error_set(err, NACRE_ERROR_REFUSED,
                  "%s: its source %s has a signature in its name, which would stand in the file; name the source "
                  "without it, with credentials from the configuration",
                  ncr_vrt_document_name(document), shown ? shown : "");
    free(shown);
    return NACRE_ERROR_REFUSED;
}

nacre_status ncr_vrt_write_source(ncr_lazy *source, const ncr_vrt_document *document, ncr_xml *parent,
                                  const char *element, nacre_error *err)
{
    const char *path = ncr_lazy_path(source);
    if (!path[0] || path[0] == '<')
        return ncr_error_set(err, NACRE_ERROR_INVALID,
                             "%s: one of its sources is a view that has no path; save that one first",
                             ncr_vrt_document_name(document));
    char *name = NULL;
    bool is_relative = true;
    nacre_status status = strchr(path, '?') ? check_secrets(path, document, err) : NACRE_OK;
    if (status == NACRE_OK)
        status = relative_name(document->path, path, &name, err);
    if (status == NACRE_OK && !name) {
        is_relative = false;
        status = absolute_name(path, &name, err);
    }
    if (status != NACRE_OK)
        return status;
    ncr_xml *added = ncr_xml_add(parent, element);
    bool done = added && ncr_xml_set_attribute(added, "relativeToVRT", is_relative ? "1" : "0") &&
                ncr_xml_set_content(added, name);
    free(name);
    return done ? NACRE_OK : ncr_error_memory(err);
}
