/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_NET_RETRY_H
#define NCR_NET_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/* When a request is sent again. Pure functions of their arguments: time and chance are the caller's. */

/* Statuses that may be gone at the next attempt: 408, 429, 500, 502, 503, 504. */
bool ncr_retry_status(int status);

/* Milliseconds that a Retry-After value asks to wait (seconds or an HTTP date), at most NCR_RETRY_AFTER_MAX_MS; -1
 * where the value is absent (NULL) or nonsense. */
enum { NCR_RETRY_AFTER_MAX_MS = 60000 };
int64_t ncr_retry_after_ms(const char *value, int64_t wall_now_ms);

/* How long to wait before sending again after `failures` attempts (at least 1): full jitter, chosen by chance (0 up to
 * 2^32 - 1) from 0 to delay_ms doubled with each failure, up to 32 times delay_ms; no less than after_ms (-1: none). */
int64_t ncr_retry_wait_ms(unsigned failures, int64_t delay_ms, uint32_t chance, int64_t after_ms);

/* What of late came of attempts with one server. */
typedef struct ncr_retry_history {
    uint64_t server;  /* any number that tells it from others */
    double good, bad; /* attempts, halved every 30 s */
    int64_t now_ms;   /* up to when they are counted */
} ncr_retry_history;

/* How many retries the process may still send. Each takes a token; each good answer and each tenth of a second give
 * one back: so servers in trouble are not sent many times what they can answer. Single-thread. */
typedef struct ncr_retry_budget {
    double tokens;
    int64_t now_ms;
    ncr_retry_history servers[16]; /* the ones last heard of */
} ncr_retry_budget;

enum { NCR_RETRY_TOKENS = 256 };
void ncr_retry_budget_init(ncr_retry_budget *budget, int64_t now_ms);

/* Tells it how an attempt ended. */
void ncr_retry_note(ncr_retry_budget *budget, uint64_t server, bool is_good, int64_t now_ms);

/* Whether a request that failed `failures` times may be sent again, and if so, takes a token. limit is the key
 * http.retries. Beyond the limit, up to four times as often, it goes on only while of this server's other requests
 * some fail *and* some succeed: a server that fails by chance, not one that is down or an object that cannot be had. */
bool ncr_retry_take(ncr_retry_budget *budget, uint64_t server, unsigned failures, unsigned limit, int64_t now_ms);

#endif
