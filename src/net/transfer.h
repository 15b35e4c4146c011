/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_NET_TRANSFER_H
#define NCR_NET_TRANSFER_H

#include <curl/curl.h>

#include "net/answer.h"
#include "net/http.h"
#include "net/retry.h"
#include "net/url.h"

/* One request on its way through attempts, redirects and resumptions. Everything here runs on the loop thread and
 * never blocks; single-thread. */

/* Where the body of the answer under way goes. */
typedef enum ncr_body_place {
    NCR_BODY_NOTE,  /* kept for messages, the first 64 KiB */
    NCR_BODY_DATA,  /* the caller's memory */
    NCR_BODY_WHOLE, /* transfer->whole */
} ncr_body_place;

/* Why an attempt that broke off did so, where nacre and not libcurl found it out. */
typedef enum ncr_fault {
    NCR_FAULT_NONE,
    NCR_FAULT_FINAL,      /* transfer->error says it; no other attempt */
    NCR_FAULT_CONNECTION, /* transfer->error says it; worth another attempt */
    NCR_FAULT_CHANGED,    /* the object is no longer the one whose first bytes are here: from zero */
    NCR_FAULT_ENOUGH,     /* of a body that nobody needs: the answer counts */
} ncr_fault;

typedef struct ncr_http_transfer ncr_http_transfer;
struct ncr_http_transfer {
    ncr_http_request *request;
    ncr_http_transfer *next, *previous; /* the engine's lists */
    CURL *easy;                         /* the engine's, while an attempt is under way */

    /* The whole exchange. */
    char *url; /* after redirects; NULL: request->url */
    ncr_url_place place;
    bool is_stripped;             /* a redirect left the first place: only harmless headers go on */
    bool lacks_memory;            /* for an option of this attempt, or its socket */
    bool is_proxied;              /* by a proxy that we chose */
    bool is_outside;              /* a server at a public address has answered: it may redirect to public ones only */
    unsigned redirects;           /* since the attempt began at request->url */
    unsigned failures;            /* attempts in a row that came to nothing */
    unsigned attempts;            /* for messages */
    unsigned sent;                /* of these, and of libcurl's own, those that came to a connection */
    int64_t deadline_ms;          /* INT64_MAX: none */
    int64_t connect_ms, stall_ms; /* from the configuration */
    int64_t due_ms;               /* while waiting: when the next attempt begins */
    bool is_again;                /* the next attempt repeats a failed one */
    bool is_dns_suspect;          /* the last attempt could not connect: ask the name server anew */
    bool is_renewed;              /* refused credentials were changed for others: once a request */

    /* Bytes that are kept from attempt to attempt. */
    uint64_t got;
    uint64_t got_before; /* when the attempt began */
    ncr_buffer whole;
    ncr_identity identity; /* of the answer they came with */
    int first_status;      /* of that answer */
    bool is_resuming;      /* this attempt asks for what is missing */

    /* The attempt. */
    ncr_http_attempt attempt; /* its lines are owned */
    ncr_answer answer;
    ncr_body_place body_place;
    ncr_buffer note;
    uint64_t left;         /* bytes to come by the answer's own word; UINT64_MAX: unknown */
    size_t passed_over;    /* bytes of a body that nobody needs */
    unsigned sends;        /* libcurl sends again by itself where a kept connection was dead */
    int64_t connecting_ms; /* since when; -1: not connecting */
    int64_t active_ms;     /* last sign of life; -1: nothing sent yet */
    int64_t sent_bytes;
    ncr_fault fault;
    nacre_error error;
    char curl_text[CURL_ERROR_SIZE];
};

/* What the engine lends to every transfer. */
typedef struct ncr_transfer_hooks {
    curl_opensocket_callback open_socket; /* gets the transfer as its user */
    curl_closesocket_callback close_socket;
    CURLSH *share;
} ncr_transfer_hooks;

/* --- request.c --- */

/* Forgets what came of a request when it was sent before. */
void ncr_request_clear(ncr_http_request *request);

/* --- transfer.c: an attempt --- */

/* NULL: out of memory. */
ncr_http_transfer *ncr_transfer_new(ncr_http_request *request);
void ncr_transfer_free(ncr_http_transfer *transfer);

/* Makes the header lines of the next attempt and has them signed. FAILED: transfer->error says why not. */
ncr_http_ready ncr_transfer_prepare(ncr_http_transfer *transfer);

/* Sets a fresh easy handle up for the next attempt, which was prepared. */
nacre_status ncr_transfer_begin(ncr_http_transfer *transfer, CURL *easy, const ncr_transfer_hooks *hooks,
                                nacre_error *err);

/* Whether a socket may be opened to this address; if not, the transfer remembers why. */
bool ncr_transfer_may_connect(ncr_http_transfer *transfer, const struct sockaddr *address);

/* --- verdict.c: what an attempt came to --- */

typedef enum ncr_verdict {
    NCR_VERDICT_DONE,  /* the request's results are set */
    NCR_VERDICT_AGAIN, /* another attempt at transfer->due_ms */
} ncr_verdict;

/* Looks at an attempt that libcurl ended with code, or that was broken off with transfer->fault set. The easy handle
 * is still there. chance: for the jitter. */
ncr_verdict ncr_transfer_judge(ncr_http_transfer *transfer, CURLcode code, ncr_retry_budget *budget, uint32_t chance);

/* Whether the transfer must be broken off now: cancelled, beyond its deadline, stalled or not connected in time; the
 * fault is then set. */
bool ncr_transfer_is_overdue(ncr_http_transfer *transfer, int64_t now_ms);

/* Ends the request with an error. */
void ncr_transfer_fail(ncr_http_transfer *transfer, const nacre_error *error);

#endif
