/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "paths.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "describe.h"

bool cli_path_is_local(const char *path)
{
    return !strstr(path, "://") && strncmp(path, "/vsi", 4) != 0 && strcmp(path, "-") != 0;
}

const char *cli_path_base(const char *path)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    while (end > 0 && path[end - 1] != '/')
        end--;
    return path + end;
}

bool cli_path_is_folder(const char *path)
{
    struct stat found;
    size_t length = strlen(path);
    if (length && path[length - 1] == '/')
        return true;
    return cli_path_is_local(path) && stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

char *cli_destination(const char *source, const char *destination)
{
    if (!cli_path_is_folder(destination))
        return strdup(destination);
    char *out = NULL;
    size_t length = strlen(destination);
    bool slash = length && destination[length - 1] == '/';
    return asprintf(&out, "%s%s%s", destination, slash ? "" : "/", cli_path_base(source)) < 0 ? NULL : out;
}

bool cli_make_parents(const char *path)
{
    if (!cli_path_is_local(path))
        return true;
    char *copy = strdup(path);
    bool good = copy != NULL;
    for (char *slash = copy ? strchr(copy + 1, '/') : NULL; slash && good; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        good = mkdir(copy, 0777) == 0 || errno == EEXIST;
        *slash = '/';
    }
    free(copy);
    return good;
}

static char failed_at[4096]; /* nftw() has no other way to tell */

static int remove_entry(const char *path, const struct stat *found, int kind, struct FTW *where)
{
    (void)found;
    (void)where;
    if ((kind == FTW_DP || kind == FTW_DNR ? rmdir(path) : unlink(path)) == 0 || errno == ENOENT)
        return 0;
    snprintf(failed_at, sizeof failed_at, "%s", path);
    return errno;
}

bool cli_remove_folder(const char *path, const char **at)
{
    snprintf(failed_at, sizeof failed_at, "%s", path);
    *at = failed_at;
    int failed = nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    if (failed > 0)
        errno = failed;
    return failed == 0;
}

static int remove_empty(const char *path, const struct stat *found, int kind, struct FTW *where)
{
    (void)found;
    (void)where;
    if (kind == FTW_DP)
        rmdir(path); /* one that holds something stays */
    return 0;
}

void cli_remove_empty_folders(const char *path)
{
    struct stat found;
    if (cli_path_is_local(path) && lstat(path, &found) == 0 && S_ISDIR(found.st_mode))
        nftw(path, remove_empty, 16, FTW_DEPTH | FTW_PHYS);
}

/* A local path from the root, with links followed as far as it exists; another path in one spelling, without slashes at
 * its end. malloc'd; NULL: out of memory. */
static char *plain_path(const char *path)
{
    static const char *const others[][2] = {
        {"gcs://", "gs://"},  {"/vsigs/", "gs://"},   {"/vsis3/", "s3://"},
        {"/vsiaz/", "az://"}, {"/vsimem/", "mem://"}, {"abfs://", "az://"},
    };
    char *out = NULL;
    for (size_t i = 0; i < sizeof others / sizeof *others && !out; i++) {
        size_t length = strlen(others[i][0]);
        if (strncmp(path, others[i][0], length) == 0 && asprintf(&out, "%s%s", others[i][1], path + length) < 0)
            return NULL;
    }
    if (!out && (!cli_path_is_local(path) || !(out = realpath(path, NULL))))
        out = strdup(path);
    for (size_t length = out ? strlen(out) : 0; length > 1 && out[length - 1] == '/';)
        out[--length] = '\0';
    return out;
}

/* The part of a local path that exists, and the rest as it is. */
static char *plain_destination(const char *path)
{
    char *above = strdup(path), *real = NULL, *out = NULL;
    size_t length = above ? strlen(above) : 0;
    while (above && cli_path_is_local(path) && length > 1 && !(real = realpath(above, NULL))) {
        while (length > 1 && above[length - 1] != '/')
            length--;
        above[--length] = '\0';
    }
    if (real && asprintf(&out, "%s%s", real, path + strlen(above)) < 0)
        out = NULL;
    free(real);
    free(above);
    return out ? out : plain_path(path);
}

bool cli_path_is_below(const char *path, const char *folder)
{
    char *inner = plain_destination(path), *outer = plain_path(folder);
    size_t length = outer ? strlen(outer) : 0;
    bool below = inner && outer && strncmp(inner, outer, length) == 0 && (inner[length] == '/' || !inner[length]);
    free(inner);
    free(outer);
    return below;
}

const char *cli_bad_local_name(const char *rest)
{
    for (const char *part = rest;; part++) {
        size_t length = strcspn(part, "/");
        if (length == 0)
            return "an empty part";
        if (strncmp(part, "..", length) == 0)
            return length == 1 ? "a part '.'" : length == 2 ? "a part '..'" : NULL;
        part += length;
        if (!*part)
            return NULL;
    }
}

void cli_time(int64_t time_ms, char out[CLI_TIME_SIZE])
{
    out[0] = '\0';
    if (time_ms < 0)
        return;
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;
    if (gmtime_r(&seconds, &parts))
        strftime(out, CLI_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

json_t *cli_object_json(const nacre_object_info *info)
{
    char modified[CLI_TIME_SIZE];
    cli_time(info->modified_ms, modified);
    json_t *out =
        json_pack("{s:i, s:o, s:b}", "schema", 1, "path", cli_json_path(info->path), "is_prefix", info->is_prefix);
    if (out && !info->is_prefix) {
        json_object_set_new(out, "size", json_integer((json_int_t)info->size));
        json_object_set_new(out, "version", json_string(info->version));
        json_object_set_new(out, "version_is_strong", json_boolean(info->version_is_strong));
        json_object_set_new(out, "modified", *modified ? json_string(modified) : json_null());
        json_object_set_new(out, "content_type", cli_json_text(info->content_type));
        json_object_set_new(out, "version_id", *info->version_id ? cli_json_text(info->version_id) : json_null());
        json_object_set_new(out, "checksum", *info->checksum ? cli_json_text(info->checksum) : json_null());
        if (*info->policy)
            json_object_set_new(out, "policy", json_string(info->policy));
    }
    return out;
}

/* Past the stream's buffer: fwrite() would go on after a write that Ctrl-C broke off in the middle. */
static int write_bytes(cli_context *context, const char *bytes, size_t size, FILE *out)
{
    if (fflush(out) != 0)
        return cli_output_failed(context);
    while (size) {
        ssize_t written = cli_interrupted() ? -1 : write(fileno(out), bytes, size);
        if (cli_interrupted())
            return CLI_INTERRUPTED;
        if (written < 0 && errno != EINTR)
            return cli_output_failed(context);
        bytes += written < 0 ? 0 : written;
        size -= written < 0 ? 0 : (size_t)written;
    }
    return CLI_OK;
}

int cli_copy_input(cli_context *context)
{
    char step[1 << 16];
    int status = CLI_OK;
    while (status == CLI_OK) {
        ssize_t got = cli_interrupted() ? 0 : read(STDIN_FILENO, step, sizeof step);
        if (got == 0)
            return cli_interrupted() ? CLI_INTERRUPTED : CLI_OK;
        if (got > 0)
            status = write_bytes(context, step, (size_t)got, stdout);
        else if (errno != EINTR)
            return cli_error(context, "standard input: %s", strerror(errno));
    }
    return status;
}

/* "A-B", "A-" or "-N" as in HTTP; false: it is none of these. */
static bool parse_range(const char *text, uint64_t size, uint64_t *offset, uint64_t *end)
{
    char *rest;
    *offset = 0;
    *end = size;
    if (*text == '-') {
        unsigned long long count = strtoull(text + 1, &rest, 10);
        *offset = count < size ? size - count : 0;
        return rest != text + 1 && !*rest && text[1] >= '0' && text[1] <= '9';
    }
    if (*text < '0' || *text > '9')
        return false;
    *offset = strtoull(text, &rest, 10);
    if (*rest != '-')
        return false;
    if (!rest[1])
        return true;
    text = rest + 1;
    unsigned long long last = strtoull(text, &rest, 10);
    if (*rest || *text < '0' || *text > '9' || last < *offset)
        return false;
    *end = last < size ? last + 1 : size;
    return true;
}

typedef struct output {
    cli_context *context;
    FILE *out;
    uint64_t done, size;
    int status;
} output;

static bool write_step(void *user, const void *data, size_t size)
{
    output *o = user;
    o->status = write_bytes(o->context, data, size, o->out);
    o->done += size;
    if (o->out != stdout || !isatty(STDOUT_FILENO))
        cli_progress(o->context, (double)o->done / (double)o->size);
    return o->status == CLI_OK;
}

static int write_range(cli_context *context, nacre_file *file, uint64_t offset, uint64_t end, FILE *out)
{
    nacre_error error;
    output o = {.context = context, .out = out, .size = end - offset, .status = CLI_OK};
    nacre_status status = nacre_file_stream(file, offset, o.size, &context->io, write_step, &o, &error);
    return status == NACRE_OK ? o.status : cli_fail(context, status, &error);
}

int cli_write_object(cli_context *context, const char *path, const char *range, FILE *out)
{
    nacre_error error;
    nacre_file *file;
    uint64_t offset, end;
    if (range && !parse_range(range, 0, &offset, &end))
        return cli_usage(context, "--range %s: give A-B, A- or -COUNT", range);
    nacre_status status = nacre_file_open(path, &context->io, &file, &error);
    if (status != NACRE_OK)
        return cli_fail(context, status, &error);
    uint64_t size = nacre_file_size(file);
    int result;
    parse_range(range ? range : "0-", size, &offset, &end);
    if (range && offset >= size && size)
        result = cli_error(context, "%s: the range begins beyond its %llu bytes", path, (unsigned long long)size);
    else
        result = write_range(context, file, offset, end, out);
    nacre_file_close(file);
    return result;
}
