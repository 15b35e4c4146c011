/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "vfs/path.h"
#include "vfs/url.h"

/* How documents name what lies beside them. */

static bool is_file(const ncr_path *path)
{
    return strcmp(path->scheme, "file") == 0;
}

/* Length of the directory part of a key, its last slash included; a query is not part of the path. */
static size_t directory_length(const char *key, bool has_query)
{
    size_t end = has_query ? strcspn(key, "?") : strlen(key);
    while (end && key[end - 1] != '/')
        end--;
    return end;
}

/* Makes "//" and "/./" one slash, in place. */
static void collapse(char *path)
{
    char *out = path;
    for (const char *at = path; *at;) {
        *out++ = *at;
        if (*at++ != '/')
            continue;
        while (*at == '/' || (at[0] == '.' && at[1] == '/'))
            at += *at == '/' ? 1 : 2;
        if (at[0] == '.' && !at[1])
            at++;
    }
    *out = '\0';
}

nacre_status ncr_path_absolute(const char *local, char **out, nacre_error *err)
{
    char *directory = *local == '/' ? ncr_text_copy("") : getcwd(NULL, 0);
    *out = NULL;
    if (!directory)
        return errno == ENOMEM ? ncr_error_memory(err) : ncr_error_errno(err, errno, local, "find the directory of");
    *out = ncr_text_format("%s%s%s", directory, *local == '/' ? "" : "/", local);
    free(directory);
    if (!*out)
        return ncr_error_memory(err);
    collapse(*out);
    return NACRE_OK;
}

/* --- Joining. --- */

static bool is_absolute(const char *name)
{
    const char *begin, *end;
    return name[0] == '/' || ncr_url_authority(name, &begin, &end);
}

/* Takes the last segment off a directory that ends with a slash; false: there is none. `least` is its root's length. */
static bool go_up(ncr_buffer *directory, size_t least)
{
    if (directory->size <= least)
        return false;
    directory->size--;
    while (directory->size > least && directory->data[directory->size - 1] != '/')
        directory->size--;
    return true;
}

/* Applies a relative name to a directory; false: above the root, or out of memory (*above tells which). */
static bool apply_name(ncr_buffer *directory, size_t least, const char *name, size_t length, bool *above)
{
    *above = false;
    for (size_t at = 0; at < length;) {
        const char *slash = memchr(name + at, '/', length - at);
        size_t segment = slash ? (size_t)(slash - name) - at : length - at, whole = segment + (slash != NULL);
        if (segment == 2 && memcmp(name + at, "..", 2) == 0) {
            *above = !go_up(directory, least);
            if (*above)
                return false;
        } else if (segment != 1 || name[at] != '.') {
            if (!ncr_buffer_append(directory, name + at, whole))
                return false;
        }
        at += whole;
    }
    return true;
}

static nacre_status join_key(ncr_path *base, const char *name, nacre_error *err)
{
    bool is_http = ncr_path_is_http(base), above = false;
    size_t length = is_http ? strcspn(name, "?") : strlen(name), directory = directory_length(base->key, is_http);
    ncr_buffer key;
    ncr_buffer_init(&key, SIZE_MAX);
    bool done = ncr_buffer_append(&key, base->key, directory);
    if (done && is_file(base))
        done = ncr_buffer_append(&key, name, length);
    else if (done)
        done = apply_name(&key, is_http ? 1 : 0, name, length, &above);
    if (done && ncr_text_append(&key, name + length)) {
        free(base->key);
        base->key = (char *)key.data;
        return NACRE_OK;
    }
    ncr_buffer_clear(&key);
    return above ? ncr_error_set(err, NACRE_ERROR_INVALID, "%s: leads out of %s", name,
                                 base->archive ? "the archive"
                                 : is_http     ? "the host"
                                               : "the bucket")
                 : ncr_error_memory(err);
}

nacre_status ncr_path_join(const char *base, const char *name, char **out, nacre_error *err)
{
    *out = NULL;
    if (!*name)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: names an object with an empty path", base);
    if (is_absolute(name) || !*base) {
        *out = ncr_text_copy(name);
        return *out ? NACRE_OK : ncr_error_memory(err);
    }
    ncr_path path;
    nacre_status status = ncr_path_parse(base, &path, err);
    if (status == NACRE_OK)
        status = join_key(&path, name, err);
    if (status == NACRE_OK) {
        *out = ncr_path_text(&path, path.spelling);
        status = *out ? NACRE_OK : ncr_error_memory(err);
    }
    ncr_path_clear(&path);
    return status;
}

/* --- The other way. --- */

static bool is_same_place(const ncr_path *a, const ncr_path *b)
{
    bool same_location = !a->location == !b->location && (!a->location || strcmp(a->location, b->location) == 0);
    return same_location && strcmp(a->scheme, b->scheme) == 0 && strcmp(a->bucket, b->bucket) == 0;
}

/* "../" for each directory of base that target is not in, then the rest of target; NULL: out of memory. */
static char *climb(const char *base, size_t base_directory, const char *target)
{
    size_t common = 0;
    for (size_t i = 0; i < base_directory && base[i] == target[i]; i++)
        common = base[i] == '/' ? i + 1 : common;
    ncr_buffer name;
    ncr_buffer_init(&name, SIZE_MAX);
    bool done = ncr_text_append(&name, "");
    for (size_t i = common; i < base_directory && done; i++)
        if (base[i] == '/')
            done = ncr_text_append(&name, "../");
    if (!done || !ncr_text_append(&name, target + common))
        ncr_buffer_clear(&name);
    return (char *)name.data;
}

/* Keeps a relative name only if it leads back to target. */
static nacre_status keep_if_true(const char *base, const ncr_path *target, char **name, nacre_error *err)
{
    char *joined = NULL;
    ncr_path path = {0};
    nacre_status status = **name ? ncr_path_join(base, *name, &joined, err) : NACRE_ERROR_INVALID;
    if (status == NACRE_OK)
        status = ncr_path_parse(joined, &path, err);
    bool leads_back = status == NACRE_OK && is_same_place(&path, target) && strcmp(path.key, target->key) == 0;
    ncr_path_clear(&path);
    free(joined);
    if (!leads_back) {
        free(*name);
        *name = NULL;
    }
    return status == NACRE_ERROR_MEMORY ? status : NACRE_OK;
}

/* A local path whose directory is written without symbolic links, so that ".." means what it says; where that cannot
 * be found out, the absolute path. */
static nacre_status real_path(const char *local, char **out, nacre_error *err)
{
    nacre_status status = ncr_path_absolute(local, out, err);
    if (status != NACRE_OK)
        return status;
    size_t length = directory_length(*out, false);
    char *directory = ncr_text_copy_n(*out, length);
    char *real = directory ? realpath(directory, NULL) : NULL;
    if (real) {
        char *joined = ncr_text_format("%s%s%s", real, strcmp(real, "/") == 0 ? "" : "/", *out + length);
        free(*out);
        *out = joined;
    }
    free(real);
    free(directory);
    return *out ? NACRE_OK : ncr_error_memory(err);
}

static bool has_dots(const char *path)
{
    return strstr(path, "/../") || strstr(path, "/./");
}

static nacre_status local_relative(const char *base, const char *target, char **out, nacre_error *err)
{
    char *real_base = NULL, *real_target = NULL;
    nacre_status status = real_path(base, &real_base, err);
    if (status == NACRE_OK)
        status = real_path(target, &real_target, err);
    if (status == NACRE_OK && !has_dots(real_base) && !has_dots(real_target)) {
        *out = climb(real_base, directory_length(real_base, false), real_target);
        status = *out ? NACRE_OK : ncr_error_memory(err);
    }
    if (*out && (!**out || is_absolute(*out))) { /* the directory itself, or a name that reads like a URL */
        free(*out);
        *out = NULL;
    }
    free(real_base);
    free(real_target);
    return status;
}

nacre_status ncr_path_relative(const char *base, const char *target, char **out, nacre_error *err)
{
    ncr_path from = {0}, to = {0};
    *out = NULL;
    nacre_status status = ncr_path_parse(base, &from, err);
    if (status == NACRE_OK)
        status = ncr_path_parse(target, &to, err);
    if (status == NACRE_OK && is_same_place(&from, &to)) {
        if (is_file(&from)) {
            status = local_relative(from.key, to.key, out, err);
        } else {
            *out = climb(from.key, directory_length(from.key, ncr_path_is_http(&from)), to.key);
            status = *out ? keep_if_true(base, &to, out, err) : ncr_error_memory(err);
        }
    }
    ncr_path_clear(&from);
    ncr_path_clear(&to);
    return status;
}
