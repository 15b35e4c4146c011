/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "vfs/path.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "vfs/url.h"
#include "vfs/zip_path.h"

typedef enum path_kind { KIND_BUCKET, KIND_AZURE, KIND_HTTP, KIND_VSICURL, KIND_FILE, KIND_MEM, KIND_ZIP } path_kind;

/* How a path may begin. URL schemes are matched in any case, GDAL's prefixes as they are. */
static const struct prefix {
    const char *text;
    const char *scheme;
    path_kind kind;
} prefixes[] = {
    {"gs://", "gs", KIND_BUCKET},    {"gcs://", "gs", KIND_BUCKET},   {"/vsigs/", "gs", KIND_BUCKET},
    {"http://", "http", KIND_HTTP},  {"https://", "http", KIND_HTTP}, {"/vsicurl/", "http", KIND_VSICURL},
    {"file://", "file", KIND_FILE},  {"mem://", "mem", KIND_MEM},     {"/vsimem/", "mem", KIND_MEM},
    {"s3://", "s3", KIND_BUCKET},    {"/vsis3/", "s3", KIND_BUCKET},  {"az://", "az", KIND_AZURE},
    {"abfs://", "az", KIND_AZURE},   {"abfss://", "az", KIND_AZURE},  {"/vsiaz/", "az", KIND_AZURE},
    {"/vsiadls/", "az", KIND_AZURE}, {"zip://", "zip", KIND_ZIP},     {"/vsizip/", "zip", KIND_ZIP},
};

static const struct prefix *find_prefix(const char *text)
{
    static const struct prefix zip_of_url = {"zip+", "zip", KIND_ZIP};
    if (text[0] != '/' && ncr_text_starts_nocase(text, zip_of_url.text))
        return ncr_zip_path_is(text) ? &zip_of_url : NULL;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        const char *begin = prefixes[i].text;
        if (begin[0] == '/' ? ncr_text_starts(text, begin) : ncr_text_starts_nocase(text, begin))
            return &prefixes[i];
    }
    return NULL;
}

/* Reports a failure under the path as it may be shown. */
static nacre_status refuse(const char *text, nacre_status status, const char *why, const char *what, nacre_error *err)
{
    char *shown = ncr_path_shown(text);
    ncr_error_set(err, status, "%s: %s%s", shown ? shown : "", why, what);
    free(shown);
    return status;
}

static nacre_status take(char **slot, char *value, nacre_error *err)
{
    *slot = value;
    return value ? NACRE_OK : ncr_error_memory(err);
}

/* Names that servers, URLs and directories can hold without a second meaning. */
static bool is_bucket_name(const char *name, size_t length)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    bool only_dots = strspn(name, ".") >= length;
    return length && length <= 222 && !only_dots && strspn(name, letters) >= length;
}

static nacre_status parse_bucket(const char *text, const char *rest, ncr_path *out, nacre_error *err)
{
    size_t length = strcspn(rest, "/");
    if (!*rest) /* the store itself */
        return take(&out->key, ncr_text_copy(""), err);
    if (!is_bucket_name(rest, length))
        return refuse(text, NACRE_ERROR_INVALID, "no valid bucket name in the path", "", err);
    free(out->bucket);
    nacre_status status = take(&out->bucket, ncr_text_copy_n(rest, length), err);
    return status == NACRE_OK ? take(&out->key, ncr_text_copy(rest[length] ? rest + length + 1 : ""), err) : status;
}

/* "ACCOUNT" or "ACCOUNT.dfs.core.windows.net". */
static bool is_account_host(const char *text, size_t length)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
    return length && length <= 253 && text[0] != '.' && text[0] != '-' && strspn(text, letters) >= length;
}

/* "CONTAINER/KEY", or "CONTAINER@ACCOUNT/KEY": a location in front of the key. */
static nacre_status parse_azure(const char *text, const char *rest, ncr_path *out, nacre_error *err)
{
    size_t length = strcspn(rest, "/");
    const char *at = memchr(rest, '@', length);
    size_t name = at ? (size_t)(at - rest) : length, host = at ? length - name - 1 : 0;
    if (!*rest) /* the store itself */
        return take(&out->key, ncr_text_copy(""), err);
    if (!is_bucket_name(*rest == '$' ? rest + 1 : rest, *rest == '$' ? name - 1 : name)) /* $root, $web */
        return refuse(text, NACRE_ERROR_INVALID, "no valid container name in the path", "", err);
    if (at && !is_account_host(at + 1, host))
        return refuse(text, NACRE_ERROR_INVALID, "no valid account after the container", "", err);
    free(out->bucket);
    nacre_status status = take(&out->bucket, ncr_text_copy_n(rest, name), err);
    if (status == NACRE_OK && at)
        status = take(&out->location, ncr_text_copy_n(at + 1, host), err);
    for (char *c = out->location; c && *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    return status == NACRE_OK ? take(&out->key, ncr_text_copy(rest[length] ? rest + length + 1 : ""), err) : status;
}

static nacre_status parse_file_url(const char *text, const char *rest, ncr_path *out, nacre_error *err)
{
    if (ncr_text_starts_nocase(rest, "localhost/"))
        rest += strlen("localhost");
    if (*rest != '/')
        return refuse(text, NACRE_ERROR_INVALID, "a file URL has no host and an absolute path: file:///", "...", err);
    out->spelling = NCR_SPELLING_LOCAL;
    return take(&out->key, ncr_text_copy(rest), err);
}

static nacre_status parse_url(const char *url, ncr_path *out, nacre_error *err)
{
    bool failed = false;
    nacre_status status = ncr_url_split(url, &out->location, &out->key, err);
    if (status == NACRE_OK)
        out->user = ncr_url_user(url, &failed);
    return failed ? ncr_error_memory(err) : status;
}

/* The archive is a path of its own. A location that has the mark between archive and member is written in braces. */
static nacre_status take_archive(const char *text, const char *archive, ncr_path *out, nacre_error *err)
{
    if (ncr_zip_path_is(archive))
        return refuse(text, NACRE_ERROR_UNSUPPORTED, "archives in archives are not read; unpack the outer one", "",
                      err);
    out->archive = calloc(1, sizeof *out->archive);
    nacre_status status = out->archive ? ncr_path_parse(archive, out->archive, err) : ncr_error_memory(err);
    if (status != NACRE_OK)
        return status;
    if (!out->archive->key || !out->archive->key[0])
        return refuse(text, NACRE_ERROR_INVALID, "names a bucket or store where an archive is meant", "", err);
    status = take(&out->location, ncr_path_text(out->archive, NCR_SPELLING_URL), err);
    char *gdal = status == NACRE_OK ? ncr_path_text(out->archive, NCR_SPELLING_GDAL) : NULL;
    if (status == NACRE_OK && !gdal)
        status = ncr_error_memory(err);
    else if (status == NACRE_OK && strchr(out->location, '!') && !ncr_zip_path_is_balanced(gdal))
        status = refuse(text, NACRE_ERROR_INVALID, "an archive's name with '!' and a single brace cannot be written",
                        "", err);
    free(gdal);
    return status;
}

static nacre_status parse_zip(const char *text, ncr_path *out, nacre_error *err)
{
    char *archive, *member;
    const char *why;
    nacre_status status = ncr_zip_path_cut(text, &archive, &member, &why, err);
    if (why)
        return refuse(text, status, why, "", err);
    if (status != NACRE_OK)
        return status;
    out->key = member;
    status = take_archive(text, archive, out, err);
    free(archive);
    return status;
}

static nacre_status parse_with(const struct prefix *prefix, const char *text, ncr_path *out, nacre_error *err)
{
    const char *rest = text + strlen(prefix->text);
    out->spelling = text[0] == '/' ? NCR_SPELLING_GDAL : NCR_SPELLING_URL;
    switch (prefix->kind) {
    case KIND_BUCKET:
        return parse_bucket(text, rest, out, err);
    case KIND_AZURE:
        return parse_azure(text, rest, out, err);
    case KIND_HTTP:
        return parse_url(text, out, err);
    case KIND_VSICURL:
        if (ncr_url_is_http(rest))
            return parse_url(rest, out, err);
        return refuse(text, NACRE_ERROR_INVALID, "no http or https URL after /vsicurl/", "", err);
    case KIND_FILE:
        return parse_file_url(text, rest, out, err);
    case KIND_MEM:
        if (!*rest)
            return refuse(text, NACRE_ERROR_INVALID, "no name in the path", "", err);
        return take(&out->key, ncr_text_copy(rest), err);
    case KIND_ZIP:
        return parse_zip(text, out, err);
    }
    __builtin_unreachable();
}

/* "/vsitar/..." and the like: GDAL's, and not a local path. */
static bool is_other_vsi(const char *text)
{
    if (!ncr_text_starts(text, "/vsi"))
        return false;
    size_t word = strspn(text + 4, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return word && (text[4 + word] == '/' || text[4 + word] == '?');
}

static nacre_status parse_plain(const char *text, ncr_path *out, nacre_error *err)
{
    const char *begin, *end;
    if (is_other_vsi(text))
        return refuse(text, NACRE_ERROR_UNSUPPORTED, "nacre has no such file system", "", err);
    if (ncr_url_authority(text, &begin, &end))
        return refuse(text, NACRE_ERROR_UNSUPPORTED, "nacre has no store for this scheme", "", err);
    out->spelling = NCR_SPELLING_LOCAL;
    return take(&out->key, ncr_text_copy(text), err);
}

nacre_status ncr_path_parse(const char *text, ncr_path *out, nacre_error *err)
{
    *out = (ncr_path){0};
    if (!text || !*text)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "the path is empty");
    const struct prefix *prefix = find_prefix(text);
    nacre_status status = take(&out->scheme, ncr_text_copy(prefix ? prefix->scheme : "file"), err);
    if (status == NACRE_OK)
        status = take(&out->bucket, ncr_text_copy(""), err);
    if (status == NACRE_OK)
        status = prefix ? parse_with(prefix, text, out, err) : parse_plain(text, out, err);
    if (status != NACRE_OK)
        ncr_path_clear(out);
    return status;
}

bool ncr_path_is_http(const ncr_path *path)
{
    return strcmp(path->scheme, "http") == 0;
}

void ncr_path_clear(ncr_path *path)
{
    free(path->scheme);
    free(path->location);
    if (path->user)
        explicit_bzero(path->user, strlen(path->user));
    free(path->user);
    free(path->bucket);
    free(path->key);
    if (path->archive)
        ncr_path_clear(path->archive);
    free(path->archive);
    *path = (ncr_path){0};
}

/* A local path as it is written, though it read like another kind's: "/vsigs/x" of a file URL is "/./vsigs/x". */
static char *local_text(const char *key)
{
    bool misleads = find_prefix(key) || is_other_vsi(key);
    return ncr_text_format("%s%s", misleads ? "/." : "", key);
}

char *ncr_path_text(const ncr_path *path, ncr_spelling spelling)
{
    bool gdal = spelling == NCR_SPELLING_GDAL;
    if (strcmp(path->scheme, "file") == 0)
        return local_text(path->key);
    if (path->archive)
        return ncr_zip_path_text(path, spelling);
    if (strcmp(path->scheme, "mem") == 0)
        return ncr_text_format("%s%s", gdal ? "/vsimem/" : "mem://", path->key);
    if (ncr_path_is_http(path))
        return ncr_text_format("%s%s%s", gdal ? "/vsicurl/" : "", path->location, path->key);
    char *prefix = gdal ? ncr_text_format("/vsi%s/", path->scheme) : ncr_text_format("%s://", path->scheme);
    const char *at = path->location ? "@" : "", *location = path->location ? path->location : "";
    char *text = prefix ? ncr_text_format("%s%s%s%s%s%s", prefix, path->bucket, at, location, *path->bucket ? "/" : "",
                                          path->key)
                        : NULL;
    free(prefix);
    return text;
}

/* --- What may be shown. --- */

/* Appends a query, with "***" for the values that grant access. */
static bool append_query(ncr_buffer *out, const char *query)
{
    while (*query) {
        size_t length = strcspn(query, "&#"), name = strcspn(query, "=&#");
        bool hide = name < length && ncr_text_is_secret(query, name);
        if (!ncr_buffer_append(out, query, hide ? name + 1 : length) || (hide && !ncr_text_append(out, "***")))
            return false;
        query += length;
        if (*query && !ncr_buffer_append(out, query++, 1))
            return false;
    }
    return true;
}

char *ncr_path_shown(const char *text)
{
    if (ncr_zip_path_is(text))
        return ncr_zip_path_shown(text);
    const char *url = ncr_text_starts(text, "/vsicurl/") ? text + strlen("/vsicurl/") : text, *begin, *end;
    const struct prefix *prefix = find_prefix(text);
    if (!ncr_url_authority(url, &begin, &end) || (prefix && prefix->kind == KIND_AZURE)) /* CONTAINER@ACCOUNT */
        return ncr_text_copy(text);
    const char *host = begin;
    for (const char *at = begin; at < end; at++)
        host = *at == '@' ? at + 1 : host;
    const char *query = ncr_url_is_http(url) ? end + strcspn(end, "?") : end + strlen(end);
    query += *query == '?';
    ncr_buffer out;
    ncr_buffer_init(&out, SIZE_MAX);
    bool done = ncr_buffer_append(&out, text, (size_t)(begin - text)) &&
                (host == begin || ncr_text_append(&out, "***@")) &&
                ncr_buffer_append(&out, host, (size_t)(query - host)) && append_query(&out, query) &&
                ncr_buffer_append(&out, "", 1);
    if (!done)
        ncr_buffer_clear(&out);
    return (char *)out.data;
}

bool ncr_path_has_secret(const char *text, bool *has)
{
    char *shown = ncr_path_shown(text);
    *has = shown && strcmp(shown, text) != 0;
    free(shown);
    return shown != NULL;
}
