/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "request.h"

/* libmicrohttpd gives each connection a thread, so a request may wait (latency, bandwidth) without holding up
 * others. Bodies of requests are kept in drafts; the interfaces see a request when all of it is there. */

typedef struct connection_state {
    uint64_t id, requests;
} connection_state;

bool ncr_emu_server_sleep(ncr_emu_server *server, double milliseconds)
{
    if (milliseconds <= 0)
        return true;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + (int64_t)(milliseconds * 1e6);
    until.tv_sec += (time_t)(ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    pthread_mutex_lock(&server->lock);
    int waited = 0;
    while (!server->stopping && waited == 0)
        waited = pthread_cond_timedwait(&server->stopped, &server->lock, &until);
    bool stopping = server->stopping;
    pthread_mutex_unlock(&server->lock);
    return !stopping;
}

static bool is_denied_locked(const ncr_emu_server *server, const char *bucket)
{
    for (char *const *denied = server->denied; denied && *denied; denied++)
        if (strcmp(*denied, bucket) == 0)
            return true;
    return false;
}

bool ncr_emu_is_denied(ncr_emu_server *server, const char *bucket)
{
    pthread_mutex_lock(&server->lock);
    bool denied = is_denied_locked(server, bucket);
    pthread_mutex_unlock(&server->lock);
    return denied;
}

int ncr_emu_authorise(ncr_emu_request *request, const char *bucket, bool is_proven)
{
    ncr_emu_server *server = request->server;
    const char *value = ncr_emu_header(request, "Authorization");
    bool bearer = value && ncr_text_starts_nocase(value, "Bearer ");
    pthread_mutex_lock(&server->lock);
    bool denied = is_denied_locked(server, bucket);
    bool has_keys = ncr_emu_s3_access_verifies(server->hmac);
    bool has_token = bearer && (!server->require_token || strcmp(value + 7, server->require_token) == 0);
    bool known = is_proven || has_token || (!server->require_token && !has_keys);
    pthread_mutex_unlock(&server->lock);
    if (!known)
        return 401;
    return !denied ? 200 : value ? 403 : 401;
}

/* --- Callbacks of libmicrohttpd --- */

/* An address that is listened on. */
typedef struct listener {
    ncr_emu_server *server;
    bool is_s3;
    struct sockaddr_in wanted;
    struct MHD_Daemon *daemon;
} listener;

static void *on_target(void *user, const char *target, struct MHD_Connection *connection)
{
    const listener *self = user;
    ncr_emu_request *request = ncr_emu_request_new(self->server, connection, target);
    if (request)
        request->s3_port = self->is_s3;
    return request;
}

static size_t keep_escapes(void *user, struct MHD_Connection *connection, char *text)
{
    (void)user;
    (void)connection;
    return strlen(text);
}

static void on_connection(void *user, struct MHD_Connection *connection, void **state,
                          enum MHD_ConnectionNotificationCode code)
{
    ncr_emu_server *server = user;
    (void)connection;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        free(*state);
        *state = NULL;
        return;
    }
    connection_state *fresh = calloc(1, sizeof *fresh);
    if (fresh)
        fresh->id = atomic_fetch_add(&server->connections, 1) + 1;
    *state = fresh;
}

static void on_completed(void *user, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    (void)user;
    (void)connection;
    (void)code;
    ncr_emu_request_free(*context);
    *context = NULL;
}

static void begin(ncr_emu_request *request, const char *method)
{
    request->method = method;
    request->began_ms = ncr_clock_ms();
    request->began_wall_ms = ncr_clock_wall_ms();
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    connection_state *state = info ? info->socket_context : NULL;
    if (state) {
        request->connection_id = state->id;
        request->new_connection = state->requests++ == 0;
    }
}

static void take_body(ncr_emu_request *request, const char *data, size_t size)
{
    request->body_size += size;
    if (!request->body)
        request->body = ncr_emu_draft_new(request->server->root->tmp_directory);
    if (request->body)
        ncr_emu_draft_write(request->body, data, size);
    else
        request->bad = true;
}

static bool is_json_path(const char *path)
{
    return ncr_text_starts(path, "/storage/v1/") || ncr_text_starts(path, "/upload/storage/v1/") ||
           ncr_text_starts(path, "/download/storage/v1/") || ncr_text_starts(path, "/resumable/upload/storage/v1/");
}

/* The status of a fault that answers in place of the interfaces; 0: they are asked. */
static int fault_status(ncr_emu_fault_kind kind)
{
    switch (kind) {
    case NCR_EMU_FAULT_500:
        return 500;
    case NCR_EMU_FAULT_502:
        return 502;
    case NCR_EMU_FAULT_503:
        return 503;
    case NCR_EMU_FAULT_504:
        return 504;
    case NCR_EMU_FAULT_408:
        return 408;
    case NCR_EMU_FAULT_429:
        return 429;
    case NCR_EMU_FAULT_RESET:
        return 500; /* never sent */
    default:
        return 0;
    }
}

static void answer(ncr_emu_request *request, ncr_emu_reply *reply)
{
    int failed = fault_status(request->fault.kind);
    bool s3 = ncr_emu_is_s3(request, is_json_path(request->path));
    if (failed) {
        if (s3)
            ncr_emu_amazon_fault(request, reply, failed);
        else
            ncr_emu_reply_text(reply, failed, "text/plain", "fault\n");
        if (request->fault.retry_after >= 0)
            ncr_emu_reply_header(reply, "Retry-After", "%d", request->fault.retry_after);
    } else if (request->bad) {
        ncr_emu_reply_text(reply, 400, "text/plain", "malformed target\n");
    } else if (s3) {
        ncr_emu_amazon(request, reply);
    } else if (is_json_path(request->path)) {
        ncr_emu_google_json(request, reply);
    } else {
        ncr_emu_google_xml(request, reply);
    }
    if (request->bad && reply->status < 400) { /* found while reading it: changes look at this before they are made */
        ncr_emu_reply_clear(reply);
        ncr_emu_reply_text(reply, 400, "text/plain", "malformed number in a parameter or header\n");
    }
}

static enum MHD_Result serve(ncr_emu_request *request)
{
    ncr_emu_server *server = request->server;
    ncr_emu_reply reply;
    ncr_emu_reply_init(&reply);
    bool control = ncr_text_starts(request->path, "/emulator/");
    if (control) {
        ncr_emu_control(request, &reply);
    } else {
        request->fault = ncr_emu_faults_next(server->faults, request->method, request->path);
        answer(request, &reply);
        pthread_mutex_lock(&server->lock);
        double wait = server->latency_ms * (request->new_connection ? 2 : 1);
        pthread_mutex_unlock(&server->lock);
        if (request->fault.kind == NCR_EMU_FAULT_SLOW)
            wait += request->fault.milliseconds;
        ncr_emu_server_sleep(server, wait);
    }
    ncr_emu_draft_free(request->body); /* before the client has its answer, not some time after */
    request->body = NULL;
    enum MHD_Result result = ncr_emu_reply_send(request, &reply, !control);
    ncr_emu_reply_clear(&reply);
    return result;
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **context)
{
    (void)user;
    (void)connection;
    (void)url;
    (void)version;
    ncr_emu_request *request = *context;
    if (!request)
        return MHD_NO;
    if (!request->method) {
        begin(request, method);
        return MHD_YES;
    }
    if (*size) {
        take_body(request, data, *size);
        *size = 0;
        return MHD_YES;
    }
    if (request->answered)
        return MHD_YES;
    request->answered = true;
    return serve(request);
}

/* --- Start and stop --- */

static nacre_status parse_listen(const char *option, const char *text, struct sockaddr_in *out, nacre_error *err)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    int port = -1;
    *out = (struct sockaddr_in){.sin_family = AF_INET};
    bool good = colon && (size_t)(colon - text) < sizeof host && ncr_text_to_int(colon + 1, &port);
    snprintf(host, sizeof host, "%.*s", good ? (int)(colon - text) : 0, text);
    const char *numeric = strcmp(host, "localhost") == 0 || !*host ? "127.0.0.1" : host;
    if (!good || port < 0 || port > 65535 || inet_pton(AF_INET, numeric, &out->sin_addr) != 1)
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s %s: give ADDRESS:PORT, as in 127.0.0.1:4443", option, text);
    out->sin_port = htons((uint16_t)port);
    return NACRE_OK;
}

static void server_clear(ncr_emu_server *server)
{
    ncr_emu_uploads_free(server->uploads);
    ncr_emu_s3_access_free(server->s3_access);
    ncr_emu_s3_access_free(server->hmac);
    ncr_emu_root_close(server->root);
    ncr_emu_faults_free(server->faults);
    ncr_emu_log_free(server->log);
    for (char **denied = server->denied; denied && *denied; denied++)
        free(*denied);
    free(server->denied);
    free(server->require_token);
    free(server->address);
    free(server->s3_address);
    pthread_cond_destroy(&server->stopped);
    pthread_mutex_destroy(&server->lock);
}

static char **copy_texts(const char *const *texts)
{
    size_t count = 0;
    while (texts[count])
        count++;
    char **copy = ncr_alloc_array(count + 1, sizeof *copy);
    for (size_t i = 0; copy && i < count; i++)
        copy[i] = ncr_text_copy(texts[i]);
    return copy;
}

/* Faults, keys and regions. */
static nacre_status take_options(ncr_emu_server *server, const ncr_emulator_options *options, nacre_error *err)
{
    nacre_status status = NACRE_OK;
    for (const char *const *fault = options->faults; fault && *fault && status == NACRE_OK; fault++)
        status = ncr_emu_faults_add(server->faults, *fault, err);
    for (const char *const *key = options->s3_credentials; key && *key && status == NACRE_OK; key++)
        status = ncr_emu_s3_access_add_key(server->s3_access, *key, err);
    for (const char *const *key = options->hmac_keys; key && *key && status == NACRE_OK; key++)
        status = ncr_emu_s3_access_add_key(server->hmac, *key, err);
    for (const char *const *region = options->s3_regions; region && *region && status == NACRE_OK; region++)
        status = ncr_emu_s3_access_set_region(server->s3_access, *region, err);
    return status;
}

static nacre_status server_init(ncr_emu_server *server, const ncr_emulator_options *options, nacre_error *err)
{
    pthread_condattr_t monotonic;
    *server = (ncr_emu_server){.latency_ms = options->latency_ms, .bandwidth_mib_s = options->bandwidth_mib_s};
    pthread_mutex_init(&server->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&server->stopped, &monotonic);
    pthread_condattr_destroy(&monotonic);
    server->faults = ncr_emu_faults_new();
    server->log = ncr_emu_log_new();
    server->uploads = ncr_emu_uploads_new();
    server->s3_access = ncr_emu_s3_access_new();
    server->hmac = ncr_emu_s3_access_new();
    server->require_token = ncr_text_copy(options->require_token);
    server->denied = options->denied ? copy_texts(options->denied) : NULL;
    if (!server->faults || !server->log || !server->uploads || !server->s3_access || !server->hmac)
        return ncr_error_memory(err);
    nacre_status status = take_options(server, options, err);
    if (status == NACRE_OK)
        status = ncr_emu_root_open(options->root, &server->root, err);
    if (status == NACRE_OK)
        server->root->keeps_previous = ncr_emu_faults_have(server->faults, NCR_EMU_FAULT_STALE);
    return status;
}

/* Binds before libmicrohttpd has threads, so that they find the address in its place. -1: errno says why. */
static int open_listener(const struct sockaddr_in *wanted, struct sockaddr_in *bound)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    socklen_t size = sizeof *bound;
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (const struct sockaddr *)wanted, sizeof *wanted) == 0 && listen(fd, 1024) == 0 &&
        getsockname(fd, (struct sockaddr *)bound, &size) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static struct MHD_Daemon *start(listener *self, int fd)
{
    return MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_ITC, 0, NULL, NULL,
                            on_request, self, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, on_target,
                            self, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_NOTIFY_COMPLETED,
                            on_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, self->server,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)512 << 10, MHD_OPTION_CONNECTION_LIMIT, 2048u,
                            MHD_OPTION_THREAD_STACK_SIZE, (size_t)512 << 10, MHD_OPTION_END);
}

/* Blocks until SIGINT or SIGTERM; they are blocked in all threads of the server, and taken here. */
static void wait_for_signal(const sigset_t *signals)
{
    int got;
    while (sigwait(signals, &got) == EINTR)
        continue;
}

/* Listens; *address becomes "http://HOST:PORT", malloc'd. option: as the user gave it. */
static nacre_status listen_on(listener *self, const char *option, char **address, nacre_error *err)
{
    char host[INET_ADDRSTRLEN] = "";
    struct sockaddr_in bound = {0};
    int fd = open_listener(&self->wanted, &bound);
    if (fd < 0)
        return ncr_error_set(err, NACRE_ERROR_IO, "%s: cannot listen: %s", option, strerror(errno));
    inet_ntop(AF_INET, &bound.sin_addr, host, sizeof host);
    *address = ncr_text_format("http://%s:%u", host, (unsigned)ntohs(bound.sin_port));
    self->daemon = *address ? start(self, fd) : NULL;
    if (self->daemon)
        return NACRE_OK;
    close(fd);
    return ncr_error_set(err, NACRE_ERROR_IO, "%s: libmicrohttpd does not start", option);
}

static void say_addresses(const ncr_emu_server *server)
{
    printf("listening on %s\n", server->address);
    if (server->s3_address)
        printf("listening for S3 on %s\n", server->s3_address);
    fflush(stdout);
}

static void stop(ncr_emu_server *server, listener *listeners, size_t count)
{
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    pthread_cond_broadcast(&server->stopped);
    pthread_mutex_unlock(&server->lock);
    for (size_t i = 0; i < count; i++)
        if (listeners[i].daemon)
            MHD_stop_daemon(listeners[i].daemon); /* closes the socket too */
}

static nacre_status run(ncr_emu_server *server, const ncr_emulator_options *options,
                        const struct sockaddr_in addresses[2], const sigset_t *signals, nacre_error *err)
{
    listener listeners[2] = {{.server = server, .wanted = addresses[0]},
                             {.server = server, .wanted = addresses[1], .is_s3 = true}};
    nacre_status status = listen_on(&listeners[0], options->listen, &server->address, err);
    if (status == NACRE_OK && options->s3_listen)
        status = listen_on(&listeners[1], options->s3_listen, &server->s3_address, err);
    if (status == NACRE_OK) {
        if (!options->quiet)
            say_addresses(server);
        wait_for_signal(signals);
    }
    stop(server, listeners, 2);
    return status;
}

/* Each part of an upload is an open file, and there may be 10 000 of them. */
static void allow_open_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    const rlim_t wanted = 65536;
    limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > wanted ? wanted : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

nacre_status ncr_emulator_run(const ncr_emulator_options *options, nacre_error *err)
{
    ncr_emulator_options filled = *options;
    filled.listen = options->listen ? options->listen : "127.0.0.1:0";
    struct sockaddr_in addresses[2] = {0};
    nacre_status status = parse_listen("--listen", filled.listen, &addresses[0], err);
    if (status == NACRE_OK && options->s3_listen)
        status = parse_listen("--s3-listen", options->s3_listen, &addresses[1], err);
    if (status != NACRE_OK)
        return status;
    allow_open_files();
    sigset_t signals, before;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, &before);
    ncr_emu_server server;
    status = server_init(&server, &filled, err);
    if (status == NACRE_OK)
        status = run(&server, &filled, addresses, &signals, err);
    server_clear(&server);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}
