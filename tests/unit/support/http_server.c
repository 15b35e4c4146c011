/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "support/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 4096, MAX_REQUESTS = 16384, MAX_HEAD = 32768 };

typedef struct {
    test_server *server;
    unsigned index;
} connection;

struct test_server {
    test_handler handler;
    void *user;
    bool is_lasting;
    int listener;
    unsigned port;
    pthread_t acceptor;
    pthread_mutex_t lock;
    pthread_cond_t stopping_changed;
    /* Guarded by lock. */
    bool is_stopping;
    unsigned connection_count, request_count;
    int sockets[MAX_CONNECTIONS]; /* -1: closed */
    pthread_t threads[MAX_CONNECTIONS];
    test_request *requests[MAX_REQUESTS];
};

/* Waits, but not beyond the server's end; false when it ends. */
static bool wait_ms(test_server *server, unsigned ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&server->lock);
    int result = 0;
    while (!server->is_stopping && result == 0)
        result = pthread_cond_timedwait(&server->stopping_changed, &server->lock, &until);
    bool goes_on = !server->is_stopping;
    pthread_mutex_unlock(&server->lock);
    return goes_on;
}

static bool send_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* --- Reading a request. --- */

typedef struct {
    int fd;
    char data[MAX_HEAD];
    size_t size;
} reader;

static bool read_more(reader *r)
{
    if (r->size + 1 >= sizeof r->data)
        return false;
    ssize_t got = recv(r->fd, r->data + r->size, sizeof r->data - 1 - r->size, 0);
    if (got <= 0)
        return false;
    r->size += (size_t)got;
    r->data[r->size] = '\0';
    return true;
}

static bool read_body(reader *r, test_request *request)
{
    char text[32];
    size_t size = test_request_header(request, "content-length", text, sizeof text) ? strtoul(text, NULL, 10) : 0;
    request->body_size = size;
    request->body = malloc(size + 1);
    size_t have = r->size < size ? r->size : size;
    memcpy(request->body, r->data, have);
    memmove(r->data, r->data + have, r->size - have);
    r->size -= have;
    while (have < size) {
        ssize_t got = recv(r->fd, request->body + have, size - have, 0);
        if (got <= 0)
            return false;
        have += (size_t)got;
    }
    return true;
}

static void free_request(test_request *request)
{
    if (!request)
        return;
    free(request->headers);
    free(request->body);
    free(request);
}

static test_request *read_request(reader *r)
{
    char *end;
    r->data[r->size] = '\0';
    while (!(end = strstr(r->data, "\r\n\r\n")))
        if (!read_more(r) || (unsigned char)r->data[0] < 'A') /* such as TLS */
            return NULL;
    test_request *request = calloc(1, sizeof *request);
    char *first = strstr(r->data, "\r\n");
    sscanf(r->data, "%15s %2047s", request->method, request->target);
    request->headers = calloc(1, (size_t)(end - first) + 3);
    char *out = request->headers;
    for (const char *c = first + 2; c < end + 2; c++)
        if (*c != '\r')
            *out++ = *c;
    size_t head = (size_t)(end + 4 - r->data);
    memmove(r->data, end + 4, r->size - head);
    r->size -= head;
    if (!read_body(r, request)) {
        free_request(request);
        return NULL;
    }
    return request;
}

bool test_request_header(const test_request *request, const char *name, char *out, size_t out_size)
{
    size_t length = strlen(name);
    for (const char *line = request->headers; line && *line;) {
        const char *end = strchrnul(line, '\n');
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            const char *value = line + length + 1;
            value += *value == ' ';
            snprintf(out, out_size, "%.*s", (int)(end - value), value);
            return true;
        }
        line = *end ? end + 1 : end;
    }
    return false;
}

/* --- Sending an answer. --- */

static size_t format_head(const test_answer *answer, char *out, size_t out_size)
{
    int size =
        snprintf(out, out_size, "HTTP/1.1 %d Answer\r\n%s", answer->status, answer->headers ? answer->headers : "");
    size_t at = (size_t)size;
    if (answer->is_chunked)
        at += (size_t)snprintf(out + at, out_size - at, "Transfer-Encoding: chunked\r\n");
    else if (!answer->no_length && answer->status != 304 && answer->status != 204)
        at += (size_t)snprintf(out + at, out_size - at, "Content-Length: %zu\r\n",
                               answer->claimed_size ? answer->claimed_size : answer->body_size);
    return at + (size_t)snprintf(out + at, out_size - at, "\r\n");
}

static void end_with_reset(int fd)
{
    struct linger linger = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

/* The whole answer as bytes on the wire. */
static char *format_answer(const test_answer *answer, bool is_head, size_t *size, size_t *head_size)
{
    char *out = malloc(MAX_HEAD + answer->body_size + 64);
    size_t at = *head_size = format_head(answer, out, MAX_HEAD);
    if (!is_head && answer->is_chunked && answer->body_size)
        at += (size_t)snprintf(out + at, 32, "%zx\r\n", answer->body_size);
    if (!is_head && answer->body_size) {
        memcpy(out + at, answer->body, answer->body_size);
        at += answer->body_size;
    }
    if (!is_head && answer->is_chunked) {
        const char *end = answer->body_size ? "\r\n0\r\n\r\n" : "0\r\n\r\n";
        memcpy(out + at, end, strlen(end));
        at += strlen(end);
    }
    *size = at;
    return out;
}

static bool send_dripping(test_server *server, int fd, const test_answer *answer, const char *data, size_t size)
{
    if (!answer->drip_size)
        return send_all(fd, data, size);
    for (size_t at = 0; at < size; at += answer->drip_size) {
        size_t piece = size - at < answer->drip_size ? size - at : answer->drip_size;
        if (!send_all(fd, data + at, piece) || !wait_ms(server, answer->drip_ms))
            return false;
    }
    return true;
}

/* False where the connection is to be closed. data is the wire's bytes. */
static bool send_answer(test_server *server, int fd, const test_answer *answer, const char *data, size_t size,
                        size_t head_size)
{
    if (answer->delay_ms && !wait_ms(server, answer->delay_ms))
        return false;
    size_t wanted = size;
    if (answer->cut_after && answer->cut_after < wanted)
        wanted = answer->cut_after;
    if (answer->cut_body_after1 && head_size + answer->cut_body_after1 - 1 < wanted)
        wanted = head_size + answer->cut_body_after1 - 1;
    if (!answer->status)
        wanted = 0;
    bool goes_on = send_dripping(server, fd, answer, data, wanted);
    if (answer->hang)
        while (wait_ms(server, 1000))
            continue;
    if (answer->reset)
        end_with_reset(fd);
    return goes_on && wanted == size && !answer->reset && !answer->close && !answer->no_length && answer->status;
}

/* Records the request, asks the handler and sends what it says. */
static bool serve_one(test_server *server, int fd, test_request *request)
{
    test_answer answer = {.status = 500};
    pthread_mutex_lock(&server->lock);
    request->index = server->request_count;
    if (!server->is_lasting && server->request_count < MAX_REQUESTS)
        server->requests[server->request_count++] = request;
    server->handler(server->user, request, &answer);
    size_t size, head_size;
    char *data = format_answer(&answer, strcmp(request->method, "HEAD") == 0, &size, &head_size);
    pthread_mutex_unlock(&server->lock);
    bool goes_on = send_answer(server, fd, &answer, data, size, head_size);
    free(data);
    if (server->is_lasting)
        free_request(request);
    return goes_on;
}

static void *serve_connection(void *user)
{
    connection *c = user;
    test_server *server = c->server;
    pthread_mutex_lock(&server->lock);
    int fd = server->sockets[c->index];
    pthread_mutex_unlock(&server->lock);
    reader *r = calloc(1, sizeof *r);
    r->fd = fd;
    for (test_request *request; (request = read_request(r));) {
        request->connection = c->index;
        if (!serve_one(server, fd, request))
            break;
    }
    free(r);
    pthread_mutex_lock(&server->lock);
    server->sockets[c->index] = -1;
    close(fd);
    pthread_mutex_unlock(&server->lock);
    free(c);
    return NULL;
}

/* A place for a connection: a lasting server's are used again. */
static unsigned free_place(const test_server *server)
{
    for (unsigned i = 0; server->is_lasting && i < server->connection_count; i++)
        if (server->sockets[i] < 0)
            return i;
    return server->connection_count;
}

static void *accept_connections(void *user)
{
    test_server *server = user;
    for (;;) {
        int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
        pthread_mutex_lock(&server->lock);
        unsigned index = free_place(server);
        if (fd < 0 || server->is_stopping || index == MAX_CONNECTIONS) {
            pthread_mutex_unlock(&server->lock);
            if (fd >= 0)
                close(fd);
            return NULL;
        }
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        connection *c = malloc(sizeof *c);
        *c = (connection){server, index};
        server->sockets[index] = fd;
        server->connection_count += index == server->connection_count;
        pthread_create(&server->threads[index], NULL, serve_connection, c);
        if (server->is_lasting)
            pthread_detach(server->threads[index]);
        pthread_mutex_unlock(&server->lock);
    }
}

static test_server *start(test_handler handler, void *user, bool is_lasting)
{
    test_server *server = calloc(1, sizeof *server);
    server->is_lasting = is_lasting;
    server->handler = handler;
    server->user = user;
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->stopping_changed, NULL);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(server->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server->listener, 512) != 0 || getsockname(server->listener, (struct sockaddr *)&address, &size) != 0 ||
        pthread_create(&server->acceptor, NULL, accept_connections, server) != 0) {
        close(server->listener);
        free(server);
        return NULL;
    }
    server->port = ntohs(address.sin_port);
    return server;
}

test_server *test_server_start(test_handler handler, void *user)
{
    return start(handler, user, false);
}

test_server *test_server_start_lasting(test_handler handler, void *user)
{
    return start(handler, user, true);
}

void test_server_stop(test_server *server)
{
    if (!server)
        return;
    pthread_mutex_lock(&server->lock);
    server->is_stopping = true;
    pthread_cond_broadcast(&server->stopping_changed);
    for (unsigned i = 0; i < server->connection_count; i++)
        if (server->sockets[i] >= 0)
            shutdown(server->sockets[i], SHUT_RDWR);
    pthread_mutex_unlock(&server->lock);
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->acceptor, NULL);
    for (unsigned i = 0; i < server->connection_count; i++)
        pthread_join(server->threads[i], NULL);
    close(server->listener);
    for (unsigned i = 0; i < server->request_count; i++)
        free_request(server->requests[i]);
    pthread_mutex_destroy(&server->lock);
    pthread_cond_destroy(&server->stopping_changed);
    free(server);
}

unsigned test_server_port(const test_server *server)
{
    return server->port;
}

unsigned test_server_request_count(test_server *server)
{
    pthread_mutex_lock(&server->lock);
    unsigned count = server->request_count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

unsigned test_server_connection_count(test_server *server)
{
    pthread_mutex_lock(&server->lock);
    unsigned count = server->connection_count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

const test_request *test_server_request(test_server *server, unsigned index)
{
    pthread_mutex_lock(&server->lock);
    const test_request *request = index < server->request_count ? server->requests[index] : NULL;
    pthread_mutex_unlock(&server->lock);
    return request;
}

/* --- A good server of one object. --- */

static void answer_range(test_object *object, test_answer *answer, const char *range, char *at, size_t room)
{
    unsigned long long first = 0, last = object->size ? object->size - 1 : 0;
    sscanf(range, "bytes=%llu-%llu", &first, &last);
    if (first >= object->size) {
        answer->status = 416;
        snprintf(at, room, "Content-Range: bytes */%zu\r\n", object->size);
        return;
    }
    if (last >= object->size)
        last = object->size - 1;
    answer->status = 206;
    snprintf(at, room, "Content-Range: bytes %llu-%llu/%zu\r\n", first, last, object->size);
    answer->body = object->data + first;
    answer->body_size = (size_t)(last - first + 1);
}

void test_object_answer(test_object *object, const test_request *request, test_answer *answer)
{
    char value[256];
    int used =
        snprintf(object->storage, sizeof object->storage, "%s%s%s%s", object->etag ? "ETag: " : "",
                 object->etag ? object->etag : "", object->etag ? "\r\n" : "", object->headers ? object->headers : "");
    answer->headers = object->storage;
    if (object->etag && test_request_header(request, "if-match", value, sizeof value) &&
        strcmp(value, object->etag) != 0) {
        answer->status = 412;
        return;
    }
    if (object->etag && test_request_header(request, "if-none-match", value, sizeof value) &&
        strcmp(value, object->etag) == 0) {
        answer->status = 304;
        return;
    }
    if (test_request_header(request, "range", value, sizeof value)) {
        answer_range(object, answer, value, object->storage + used, sizeof object->storage - (size_t)used);
        return;
    }
    answer->status = 200;
    answer->body = object->data;
    answer->body_size = object->size;
}

uint8_t *test_bytes(size_t size, unsigned seed)
{
    uint8_t *bytes = malloc(size ? size : 1);
    uint32_t state = seed * 2654435761u + 1;
    for (size_t i = 0; bytes && i < size; i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(state >> 24);
    }
    return bytes;
}
