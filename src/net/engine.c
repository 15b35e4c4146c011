/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <curl/curl.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fork.h"
#include "base/thread.h"
#include "net/transfer.h"

/* The loop thread and what it owns. docs/internals/net.md tells how a request passes through. */

enum {
    MAX_RUNNING = 1024,   /* transfers that libcurl knows of; the others queue here */
    CHECK_MS = 25,        /* how often deadlines and cancels are looked at */
    IDLE_POLL_MS = 60000, /* with nothing to do */
    KEPT_CONNECTIONS = 256,
};

typedef struct {
    ncr_http_transfer *first, *last;
    size_t count;
} list;

/* One process's loop. Everything but `incoming` is the loop thread's. Never released. */
typedef struct engine {
    CURLM *multi;
    ncr_transfer_hooks hooks;
    list incoming; /* guarded by lock */
    list queued, running, waiting, ended;
    list unready; /* their signers wait for credentials */
    int *sockets; /* open ones, for the child of a fork to close */
    size_t socket_count, socket_capacity;
    ncr_retry_budget budget;
    uint64_t chance;
    int64_t checked_ms;
    long host_connections;
    struct engine *parents; /* of a forked process: kept so as to be reachable, and never touched again */
} engine;

/* Held by the loop for each pass but not while it waits or calls done(), so that a fork never happens while libcurl or
 * the TLS library is at work. Taken before `lock`. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static engine *current;            /* guarded by lock */
static bool is_initialised;        /* guarded by lock */
static _Atomic bool is_woken;      /* a signer may be ready that was not */
static _Thread_local engine *mine; /* the engine whose loop this thread is; NULL elsewhere */

/* --- Lists. --- */

static void list_add(list *l, ncr_http_transfer *t)
{
    t->next = NULL;
    t->previous = l->last;
    if (l->last)
        l->last->next = t;
    else
        l->first = t;
    l->last = t;
    l->count++;
}

static void list_remove(list *l, ncr_http_transfer *t)
{
    if (t->previous)
        t->previous->next = t->next;
    else
        l->first = t->next;
    if (t->next)
        t->next->previous = t->previous;
    else
        l->last = t->previous;
    t->next = t->previous = NULL;
    l->count--;
}

static ncr_http_transfer *list_take(list *l)
{
    ncr_http_transfer *t = l->first;
    if (t)
        list_remove(l, t);
    return t;
}

/* --- Sockets: closed on exec, and known, so that a forked child can let go of its parent's. --- */

static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    engine *e = mine;
    if (!e || !ncr_transfer_may_connect(user, &address->addr))
        return CURL_SOCKET_BAD;
    if (!ncr_array_reserve(&e->sockets, &e->socket_capacity, e->socket_count + 1, sizeof *e->sockets)) {
        ((ncr_http_transfer *)user)->lacks_memory = true;
        return CURL_SOCKET_BAD;
    }
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    e->sockets[e->socket_count++] = fd;
    return fd;
}

static int close_socket(void *unused, curl_socket_t fd)
{
    (void)unused;
    engine *e = mine;
    for (size_t i = 0; e && i < e->socket_count; i++)
        if (e->sockets[i] == fd) {
            e->sockets[i] = e->sockets[--e->socket_count];
            break;
        }
    return close(fd);
}

/* --- One transfer's way. --- */

static uint32_t next_chance(engine *e)
{
    e->chance ^= e->chance << 13;
    e->chance ^= e->chance >> 7;
    e->chance ^= e->chance << 17;
    return (uint32_t)(e->chance >> 32);
}

static void end(engine *e, ncr_http_transfer *t)
{
    list_add(&e->ended, t);
}

/* One value for the process, since libcurl knows no other: the last that somebody has set. Calls that leave it at its
 * default do not undo it. */
static void set_host_connections(engine *e, const ncr_http_transfer *t)
{
    const ncr_config *config = t->request->call->config;
    if (e->host_connections && !ncr_config_origin(config, NCR_KEY_HTTP_CONNECTIONS))
        return;
    int64_t wanted = ncr_config_number(config, NCR_KEY_HTTP_CONNECTIONS);
    if (wanted <= 0 || wanted > 4096 || wanted == e->host_connections)
        return;
    e->host_connections = (long)wanted;
    curl_multi_setopt(e->multi, CURLMOPT_MAX_HOST_CONNECTIONS, e->host_connections);
}

static void send_now(engine *e, ncr_http_transfer *t)
{
    /* A new handle each time: connections belong to the multi handle, and curl_easy_reset() on one that is used again
     * leaves it half made, without a word, where memory is short. */
    CURL *easy = curl_easy_init();
    nacre_error error;
    nacre_status status = easy ? ncr_transfer_begin(t, easy, &e->hooks, &error) : ncr_error_memory(&error);
    if (status == NACRE_OK) {
        set_host_connections(e, t);
        if (curl_multi_add_handle(e->multi, easy) == CURLM_OK) {
            list_add(&e->running, t);
            return;
        }
        ncr_error_memory(&error);
    }
    curl_easy_cleanup(easy);
    t->easy = NULL;
    ncr_transfer_fail(t, &error);
    end(e, t);
}

/* Sends a transfer, when its signer is ready for it. */
static void begin(engine *e, ncr_http_transfer *t)
{
    switch (ncr_transfer_prepare(t)) {
    case NCR_HTTP_READY:
        send_now(e, t);
        break;
    case NCR_HTTP_NOT_YET:
        list_add(&e->unready, t);
        break;
    case NCR_HTTP_FAILED:
        ncr_transfer_fail(t, &t->error);
        end(e, t);
        break;
    }
}

/* Takes a running transfer from libcurl and sees what it came to. */
static void settle(engine *e, ncr_http_transfer *t, CURLcode code)
{
    list_remove(&e->running, t);
    curl_multi_remove_handle(e->multi, t->easy);
    ncr_verdict verdict = ncr_transfer_judge(t, code, &e->budget, next_chance(e));
    curl_easy_cleanup(t->easy);
    t->easy = NULL;
    if (verdict == NCR_VERDICT_DONE)
        end(e, t);
    else
        list_add(&e->waiting, t);
}

/* --- A pass. --- */

static void take_incoming(engine *e)
{
    pthread_mutex_lock(&lock);
    list incoming = e->incoming;
    e->incoming = (list){0};
    pthread_mutex_unlock(&lock);
    for (ncr_http_transfer *t; (t = list_take(&incoming));)
        list_add(&e->queued, t);
}

/* Signers that were not ready are asked again when somebody woke the engine, and no more than may run go on. */
static void begin_unready(engine *e)
{
    if (!atomic_exchange(&is_woken, false))
        return;
    list unready = e->unready;
    e->unready = (list){0};
    while (e->running.count < MAX_RUNNING && unready.first)
        begin(e, list_take(&unready));
    if (unready.first)
        atomic_store(&is_woken, true); /* these are looked at when there is room again */
    for (ncr_http_transfer *t; (t = list_take(&unready));)
        list_add(&e->unready, t);
}

static void begin_queued(engine *e)
{
    while (e->running.count < MAX_RUNNING && e->queued.first)
        begin(e, list_take(&e->queued));
}

/* Attempts that are due go before new requests. */
static void begin_due(engine *e, int64_t now_ms)
{
    for (ncr_http_transfer *t = e->waiting.first, *next; t; t = next) {
        next = t->next;
        if (t->due_ms > now_ms)
            continue;
        list_remove(&e->waiting, t);
        begin(e, t);
    }
}

static void read_messages(engine *e)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(e->multi, &left));) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        char *t = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
        settle(e, (ncr_http_transfer *)t, code);
    }
}

static void break_overdue(engine *e, list *from, int64_t now_ms)
{
    for (ncr_http_transfer *t = from->first, *next; t; t = next) {
        next = t->next;
        if (!ncr_transfer_is_overdue(t, now_ms))
            continue;
        if (from == &e->running) {
            settle(e, t, CURLE_ABORTED_BY_CALLBACK);
            continue;
        }
        list_remove(from, t);
        ncr_transfer_fail(t, &t->error);
        end(e, t);
    }
}

static void check(engine *e, int64_t now_ms)
{
    if (now_ms >= e->checked_ms && now_ms - e->checked_ms < CHECK_MS)
        return;
    e->checked_ms = now_ms;
    break_overdue(e, &e->running, now_ms);
    break_overdue(e, &e->waiting, now_ms);
    break_overdue(e, &e->queued, now_ms);
    break_overdue(e, &e->unready, now_ms);
}

static int poll_ms(const engine *e, int64_t now_ms)
{
    if (e->ended.first)
        return 0;
    if (!e->queued.first && !e->running.first && !e->waiting.first && !e->unready.first)
        return IDLE_POLL_MS;
    int64_t wait_ms = CHECK_MS;
    for (const ncr_http_transfer *t = e->waiting.first; t; t = t->next)
        if (t->due_ms - now_ms < wait_ms)
            wait_ms = t->due_ms > now_ms ? t->due_ms - now_ms : 0;
    return (int)wait_ms;
}

/* Calls done(), outside of every lock; the requests are then the callers' again. */
static void tell_ended(list *ended)
{
    for (ncr_http_transfer *t; (t = list_take(ended));) {
        ncr_http_request *request = t->request;
        request->transfer = NULL;
        ncr_transfer_free(t);
        request->done(request);
    }
}

static int pass(engine *e)
{
    take_incoming(e);
    begin_due(e, ncr_clock_ms());
    begin_unready(e);
    begin_queued(e);
    int running;
    curl_multi_perform(e->multi, &running);
    read_messages(e);
    check(e, ncr_clock_ms());
    return poll_ms(e, ncr_clock_ms());
}

static void *run(void *user)
{
    engine *e = mine = user;
    pthread_setname_np(pthread_self(), "nacre-loop");
    for (;;) {
        pthread_mutex_lock(&turn);
        int wait_ms = pass(e);
        pthread_mutex_unlock(&turn);
        tell_ended(&e->ended);
        curl_multi_poll(e->multi, NULL, 0, wait_ms, NULL);
    }
    return NULL;
}

/* --- Start, and fork. --- */

static void before_fork(void)
{
    pthread_mutex_lock(&turn);
    pthread_mutex_lock(&lock);
}

static void after_fork_parent(void)
{
    pthread_mutex_unlock(&lock);
    pthread_mutex_unlock(&turn);
}

/* The parent's handles are left as they are: to clean them up would say good-bye on connections that are the
 * parent's. */
static void after_fork_child(void)
{
    for (size_t i = 0; current && i < current->socket_count; i++)
        close(current->sockets[i]);
    static engine *parents;
    if (current) {
        current->parents = parents;
        parents = current;
    }
    current = NULL;
    mine = NULL;
    pthread_mutex_unlock(&lock);
    pthread_mutex_unlock(&turn);
}

NCR_AT_LOAD set_fork_handlers(void)
{
    ncr_fork_handle(NCR_FORK_LOOP, before_fork, after_fork_parent, after_fork_child);
}

/* Under the lock, so that no fork happens in the middle of it. */
static void initialise_locked(void)
{
    if (is_initialised)
        return;
    /* The loop thread outlives main(): the TLS library must not be torn down under it. */
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    is_initialised = true;
}

/* NULL: it cannot be had, and *why is NACRE_ERROR_MEMORY or, for want of open files or threads, NACRE_ERROR_IO. */
static engine *new_engine(nacre_status *why)
{
    engine *e = calloc(1, sizeof *e);
    *why = NACRE_ERROR_MEMORY;
    if (!e)
        return NULL;
    e->multi = curl_multi_init();
    CURLSH *share = curl_share_init();
    e->hooks = (ncr_transfer_hooks){open_socket, close_socket, share};
    if (share)
        curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    if (e->multi)
        curl_multi_setopt(e->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
    ncr_retry_budget_init(&e->budget, ncr_clock_ms());
    if (getrandom(&e->chance, sizeof e->chance, GRND_NONBLOCK) != sizeof e->chance || !e->chance)
        e->chance = (uint64_t)getpid() << 32 ^ (uint64_t)ncr_clock_wall_ms() ^ 1;
    /* libcurl makes do without what wakes its loop, and would then sleep over our requests. */
    if (share && e->multi) {
        *why = NACRE_ERROR_IO;
        if (curl_multi_wakeup(e->multi) == CURLM_OK && ncr_thread_start(run, e))
            return e;
    }
    curl_multi_cleanup(e->multi);
    curl_share_cleanup(share);
    free(e);
    return NULL;
}

static engine *take_engine_locked(nacre_status *why)
{
    initialise_locked();
    if (!current)
        current = new_engine(why);
    return current;
}

static void end_now(ncr_http_request *request, nacre_status status)
{
    request->status = status;
    request->response.round = request->needed_round + 1;
    request->done(request);
}

void ncr_http_wake(void)
{
    atomic_store(&is_woken, true);
    pthread_mutex_lock(&lock);
    engine *e = current;
    pthread_mutex_unlock(&lock);
    if (e)
        curl_multi_wakeup(e->multi);
}

void ncr_http_start(ncr_http_request *request)
{
    nacre_error *error = &request->error;
    ncr_request_clear(request);
    nacre_status status = ncr_call_check(request->call, request->name, error);
    if (status == NACRE_OK && request->call->offline)
        status = ncr_error_set(error, NACRE_ERROR_OFFLINE, "%s: not in the cache, and cache=offline sends no request",
                               request->name);
    if (status != NACRE_OK) {
        end_now(request, status);
        return;
    }
    ncr_http_transfer *t = request->transfer = ncr_transfer_new(request);
    pthread_mutex_lock(&lock);
    status = NACRE_ERROR_MEMORY;
    engine *e = t ? take_engine_locked(&status) : NULL;
    if (e)
        list_add(&e->incoming, t);
    pthread_mutex_unlock(&lock);
    if (e) {
        if (e != mine)
            curl_multi_wakeup(e->multi);
        return;
    }
    ncr_transfer_free(t);
    request->transfer = NULL;
    if (status == NACRE_ERROR_MEMORY)
        ncr_error_memory(error);
    else
        ncr_error_set(error, status, "%s: cannot send: no thread can be started, or too many files are open",
                      request->name);
    end_now(request, status);
}
