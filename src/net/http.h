/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_NET_HTTP_H
#define NCR_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "base/error.h"
#include "base/memory.h"

/* One HTTP exchange: what to send, where the body goes, how faults are met, and what came of it.
 *
 * The engine (one loop thread over one libcurl multi handle per process, started by the first request) moves bodies
 * and completes requests; retries with full jitter, Retry-After and the call's deadline are its own business. A
 * request is single-thread: the caller's until ncr_http_start(), the engine's until done() was called, then the
 * caller's again. */
typedef struct ncr_http_request ncr_http_request;

typedef struct ncr_http_range {
    uint64_t offset;
    uint64_t length; /* 0: no Range header, the whole */
} ncr_http_range;

/* Where the body of a 2xx answer goes. With data set it is the caller's memory, of capacity bytes, and a longer body
 * is NACRE_ERROR_CORRUPT (for a 206) or goes to `whole` (for a 200 to a ranged request). Otherwise it is kept in
 * `whole`, up to whole_limit bytes (NACRE_ERROR_TOO_LARGE beyond; 0 stands for 64 KiB). The bodies of other answers go
 * to `whole` up to 64 KiB, cut beyond. */
typedef struct ncr_http_sink {
    uint8_t *data;
    size_t capacity;
    size_t whole_limit;
} ncr_http_sink;

typedef struct ncr_http_response {
    int status;              /* the last answer's HTTP status; 0 where none came */
    size_t received;         /* body bytes in sink.data */
    ncr_buffer whole;        /* see ncr_http_sink; released by ncr_http_request_free() */
    bool is_range;           /* 206 with the Content-Range that was asked for */
    uint64_t total;          /* the object's size from Content-Range, or of a whole body; UINT64_MAX: unknown */
    uint64_t content_length; /* UINT64_MAX: unknown; for HEAD the size the server claims */
    char *location;          /* effective URL after redirects, NULL: as asked */
    char *headers;           /* "name: value\n..." with names in lower case, of the last answer */
    unsigned round;          /* of this answer */
    unsigned attempts;       /* how often it was tried */
    unsigned sent;           /* attempts of which a byte may have left: after more than one, an earlier one may have
                                taken effect; after none, nothing has: no name, no connection or no TLS was to be had */
    unsigned http_version;   /* 10, 11, 20 or 30; 0: no answer */
    bool is_coded;           /* it failed since its body had a coding that was not asked for */
} ncr_http_response;

/* What proves who asks, attempt by attempt: a signature holds the time, and a token may end while a request waits for
 * its next attempt. The store's own struct begins with this. Synchronised; called on the loop thread, so nothing here
 * blocks. Not asked where a redirect led to another host. */
typedef struct ncr_http_signer ncr_http_signer;

/* An attempt that is about to be sent; the engine's. */
typedef struct ncr_http_attempt {
    const char *method;
    const char *url;     /* as it is sent */
    void *lines;         /* curl_slist of all header lines but Host; see the functions below */
    size_t body_size;    /* what Content-Length says, which is in no line */
    uint64_t credential; /* set by sign(): any number that tells the credentials that it used from others */
} ncr_http_attempt;

/* Line `index` from 0, "Name: value"; NULL: there are no more. */
const char *ncr_http_attempt_line(const ncr_http_attempt *attempt, size_t index);
/* Adds a header line; false: out of memory, or the value holds a line break. Never logged. */
bool ncr_http_attempt_add(ncr_http_attempt *attempt, const char *name, const char *value);

/* An answer of 400, 401 or 403. Borrowed. */
typedef struct ncr_http_refusal {
    int status;
    uint64_t credential; /* that sign() had set */
    const char *headers; /* as in ncr_http_response */
    const char *body;    /* its first 64 KiB; not ended by a zero */
    size_t body_size;
} ncr_http_refusal;

typedef enum ncr_http_ready { NCR_HTTP_READY, NCR_HTTP_NOT_YET, NCR_HTTP_FAILED } ncr_http_ready;

typedef struct ncr_http_signer_class {
    /* Adds what the attempt needs. NOT_YET: credentials are on their way; ncr_http_wake() is called when they are
     * there, and sign() then again for a new attempt. FAILED: err says why, named `name`. */
    ncr_http_ready (*sign)(ncr_http_signer *signer, ncr_http_attempt *attempt, const char *name, nacre_error *err);
    /* Whether the refusal was about credentials that are now given up for others, so that the request should be sent
     * once more (a server that refuses does not act, so this holds for changes too). NULL: never. */
    bool (*refused)(ncr_http_signer *signer, const ncr_http_refusal *refusal);
} ncr_http_signer_class;

struct ncr_http_signer {
    const ncr_http_signer_class *class;
};

/* Has the engine look again at requests whose signers were not ready. Any thread. */
void ncr_http_wake(void);

struct ncr_http_request {
    /* What to send; set by the caller. Texts are owned by the request (see ncr_http_request_new and _header). */
    const char *method; /* a literal: "GET", "HEAD", "PUT", "POST", "DELETE" */
    char *url;          /* percent-encoded already; sent as it is */
    char *name;         /* the object's name for error messages */
    void *header_list;  /* curl_slist; by ncr_http_request_header() */
    const void *body;   /* of a PUT or POST; the caller's, alive until done() */
    size_t body_size;
    ncr_http_range range;
    ncr_http_sink sink;
    bool idempotent;           /* may be sent again after an unknown outcome; GET and HEAD always may */
    bool public_only;          /* refuse loopback, private, link-local and metadata addresses (NACRE_ERROR_REFUSED) */
    bool anonymous;            /* nothing tells who asks: no client certificate */
    bool follow;               /* follow redirects of GET and HEAD (no credentials to another host, no https to http) */
    bool no_retry;             /* one attempt only: for probes that must end soon */
    bool direct;               /* never through a proxy: for services of the machine itself */
    const char *stored_coding; /* a header of the answer, in lower case, that names the coding in which the object is
                                  stored: a body in that coding is as it is stored; a literal; NULL: none */
    int64_t timeout_ms;        /* of this exchange with its retries, beside the call's deadline; 0: none */
    unsigned needed_round;     /* the highest round of any response whose content was needed to form this request */
    ncr_http_signer *signer;   /* borrowed until done(); NULL: none */
    ncr_call *call;            /* referenced */

    /* What came of it; valid in done() and after. */
    nacre_status status; /* NACRE_OK: an answer came, whatever its HTTP status; else why none did */
    nacre_error error;
    ncr_http_response response;

    /* Called once, on the loop thread: quick, no waiting, no decoding; it may start requests. */
    void (*done)(ncr_http_request *request);
    void *user;
    struct ncr_http_transfer *transfer; /* the engine's */
};

/* A request for url that names the object `name` in messages; NULL: out of memory. The call is referenced. */
ncr_http_request *ncr_http_request_new(const char *method, const char *url, const char *name, ncr_call *call);

/* Adds a header line; false when out of memory, or the value holds a line break. Never logged. */
bool ncr_http_request_header(ncr_http_request *request, const char *name, const char *value);

/* Releases a request that is not under way; accepts NULL. */
void ncr_http_request_free(ncr_http_request *request);

/* Sends it. done() is called exactly once, on the loop thread, also when starting fails; it may run before this
 * returns. Cancelling and the deadline come from the call. */
void ncr_http_start(ncr_http_request *request);

/* Sends it and waits; not for workers nor the loop thread. Returns request->status and fills err. */
nacre_status ncr_http_perform(ncr_http_request *request, nacre_error *err);

/* The value of a header of the last answer (name in lower case), copied to out and cut at its size; false: absent. */
bool ncr_http_response_header(const ncr_http_response *response, const char *name, char *out, size_t out_size);

/* The answers to be told apart by every store: fills err with "NAME: reason" for a final HTTP status that is no
 * success. 404, 410: not found. 401, 403: denied. 412: changed. 416, 4xx: io. 408, 429, 5xx: unavailable. detail (may
 * be NULL) is added to the reason. */
nacre_status ncr_http_status_error(const ncr_http_request *request, const char *detail, nacre_error *err);

/* The server's clock when it answered, in milliseconds since 1970 (its Date, in whole seconds); -1 unknown. */
int64_t ncr_http_response_date(const ncr_http_response *response);

/* Milliseconds since 1970 of an HTTP date; -1 where it is none. */
int64_t ncr_http_date_ms(const char *text);

#endif
