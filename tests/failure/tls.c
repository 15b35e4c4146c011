/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"

/* Moves bytes between clients that speak TLS and a server that does not. */

static SSL_CTX *context;
static struct sockaddr_in behind; /* the server */

/* --- The certificate, which is its own authority. --- */

static bool add_extension(X509 *certificate, int kind, const char *value)
{
    X509V3_CTX where;
    X509V3_set_ctx_nodb(&where);
    X509V3_set_ctx(&where, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &where, kind, value);
    bool is_added = extension && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return is_added;
}

static bool make_certificate(const char *path)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    X509 *certificate = X509_new();
    if (!key || !certificate)
        return false;
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -86400);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)"a test's own CA", -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    bool is_made = add_extension(certificate, NID_subject_alt_name, "IP:127.0.0.1") &&
                   add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE") &&
                   X509_sign(certificate, key, EVP_sha256());
    FILE *file = is_made ? fopen(path, "w") : NULL;
    is_made = file && PEM_write_X509(file, certificate);
    if (file)
        fclose(file);
    return is_made && SSL_CTX_use_certificate(context, certificate) && SSL_CTX_use_PrivateKey(context, key);
}

/* --- One connection. --- */

static bool send_all(int fd, const char *data, size_t size)
{
    for (ssize_t sent; size; data += sent, size -= (size_t)sent)
        if ((sent = send(fd, data, size, MSG_NOSIGNAL)) <= 0)
            return false;
    return true;
}

/* Until one of them ends. */
static void move_bytes(SSL *client, int server)
{
    static const size_t piece = 16384;
    char data[16384];
    struct pollfd ends[] = {{.fd = SSL_get_fd(client), .events = POLLIN}, {.fd = server, .events = POLLIN}};
    for (;;) {
        if (!SSL_pending(client) && poll(ends, 2, -1) < 0)
            return;
        if (SSL_pending(client) || ends[0].revents) {
            int got = SSL_read(client, data, (int)piece);
            if (got <= 0 || !send_all(server, data, (size_t)got))
                return;
        }
        if (!SSL_pending(client) && ends[1].revents) {
            ssize_t got = recv(server, data, piece, 0);
            if (got <= 0 || SSL_write(client, data, (int)got) <= 0)
                return;
        }
        ends[0].revents = ends[1].revents = 0;
    }
}

static void *serve(void *user)
{
    int fd = (int)(intptr_t)user, on = 1, server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    SSL *client = SSL_new(context);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (client && SSL_set_fd(client, fd) && SSL_accept(client) > 0 &&
        connect(server, (const struct sockaddr *)&behind, sizeof behind) == 0)
        move_bytes(client, server);
    SSL_free(client);
    close(server);
    close(fd);
    return NULL;
}

void tls_run(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    signal(SIGPIPE, SIG_IGN);
    behind = address;
    behind.sin_port = htons((uint16_t)port);
    context = SSL_CTX_new(TLS_server_method());
    if (!context || !make_certificate("in/ca.pem") ||
        bind(listener, (const struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 64) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        return;
    printf("listening on https://127.0.0.1:%u\n", ntohs(address.sin_port));
    fflush(stdout);
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0;) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) == 0)
            pthread_detach(thread);
        else
            close(fd);
    }
}
