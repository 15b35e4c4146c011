/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/credentials.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/fork.h"
#include "base/text.h"

enum {
    EARLY_MS = 5 * 60 * 1000, /* a secret this near to its end is renewed while it still serves */
    EARLY_PART = 4,           /* or, of a short life, when less than this part of it is left */
    MARGIN_MS = 10 * 1000,    /* and does not serve any more when this near: a request takes its time */
    LEAST_MS = 1000,          /* but this long in any case: the store's clock decides, and fetches are bounded */
    FAILED_MS = 1000,         /* a fetch that failed is not tried again before */
    FAILED_EARLY_MS = 15000,  /* nor before this, while the old secret serves */
    FETCH_MS = 30 * 1000,     /* how long one may take */
    YOUNG_MS = 5 * 1000,      /* of two secrets refused one after the other, the second so soon: no third is fetched */
    WAIT_MS = 20,
};

struct ncr_credentials {
    _Atomic int references;
    char *id, *origin;
    ncr_secret_source *source; /* NULL: fixed. Used by the fetching thread only */
    ncr_config *config;        /* of the open that made it: for the fetch's requests */
    ncr_credentials *next;     /* of the process's list */

    /* Guarded by `lock`. */
    ncr_secret *secret;   /* NULL: none */
    int64_t born_ms;      /* when it was fetched, on ncr_clock_ms() */
    int64_t early_ms;     /* it is renewed when this much of its life is left */
    bool is_replacement;  /* the one before was refused */
    bool is_replacing;    /* the next will be such */
    unsigned fetching_in; /* the process that is fetching, by its count of forks; 0: none is */
    nacre_error failure;  /* of the last fetch; status NACRE_OK: it did not fail */
    int64_t failed_ms;
};

/* One lock for all: it guards a few words, and no work is done under it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ncr_credentials *all;    /* guarded by lock; they stay until the process ends */
static unsigned generation = 1; /* counts forks: a fetch of the parent's is none of the child's */

static void count_fork(void)
{
    generation++;
}

NCR_AT_LOAD keep_over_forks(void)
{
    ncr_fork_keep(&lock);
    ncr_fork_handle(NCR_FORK_LAST, NULL, NULL, count_fork);
}

/* --- Secrets. --- */

static void wipe(char *text)
{
    if (text)
        OPENSSL_cleanse(text, strlen(text));
    free(text);
}

static bool copy_text(const char *text, char **out)
{
    *out = text ? ncr_text_copy(text) : NULL;
    return *out || !text;
}

ncr_secret *ncr_secret_new(const char *id, const char *key, const char *token, int64_t expires_ms)
{
    static _Atomic uint64_t count;
    ncr_secret *secret = calloc(1, sizeof *secret);
    if (!secret)
        return NULL;
    atomic_init(&secret->references, 1);
    secret->number = atomic_fetch_add(&count, 1) + 1;
    secret->expires_ms = expires_ms;
    bool copied = copy_text(id, &secret->id);
    copied = copy_text(key, &secret->key) && copied;
    copied = copy_text(token, &secret->token) && copied;
    if (!copied) {
        ncr_secret_unref(secret);
        return NULL;
    }
    return secret;
}

ncr_secret *ncr_secret_ref(ncr_secret *secret)
{
    atomic_fetch_add(&secret->references, 1);
    return secret;
}

void ncr_secret_unref(ncr_secret *secret)
{
    if (!secret || atomic_fetch_sub(&secret->references, 1) != 1)
        return;
    wipe(secret->id);
    wipe(secret->key);
    wipe(secret->token);
    free(secret);
}

/* --- Credentials. --- */

static ncr_credentials *new_credentials(const char *id, const char *origin)
{
    ncr_credentials *credentials = calloc(1, sizeof *credentials);
    if (!credentials)
        return NULL;
    atomic_init(&credentials->references, 1);
    credentials->id = ncr_text_copy(id);
    credentials->origin = ncr_text_copy(origin);
    if (!credentials->id || !credentials->origin) {
        ncr_credentials_unref(credentials);
        return NULL;
    }
    return credentials;
}

ncr_credentials *ncr_credentials_ref(ncr_credentials *credentials)
{
    atomic_fetch_add(&credentials->references, 1);
    return credentials;
}

void ncr_credentials_unref(ncr_credentials *credentials)
{
    if (!credentials || atomic_fetch_sub(&credentials->references, 1) != 1)
        return;
    if (credentials->source)
        credentials->source->free(credentials->source);
    ncr_config_unref(credentials->config);
    ncr_secret_unref(credentials->secret);
    free(credentials->id);
    free(credentials->origin);
    free(credentials);
}

static ncr_credentials *find_locked(const char *id)
{
    for (ncr_credentials *c = all; c; c = c->next)
        if (strcmp(c->id, id) == 0)
            return ncr_credentials_ref(c);
    return NULL;
}

ncr_credentials *ncr_credentials_open(const char *id, const char *origin, ncr_secret_source *source, ncr_config *config)
{
    ncr_credentials *made = new_credentials(id, origin);
    if (!made) {
        source->free(source);
        return NULL;
    }
    made->source = source;
    made->config = ncr_config_ref(config);
    pthread_mutex_lock(&lock);
    ncr_credentials *found = find_locked(id);
    if (!found) {
        made->next = all;
        all = ncr_credentials_ref(made);
    }
    pthread_mutex_unlock(&lock);
    if (!found)
        return made;
    ncr_credentials_unref(made);
    return found;
}

ncr_credentials *ncr_credentials_fixed(const char *id, const char *origin, ncr_secret *secret)
{
    ncr_credentials *made = new_credentials(id, origin);
    if (made)
        made->secret = ncr_secret_ref(secret);
    return made;
}

const char *ncr_credentials_id(const ncr_credentials *credentials)
{
    return credentials->id;
}

const char *ncr_credentials_origin(const ncr_credentials *credentials)
{
    return credentials->origin;
}

/* --- Fetching. --- */

static nacre_status fetch(ncr_credentials *credentials, ncr_secret **out, nacre_error *err)
{
    *out = NULL;
    ncr_call *call = ncr_call_new_within(credentials->config, FETCH_MS);
    if (!call)
        return ncr_error_memory(err);
    nacre_status status = credentials->source->fetch(credentials->source, call, out, err);
    ncr_call_unref(call);
    return status;
}

/* How long a secret (NULL: none) still holds. */
static int64_t left_ms(const ncr_secret *secret)
{
    if (!secret || secret->expires_ms == INT64_MAX)
        return secret ? INT64_MAX : 0;
    return secret->expires_ms - ncr_clock_wall_ms();
}

static void *fetch_thread(void *user)
{
    ncr_credentials *credentials = user;
    ncr_secret *secret, *old = NULL;
    nacre_error error = {0};
    nacre_status status = fetch(credentials, &secret, &error);
    pthread_mutex_lock(&lock);
    credentials->fetching_in = 0;
    credentials->failure = error;
    credentials->failure.status = status;
    if (status == NACRE_OK) {
        old = credentials->secret;
        credentials->secret = secret;
        credentials->born_ms = ncr_clock_ms();
        credentials->is_replacement = credentials->is_replacing;
        credentials->is_replacing = false;
        int64_t part_ms = left_ms(secret) / EARLY_PART;
        credentials->early_ms = part_ms < EARLY_MS ? part_ms : EARLY_MS;
    } else {
        credentials->failed_ms = ncr_clock_ms();
    }
    pthread_mutex_unlock(&lock);
    ncr_secret_unref(old);
    ncr_http_wake();
    ncr_credentials_unref(credentials);
    return NULL;
}

static bool start_thread(ncr_credentials *credentials)
{
    pthread_t thread;
    sigset_t every, before;
    sigfillset(&every); /* signals are for the program's own threads */
    pthread_sigmask(SIG_SETMASK, &every, &before);
    bool is_started = pthread_create(&thread, NULL, fetch_thread, ncr_credentials_ref(credentials)) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (is_started)
        pthread_detach(thread);
    else
        atomic_fetch_sub(&credentials->references, 1); /* never the last: the caller has one */
    return is_started;
}

static bool has_failed_locked(const ncr_credentials *credentials)
{
    int64_t pause_ms = left_ms(credentials->secret) > MARGIN_MS ? FAILED_EARLY_MS : FAILED_MS;
    return credentials->failure.status != NACRE_OK && ncr_clock_ms() - credentials->failed_ms < pause_ms;
}

/* Begins a fetch unless one is under way, or has just failed. */
static void fetch_locked(ncr_credentials *credentials)
{
    if (credentials->fetching_in == generation || has_failed_locked(credentials))
        return;
    credentials->fetching_in = generation;
    if (start_thread(credentials))
        return;
    credentials->fetching_in = 0;
    credentials->failed_ms = ncr_clock_ms();
    ncr_error_set(&credentials->failure, NACRE_ERROR_MEMORY, "no thread could be started to ask for a token");
}

/* A failure, told of the object that it keeps from being read. */
static void tell_failure(const nacre_error *failure, const char *name, nacre_error *err)
{
    ncr_error_set_http(err, failure->status, failure->http_status, "%s: %s", name, failure->message);
}

/* Whether the secret of now may be used, and whether a new one is wanted. */
static void judge_locked(const ncr_credentials *credentials, bool *serves, bool *ends)
{
    *serves = credentials->secret != NULL;
    *ends = false;
    if (!credentials->source)
        return;
    int64_t age_ms = ncr_clock_ms() - credentials->born_ms, rest_ms = left_ms(credentials->secret);
    bool is_new = *serves && age_ms < LEAST_MS;
    *serves = is_new || rest_ms > MARGIN_MS;
    *ends = !is_new && rest_ms <= credentials->early_ms;
}

ncr_http_ready ncr_credentials_get(ncr_credentials *credentials, const char *name, ncr_secret **out, nacre_error *err)
{
    ncr_http_ready ready = NCR_HTTP_READY;
    nacre_error failure = {0};
    bool serves, ends;
    *out = NULL;
    pthread_mutex_lock(&lock);
    judge_locked(credentials, &serves, &ends);
    if (!serves || ends)
        fetch_locked(credentials);
    if (serves) {
        *out = ncr_secret_ref(credentials->secret);
    } else if (credentials->fetching_in == generation) {
        ready = NCR_HTTP_NOT_YET;
    } else {
        failure = credentials->failure;
        ready = NCR_HTTP_FAILED;
    }
    pthread_mutex_unlock(&lock);
    if (ready == NCR_HTTP_FAILED)
        tell_failure(&failure, name, err);
    return ready;
}

bool ncr_credentials_refused(ncr_credentials *credentials, uint64_t number)
{
    ncr_secret *given_up = NULL;
    bool is_other = false;
    pthread_mutex_lock(&lock);
    ncr_secret *secret = credentials->secret;
    if (credentials->source && (!secret || secret->number != number)) {
        is_other = true;
    } else if (credentials->source &&
               !(credentials->is_replacement && ncr_clock_ms() - credentials->born_ms < YOUNG_MS)) {
        given_up = secret;
        credentials->secret = NULL;
        credentials->is_replacing = true;
        fetch_locked(credentials);
        is_other = true;
    }
    pthread_mutex_unlock(&lock);
    ncr_secret_unref(given_up);
    return is_other;
}

nacre_status ncr_credentials_wait(ncr_credentials *credentials, ncr_call *call, const char *name, ncr_secret **out,
                                  nacre_error *err)
{
    for (;;) {
        nacre_error failure = {0};
        nacre_status status = ncr_call_check(call, name, err);
        if (status != NACRE_OK)
            return status;
        switch (ncr_credentials_get(credentials, name, out, &failure)) {
        case NCR_HTTP_READY:
            return NACRE_OK;
        case NCR_HTTP_FAILED:
            return ncr_error_copy(err, &failure, failure.status);
        case NCR_HTTP_NOT_YET:
            nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * 1000000L}, NULL);
        }
    }
}
