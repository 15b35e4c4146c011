/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_EMULATOR_SERVER_H
#define NCR_EMULATOR_SERVER_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"
#include "emulator.h"
#include "faults.h"
#include "log.h"
#include "objects.h"
#include "s3_access.h"
#include "uploads.h"

/* What all requests share. Synchronised. */
typedef struct ncr_emu_server {
    ncr_emu_root *root;
    ncr_emu_faults *faults;
    ncr_emu_log *log;
    ncr_emu_uploads *uploads;
    ncr_emu_s3_access *s3_access;
    ncr_emu_s3_access *hmac; /* the keys that sign Google's XML interface */
    char *address;           /* "http://127.0.0.1:4443" */
    char *s3_address;        /* where every request is S3's; NULL: none */
    _Atomic uint64_t connections;
    pthread_mutex_t lock;
    pthread_cond_t stopped; /* with lock: `stopping` became true */
    bool stopping;
    /* The rest is guarded by lock. */
    double latency_ms, bandwidth_mib_s;
    char *require_token; /* NULL: nothing is asked for */
    char **denied;       /* NULL-terminated, or NULL */
} ncr_emu_server;

/* Waits; less when the server stops. False then. */
bool ncr_emu_server_sleep(ncr_emu_server *server, double milliseconds);

typedef struct ncr_emu_pair {
    char *name, *value;
} ncr_emu_pair;

/* A request whose body has arrived. Single-thread. */
typedef struct ncr_emu_request {
    ncr_emu_server *server;
    struct MHD_Connection *connection;
    const char *method;
    char *path;  /* as sent, still percent-encoded, without the query */
    char *query; /* as sent; "" where there is none */
    ncr_emu_pair *parameters;
    size_t parameter_count, parameter_capacity;
    ncr_emu_draft *body; /* NULL: no byte came */
    uint64_t body_size;  /* bytes that came */
    int64_t began_ms, began_wall_ms;
    uint64_t connection_id;
    bool new_connection, answered, bad;
    bool s3_port;          /* came to the address where everything is S3's */
    const char *operation; /* Amazon's name of it, for the log; NULL: none */
    ncr_emu_fault fault;
} ncr_emu_request;

/* A parameter's decoded value ("" without one), or NULL. */
const char *ncr_emu_parameter(const ncr_emu_request *request, const char *name);
/* True and *out where the parameter or header is there and a number; `bad` is set where it is there and none. */
bool ncr_emu_parameter_number(ncr_emu_request *request, const char *name, uint64_t *out);
const char *ncr_emu_header(const ncr_emu_request *request, const char *name);
bool ncr_emu_header_number(ncr_emu_request *request, const char *name, uint64_t *out);
/* The body as a JSON object (a new reference; an empty body is an empty object), NULL where it is none. */
json_t *ncr_emu_body_json(const ncr_emu_request *request);
/* The draft of the body, which becomes the caller's; an empty one where no byte came; NULL: out of disk or memory. */
ncr_emu_draft *ncr_emu_body_take(ncr_emu_request *request);
/* Decodes %XX in a part of a path; malloc'd. NULL: bad encoding, a NUL, or out of memory. */
char *ncr_emu_decode(const char *text, size_t length);
/* The same in a query, where '+' is a space. */
char *ncr_emu_decode_query(const char *text, size_t length);

enum { NCR_EMU_HEADERS_MAX = 128 };

/* An answer that is being made. Initialise with ncr_emu_reply_init(). */
typedef struct ncr_emu_reply {
    int status;
    ncr_emu_pair headers[NCR_EMU_HEADERS_MAX];
    size_t header_count;
    ncr_buffer body; /* where fd is -1 */
    int fd;          /* the reply's; -1: the body is in memory */
    uint64_t offset, length;
} ncr_emu_reply;

void ncr_emu_reply_init(ncr_emu_reply *reply);
void ncr_emu_reply_clear(ncr_emu_reply *reply);
void ncr_emu_reply_header(ncr_emu_reply *reply, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void ncr_emu_reply_json(ncr_emu_reply *reply, int status, json_t *document); /* takes the reference */
void ncr_emu_reply_text(ncr_emu_reply *reply, int status, const char *content_type, const char *text);

/* Sets the body to the file's bytes that the Range header asks for: 200, 206 or 416 (then without body, and false).
 * Takes fd over. */
bool ncr_emu_reply_range(ncr_emu_request *request, ncr_emu_reply *reply, int fd, uint64_t size);

/* Times of HTTP ("Sun, 06 Nov 1994 08:49:37 GMT") and RFC 3339 with milliseconds. */
enum { NCR_EMU_TIME_SIZE = 40 };
void ncr_emu_http_time(int64_t time_ms, char out[NCR_EMU_TIME_SIZE]);
void ncr_emu_iso_time(int64_t time_ms, char out[NCR_EMU_TIME_SIZE]);
/* -1: no time of HTTP. */
int64_t ncr_emu_parse_http_time(const char *text);

/* The interfaces; each fills reply. */
void ncr_emu_control(ncr_emu_request *request, ncr_emu_reply *reply);     /* /emulator/ */
void ncr_emu_google_json(ncr_emu_request *request, ncr_emu_reply *reply); /* /storage/v1/, /upload/..., /download/... */
void ncr_emu_google_xml(ncr_emu_request *request, ncr_emu_reply *reply);  /* everything else */
void ncr_emu_amazon(ncr_emu_request *request, ncr_emu_reply *reply);      /* S3: what ncr_emu_is_s3() says */
void ncr_emu_amazon_fault(ncr_emu_request *request, ncr_emu_reply *reply, int status); /* in place of an answer */

/* Whether a request is S3's: docs/internals/emulator.md has the rule. */
bool ncr_emu_is_s3(const ncr_emu_request *request, bool is_google_path);

/* Whether a bucket is one that is denied to everybody. */
bool ncr_emu_is_denied(ncr_emu_server *server, const char *bucket);
/* 200, 401 or 403 for a request of Google's interfaces that names bucket ("" for none). is_proven: something else than
 * a token proves who asks. */
int ncr_emu_authorise(ncr_emu_request *request, const char *bucket, bool is_proven);

#endif
