/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "request.h"

/* A body on its way: handed to MHD, which asks for its bytes on the connection's thread. */
typedef struct body {
    ncr_emu_server *server;
    ncr_buffer memory;
    int fd; /* -1: memory */
    uint64_t offset, length;
    uint64_t stop; /* bytes after which the fault comes; UINT64_MAX: never */
    ncr_emu_fault fault;
    double bandwidth; /* bytes a millisecond; 0 without limit */
    int64_t began_ms;
} body;

enum { BLOCK_SIZE = 1 << 17 };

static void body_free(void *user)
{
    body *self = user;
    ncr_buffer_clear(&self->memory);
    if (self->fd >= 0)
        close(self->fd);
    free(self);
}

/* Waits until `sent` bytes may have gone out. */
static bool keep_bandwidth(const body *self, uint64_t sent)
{
    if (self->bandwidth <= 0)
        return true;
    double due = (double)sent / self->bandwidth, passed = (double)(ncr_clock_ms() - self->began_ms);
    return due <= passed || ncr_emu_server_sleep(self->server, due - passed);
}

static ssize_t body_read(void *user, uint64_t position, char *buffer, size_t size)
{
    body *self = user;
    if (position >= self->stop) {
        if (self->fault.kind == NCR_EMU_FAULT_STALL)
            ncr_emu_server_sleep(self->server, self->fault.milliseconds);
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    uint64_t left = (self->stop < self->length ? self->stop : self->length) - position;
    size_t part = left < size ? (size_t)left : size;
    /* With a limit the steps are 10 ms long, so that the flow is even. */
    if (self->bandwidth > 0 && part > self->bandwidth * 10 + 1)
        part = (size_t)(self->bandwidth * 10) + 1;
    if (!keep_bandwidth(self, position + part))
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (self->fd < 0)
        memcpy(buffer, self->memory.data + position, part);
    else if (!ncr_emu_read_at(self->fd, buffer, part, self->offset + position))
        return MHD_CONTENT_READER_END_WITH_ERROR;
    for (size_t i = 0; self->fault.kind == NCR_EMU_FAULT_GARBLED && i < part; i++)
        buffer[i] = (char)~buffer[i];
    return (ssize_t)part;
}

/* Moves the reply's body into an MHD response. */
static struct MHD_Response *make_response(ncr_emu_request *request, ncr_emu_reply *reply)
{
    uint64_t length = reply->fd >= 0 ? reply->length : reply->body.size;
    if (length == 0)
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    body *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->server = request->server;
    self->memory = reply->body;
    self->fd = reply->fd;
    self->offset = reply->offset;
    self->length = length;
    self->fault = request->fault;
    bool stops = self->fault.kind == NCR_EMU_FAULT_CUT || self->fault.kind == NCR_EMU_FAULT_STALL;
    self->stop = stops ? length / 2 : UINT64_MAX;
    pthread_mutex_lock(&request->server->lock);
    self->bandwidth = request->server->bandwidth_mib_s * 1048.576;
    pthread_mutex_unlock(&request->server->lock);
    self->began_ms = ncr_clock_ms();
    ncr_buffer_init(&reply->body, 0);
    reply->fd = -1;
    struct MHD_Response *response = MHD_create_response_from_callback(length, BLOCK_SIZE, body_read, self, body_free);
    if (!response)
        body_free(self);
    return response;
}

/* Preconditions in headers; those in the query are seen there. */
static const char *const condition_headers[] = {"If-Match",
                                                "If-None-Match",
                                                "If-Modified-Since",
                                                "If-Unmodified-Since",
                                                "x-goog-if-generation-match",
                                                "x-goog-if-metageneration-match",
                                                "x-goog-copy-source-if-generation-match",
                                                "x-amz-copy-source-if-match",
                                                "x-amz-copy-source-if-none-match"};

static const char *kind_of_credentials(const ncr_emu_request *request)
{
    const char *value = ncr_emu_header(request, "Authorization");
    if (!value)
        return ncr_emu_parameter(request, "X-Amz-Signature") ? "aws4-query" : "none";
    if (ncr_text_starts(value, "AWS4-HMAC-SHA256"))
        return "aws4";
    if (ncr_text_starts(value, "GOOG4-HMAC-SHA256"))
        return "goog4";
    return ncr_text_starts_nocase(value, "Bearer ") ? "bearer" : "other";
}

/* The query without what opens doors; malloc'd. */
static char *safe_query(const ncr_emu_request *request)
{
    static const char *const secrets[] = {
        "X-Amz-Signature=", "X-Amz-Security-Token=", "X-Goog-Signature=", "Signature=",
        "access_token=",    "AWSAccessKeyId=",       "X-Amz-Credential=", "X-Goog-Credential="};
    ncr_buffer out;
    ncr_buffer_init(&out, 1 << 20);
    ncr_text_append(&out, "");
    for (const char *at = request->query; *at;) {
        size_t length = strcspn(at, "&"), kept = length;
        for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
            if (ncr_text_starts_nocase(at, secrets[i]))
                kept = strlen(secrets[i]);
        ncr_text_appendf(&out, "%.*s%s", (int)kept, at, kept < length ? "..." : "");
        at += length;
        if (*at == '&') {
            ncr_text_append(&out, "&");
            at++;
        }
    }
    return (char *)out.data;
}

static void add_to_log(ncr_emu_request *request, const ncr_emu_reply *reply, bool closed)
{
    uint64_t length = reply->fd >= 0 ? reply->length : reply->body.size;
    bool halved = request->fault.kind == NCR_EMU_FAULT_CUT || request->fault.kind == NCR_EMU_FAULT_STALL;
    uint64_t sent = closed || strcmp(request->method, "HEAD") == 0 ? 0 : halved ? length / 2 : length;
    uint64_t received = request->body_size;
    const char *range = ncr_emu_header(request, "Range"), *agent = ncr_emu_header(request, "User-Agent");
    char *query = safe_query(request);
    json_t *entry = json_pack(
        "{s:s, s:s, s:s?, s:s?, s:i, s:I, s:I, s:I, s:b, s:I, s:I, s:s, s:s, s:s?}", "method", request->method, "path",
        request->path, "query", query, "range", range, "status", closed ? 0 : reply->status, "bytes", (json_int_t)sent,
        "received", (json_int_t)received, "connection", (json_int_t)request->connection_id, "new_connection",
        request->new_connection, "time_ms", (json_int_t)request->began_wall_ms, "duration_ms",
        (json_int_t)(ncr_clock_ms() - request->began_ms), "fault", ncr_emu_fault_name(request->fault.kind), "auth",
        kind_of_credentials(request), "agent", agent);
    free(query);
    if (request->operation)
        json_object_set_new(entry, "operation", json_string(request->operation));
    json_t *conditions = json_object();
    for (size_t i = 0; i < sizeof condition_headers / sizeof *condition_headers; i++) {
        const char *value = ncr_emu_header(request, condition_headers[i]);
        if (value)
            json_object_set_new(conditions, condition_headers[i], json_string(value));
    }
    json_object_set_new(entry, "conditions", conditions);
    ncr_emu_log_add(request->server->log, entry);
}

/* Closes so that the client sees a reset, not an end. */
static enum MHD_Result reset_connection(ncr_emu_request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (info)
        setsockopt(info->connect_fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return MHD_NO;
}

static bool is_validator(const char *name)
{
    static const char *const names[] = {"ETag",        "Last-Modified",   "x-goog-generation", "x-goog-metageneration",
                                        "x-goog-hash", "x-amz-version-id"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (ncr_text_equal_nocase(name, names[i]))
            return true;
    return ncr_text_starts_nocase(name, "x-amz-checksum-");
}

/* What no object is, or was told to be before: a version of many bytes would be more than can be defended against. */
static void make_false_version(char generation[24], char etag[40])
{
    static _Atomic uint64_t count;
    uint64_t number = atomic_fetch_add(&count, 1) + 1;
    snprintf(generation, 24, "%" PRIu64, number);
    snprintf(etag, 40, "\"changed-%" PRIu64 "\"", number);
}

static void add_headers(const ncr_emu_request *request, const ncr_emu_reply *reply, struct MHD_Response *response)
{
    bool changes = request->fault.kind == NCR_EMU_FAULT_CHANGED_ETAG;
    char generation[24], etag[40];
    if (changes)
        make_false_version(generation, etag);
    MHD_add_response_header(response, "Server", "nacre-emulator");
    for (size_t i = 0; i < reply->header_count; i++) {
        const char *name = reply->headers[i].name, *value = reply->headers[i].value;
        if (is_validator(name) && ncr_emu_fault_hides_validators(&request->fault))
            continue;
        if (changes && ncr_text_equal_nocase(name, "ETag"))
            value = etag;
        if (changes &&
            (ncr_text_equal_nocase(name, "x-goog-generation") || ncr_text_equal_nocase(name, "x-amz-version-id")))
            value = generation;
        MHD_add_response_header(response, name, value);
    }
}

enum MHD_Result ncr_emu_reply_send(ncr_emu_request *request, ncr_emu_reply *reply, bool log)
{
    bool closed = request->fault.kind == NCR_EMU_FAULT_RESET || request->fault.kind == NCR_EMU_FAULT_LOST;
    if (log)
        add_to_log(request, reply, closed);
    if (closed)
        return reset_connection(request);
    struct MHD_Response *response = make_response(request, reply);
    if (!response)
        return MHD_NO;
    add_headers(request, reply, response);
    enum MHD_Result result = MHD_queue_response(request->connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    return result;
}
