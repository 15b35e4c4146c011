/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <nacre/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/call.h"
#include "base/text.h"
#include "vfs/path.h"
#include "vfs/vfs.h"

/* Objects by path: see nacre/file.h. */

/* A call, and up to two objects that it is about. */
typedef struct job {
    ncr_call *call;
    ncr_object *object, *destination;
    ncr_condition condition;
    ncr_version version;
} job;

static nacre_status invalid(nacre_error *err, const char *what)
{
    return ncr_error_set(err, NACRE_ERROR_INVALID, "%s is NULL", what);
}

/* Takes the user's conditions; a version is the text that nacre_object_info gave. */
static nacre_status set_condition(job *j, const nacre_write_options *options, const char *path, nacre_error *err)
{
    if (!options)
        return NACRE_OK;
    j->condition.absent = options->no_clobber;
    if (!options->if_version)
        return NACRE_OK;
    size_t length = strlen(options->if_version);
    if (options->no_clobber)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: no_clobber and if_version exclude one another", path);
    if (!length || length >= sizeof j->version.token || ncr_text_starts(options->if_version, "etag=W/"))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: '%s' is no version that proves what is replaced", path,
                             options->if_version);
    j->version.strong = true;
    memcpy(j->version.token, options->if_version, length + 1);
    j->condition.version = &j->version;
    return NACRE_OK;
}

static nacre_status job_begin(job *j, const char *path, const char *destination, const nacre_io_options *options,
                              nacre_error *err)
{
    *j = (job){0};
    nacre_status status = ncr_call_new(options, &j->call, err);
    if (status == NACRE_OK)
        status = ncr_vfs_resolve(path, NULL, j->call, &j->object, err);
    if (status == NACRE_OK && destination)
        status = ncr_vfs_resolve(destination, NULL, j->call, &j->destination, err);
    return status;
}

static void job_end(job *j, const nacre_io_options *options)
{
    if (j->call)
        ncr_call_report(j->call, options);
    ncr_object_unref(j->object);
    ncr_object_unref(j->destination);
    ncr_call_unref(j->call);
}

void nacre_object_info_free(nacre_object_info *info)
{
    if (!info)
        return;
    free((char *)info->path);
    free((char *)info->version);
    free((char *)info->content_type);
    free((char *)info->version_id);
    free((char *)info->checksum);
    free((char *)info->policy);
    *info = (nacre_object_info){0};
}

static nacre_status fill_info(const char *path, const job *j, const ncr_object_facts *facts, nacre_object_info *out,
                              nacre_error *err)
{
    const ncr_policy policy = ncr_object_policy(j->object, j->call);
    char text[NCR_POLICY_TEXT];
    ncr_policy_text(&policy, text);
    out->version_id = ncr_text_copy(facts->version.version_id);
    out->checksum = ncr_text_copy(facts->checksum);
    out->policy = ncr_text_copy(text);
    out->path = ncr_text_copy(path);
    out->version = ncr_text_copy(facts->version.token);
    out->content_type = ncr_text_copy(facts->content_type);
    out->size = facts->size;
    out->version_is_strong = facts->version.strong;
    out->modified_ms = facts->modified_ms;
    if (out->path && out->version && out->content_type && out->version_id && out->checksum && out->policy)
        return NACRE_OK;
    nacre_object_info_free(out);
    return ncr_error_memory(err);
}

size_t nacre_path_shown(const char *path, char *out, size_t size)
{
    char *shown = path ? ncr_path_shown(path) : NULL;
    if (size)
        *out = '\0';
    if (!shown)
        return 0;
    int length = snprintf(out, size, "%s", shown);
    free(shown);
    return length > 0 ? (size_t)length : 0;
}

nacre_status nacre_stat(const char *path, const nacre_io_options *options, nacre_object_info *out, nacre_error *err)
{
    if (out)
        *out = (nacre_object_info){0};
    if (!path || !out)
        return invalid(err, path ? "out" : "path");
    job j;
    ncr_object_facts facts;
    nacre_status status = job_begin(&j, path, NULL, options, err);
    if (status == NACRE_OK)
        status = ncr_vfs_stat(j.object, j.call, &facts, err);
    if (status == NACRE_OK)
        status = fill_info(path, &j, &facts, out, err);
    job_end(&j, options);
    return status;
}

nacre_status nacre_list(const char *path, const nacre_list_options *list_options, const nacre_io_options *options,
                        nacre_list_function function, void *user, nacre_error *err)
{
    if (!path || !function)
        return invalid(err, path ? "function" : "path");
    job j;
    nacre_status status = job_begin(&j, path, NULL, options, err);
    if (status == NACRE_OK)
        status = ncr_vfs_list(j.object, list_options && list_options->recursive, j.call, function, user, err);
    job_end(&j, options);
    return status;
}

nacre_status nacre_delete(const char *path, const nacre_io_options *options, nacre_error *err)
{
    if (!path)
        return invalid(err, "path");
    job j;
    nacre_status status = job_begin(&j, path, NULL, options, err);
    if (status == NACRE_OK)
        status = ncr_vfs_remove(j.object, NULL, j.call, err);
    job_end(&j, options);
    return status;
}

typedef nacre_status two_objects(ncr_object *source, ncr_object *destination, const ncr_condition *condition,
                                 ncr_call *call, nacre_error *err);

static nacre_status run_two(two_objects *function, const char *source, const char *destination,
                            const nacre_write_options *write_options, const nacre_io_options *options, nacre_error *err)
{
    if (!source || !destination)
        return invalid(err, source ? "destination" : "source");
    job j;
    nacre_status status = job_begin(&j, source, destination, options, err);
    if (status == NACRE_OK)
        status = set_condition(&j, write_options, destination, err);
    if (status == NACRE_OK)
        status = function(j.object, j.destination, &j.condition, j.call, err);
    job_end(&j, options);
    return status;
}

nacre_status nacre_copy(const char *source, const char *destination, const nacre_write_options *write_options,
                        const nacre_io_options *options, nacre_error *err)
{
    return run_two(ncr_vfs_copy, source, destination, write_options, options, err);
}

nacre_status nacre_rename(const char *source, const char *destination, const nacre_write_options *write_options,
                          const nacre_io_options *options, nacre_error *err)
{
    return run_two(ncr_vfs_rename, source, destination, write_options, options, err);
}

/* --- Handles. --- */

struct nacre_file {
    ncr_file *file;
};

nacre_status nacre_file_open(const char *path, const nacre_io_options *options, nacre_file **out, nacre_error *err)
{
    if (out)
        *out = NULL;
    if (!path || !out)
        return invalid(err, path ? "out" : "path");
    nacre_file *file = calloc(1, sizeof *file);
    if (!file)
        return ncr_error_memory(err);
    ncr_call *call;
    nacre_status status = ncr_call_new(options, &call, err);
    if (status == NACRE_OK) {
        status = ncr_file_open_wait(path, call, &file->file, err);
        ncr_call_report(call, options);
        ncr_call_unref(call);
    }
    if (status == NACRE_OK)
        *out = file;
    else
        free(file);
    return status;
}

void nacre_file_close(nacre_file *file)
{
    if (!file)
        return;
    ncr_file_unref(file->file);
    free(file);
}

uint64_t nacre_file_size(const nacre_file *file)
{
    return ncr_file_size(file->file);
}

const char *nacre_file_version(const nacre_file *file)
{
    return ncr_file_facts(file->file)->version.token;
}

nacre_status nacre_file_read(nacre_file *file, nacre_range *ranges, size_t count, const nacre_io_options *options,
                             nacre_error *err)
{
    if (!file || (count && !ranges))
        return invalid(err, file ? "ranges" : "file");
    for (size_t i = 0; i < count; i++)
        ranges[i].got = 0;
    ncr_call *call;
    nacre_status status = ncr_call_new(options, &call, err);
    if (status != NACRE_OK)
        return status;
    status = ncr_file_read_wait(file->file, ranges, count, call, err);
    ncr_call_report(call, options);
    ncr_call_unref(call);
    return status;
}

typedef struct reading {
    nacre_stream_function function;
    void *user;
    bool is_stopped;
} reading;

static nacre_status give(void *user, const ncr_slice *slice, nacre_error *err)
{
    reading *r = user;
    (void)err; /* nobody is told */
    r->is_stopped = !r->function(r->user, slice->data, slice->size);
    return r->is_stopped ? NACRE_ERROR_CANCELLED : NACRE_OK;
}

nacre_status nacre_file_stream(nacre_file *file, uint64_t offset, uint64_t length, const nacre_io_options *options,
                               nacre_stream_function function, void *user, nacre_error *err)
{
    if (!file || !function)
        return invalid(err, file ? "function" : "file");
    ncr_call *call;
    reading r = {.function = function, .user = user};
    nacre_status status = ncr_call_new(options, &call, err);
    if (status != NACRE_OK)
        return status;
    const ncr_stream stream = {.pin = ncr_file_pin(file->file),
                               .call = call,
                               .offset = offset,
                               .length = length,
                               .keep = ncr_pin_has_folder(ncr_file_pin(file->file)),
                               .sink = give,
                               .user = &r};
    status = ncr_stream_run(&stream, err);
    ncr_call_report(call, options);
    ncr_call_unref(call);
    return r.is_stopped ? NACRE_OK : status;
}

/* --- Writers. --- */

struct nacre_writer {
    ncr_writer *writer;
    job job;
    nacre_io_options options; /* for the report; only stats is looked at */
};

nacre_status nacre_writer_open(const char *path, const nacre_write_options *write_options,
                               const nacre_io_options *options, nacre_writer **out, nacre_error *err)
{
    if (out)
        *out = NULL;
    if (!path || !out)
        return invalid(err, path ? "out" : "path");
    nacre_writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        return ncr_error_memory(err);
    writer->options = (nacre_io_options)NACRE_IO_OPTIONS_INIT;
    if (options)
        writer->options.stats = options->stats;
    nacre_status status = job_begin(&writer->job, path, NULL, options, err);
    if (status == NACRE_OK)
        status = set_condition(&writer->job, write_options, path, err);
    if (status == NACRE_OK)
        status = ncr_writer_open(writer->job.object, write_options ? write_options->content_type : NULL,
                                 &writer->job.condition, writer->job.call, &writer->writer, err);
    if (status == NACRE_OK)
        *out = writer;
    else
        nacre_writer_close(writer);
    return status;
}

nacre_status nacre_writer_write(nacre_writer *writer, const void *data, size_t size, nacre_error *err)
{
    if (!writer || (size && !data))
        return invalid(err, writer ? "data" : "writer");
    return ncr_writer_write(writer->writer, data, size, err);
}

nacre_status nacre_writer_commit(nacre_writer *writer, nacre_error *err)
{
    return writer ? ncr_writer_commit(writer->writer, err) : invalid(err, "writer");
}

void nacre_writer_close(nacre_writer *writer)
{
    if (!writer)
        return;
    ncr_writer_close(writer->writer);
    job_end(&writer->job, &writer->options);
    free(writer);
}
