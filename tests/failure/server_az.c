/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <dirent.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "server.h"

/* Azure Blob Storage as far as scenarios go: one account, containers that are folders of az/, keys FOLDER/NAME. It asks
 * who is there (a key's signature it takes unseen, a token must be the right one) and decides conditions. */

enum { BLOCKS = 8, BLOCK_BYTES = 9 << 20 };

typedef struct {
    char name[80];
    uint8_t *data;
    size_t size;
} block;

static block blocks[BLOCKS]; /* not committed; the oldest goes */
static unsigned block_count;
static char headers[1024];

static void refuse(test_answer *answer, int status, const char *code)
{
    static char body[256];
    snprintf(headers, sizeof headers, "x-ms-error-code: %s\r\nContent-Type: application/xml\r\n", code);
    snprintf(body, sizeof body, "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>No.</Message></Error>", code);
    answer->status = status;
    answer->headers = headers;
    answer->body = body;
    answer->body_size = strlen(body);
}

static bool may_ask(const test_request *request)
{
    char said[256];
    return strstr(request->target, "sig=") ||
           (test_request_header(request, "authorization", said, sizeof said) &&
            (strncmp(said, "SharedKey acct:", 15) == 0 || strcmp(said, "Bearer token") == 0));
}

static void etag_of(const uint8_t *data, size_t size, char out[32])
{
    snprintf(out, 32, "\"0x%lX%zX\"", crc32_z(0, data, size), size); /* quick */
}

static void md5_of(const uint8_t *data, size_t size, char out[32])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    EVP_Digest(data, size, digest, &length, EVP_md5(), NULL);
    EVP_EncodeBlock((unsigned char *)out, digest, (int)length);
}

/* --- Reading. --- */

static void describe(const uint8_t *data, size_t size, char *out, size_t room)
{
    char etag[32], md5[32];
    etag_of(data, size, etag);
    md5_of(data, size, md5);
    snprintf(out, room,
             "x-ms-blob-type: BlockBlob\r\nx-ms-blob-content-md5: %s\r\nContent-Type: application/octet-stream\r\n"
             "Last-Modified: Mon, 02 Jan 2023 03:04:05 GMT\r\n",
             md5);
}

static void answer_bytes(const test_request *request, const char *path, test_answer *answer)
{
    static test_object object;
    static char etag[32];
    if (!server_read_file(path, &object.data, &object.size)) {
        refuse(answer, 404, "BlobNotFound");
        return;
    }
    etag_of(object.data, object.size, etag);
    describe(object.data, object.size, headers, sizeof headers);
    object.etag = etag;
    object.headers = headers;
    test_object_answer(&object, request, answer);
    if (answer->status == 412)
        refuse(answer, 412, "ConditionNotMet");
}

static void answer_list(const char *container, const char *prefix, test_answer *answer)
{
    static char body[65536];
    char path[2048], folder[256];
    size_t at = (size_t)snprintf(body, sizeof body, "<?xml version=\"1.0\"?><EnumerationResults><Blobs>");
    const char *slash = strrchr(prefix, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - prefix) : 0, prefix);
    snprintf(path, sizeof path, "%s/%s", container, folder);
    DIR *stream = opendir(path);
    for (struct dirent *entry; stream && (entry = readdir(stream));) {
        const uint8_t *data;
        size_t size;
        char etag[32], key[600];
        snprintf(key, sizeof key, "%s/%s", folder, entry->d_name);
        snprintf(path, sizeof path, "%s/%s", container, key);
        if (entry->d_type != DT_REG || strncmp(key, prefix, strlen(prefix)) != 0 ||
            !server_read_file(path, &data, &size) || at > sizeof body - 2048)
            continue;
        etag_of(data, size, etag);
        at += (size_t)snprintf(body + at, sizeof body - at,
                               "<Blob><Name>%s</Name><Properties><Content-Length>%zu</Content-Length><Etag>%s</Etag>"
                               "<BlobType>BlockBlob</BlobType></Properties></Blob>",
                               key, size, etag);
    }
    if (stream)
        closedir(stream);
    snprintf(body + at, sizeof body - at, "</Blobs><NextMarker/></EnumerationResults>");
    answer->status = 200;
    answer->headers = "Content-Type: application/xml\r\n";
    answer->body = body;
    answer->body_size = strlen(body);
}

/* --- Writing. --- */

/* Whether a change may be made; else the answer says why not. */
static bool holds(const test_request *request, const char *path, test_answer *answer)
{
    const uint8_t *data;
    size_t size;
    char etag[32] = "", wanted[80];
    bool is_there = server_read_file(path, &data, &size);
    if (is_there)
        etag_of(data, size, etag);
    if (test_request_header(request, "if-none-match", wanted, sizeof wanted) && is_there) {
        refuse(answer, 409, "BlobAlreadyExists");
        return false;
    }
    if (test_request_header(request, "if-match", wanted, sizeof wanted) && strcmp(etag, wanted) != 0) {
        refuse(answer, 412, "ConditionNotMet");
        return false;
    }
    return true;
}

/* Folders of keys come and go with what is in them; those that scenarios have made stay. */
static void change_folder(const char *path, bool is_wanted)
{
    char folder[512];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    if (is_wanted)
        mkdir(folder, 0755);
    else if (strncmp(slash - 4, "/out", 4) != 0)
        rmdir(folder);
}

/* Makes an object at once and whole. */
static void write_file(const char *path, const uint8_t *data, size_t size, test_answer *answer)
{
    FILE *file = fopen("az/new", "wb");
    bool is_written = file && fwrite(data, 1, size, file) == size;
    if (file)
        is_written = fclose(file) == 0 && is_written;
    change_folder(path, true);
    if (!is_written || rename("az/new", path) != 0) {
        refuse(answer, 500, "InternalError");
        return;
    }
    describe(data, size, headers, sizeof headers);
    size_t at = strlen(headers);
    char etag[32];
    etag_of(data, size, etag);
    snprintf(headers + at, sizeof headers - at, "ETag: %s\r\nx-ms-copy-status: success\r\n", etag);
    answer->status = 201;
    answer->headers = headers;
}

static void take_block(const test_request *request, const char *name, test_answer *answer)
{
    block *b = &blocks[block_count++ % BLOCKS];
    b->data = b->data ? b->data : malloc(BLOCK_BYTES);
    if (!b->data || request->body_size > BLOCK_BYTES) {
        refuse(answer, 413, "RequestBodyTooLarge");
        return;
    }
    snprintf(b->name, sizeof b->name, "%.*s", (int)strcspn(name, "&"), name);
    memcpy(b->data, request->body, request->body_size);
    b->size = request->body_size;
    answer->status = 201;
    answer->headers = "";
}

static const block *find_block(const char *escaped)
{
    for (size_t i = 0; i < BLOCKS; i++)
        if (blocks[i].data && strcmp(blocks[i].name, escaped) == 0)
            return &blocks[i];
    return NULL;
}

/* As names stand in a query. */
static void escape(const char *text, size_t length, char *out, size_t room)
{
    size_t at = 0;
    for (size_t i = 0; i < length && at + 4 < room; i++)
        if (strchr("+/=", text[i]))
            at += (size_t)snprintf(out + at, room - at, "%%%02X", (unsigned char)text[i]);
        else
            out[at++] = text[i];
    out[at] = '\0';
}

static void commit_blocks(const test_request *request, const char *path, test_answer *answer)
{
    static uint8_t bytes[BLOCKS * (size_t)BLOCK_BYTES];
    size_t size = 0;
    const char *at = (const char *)request->body, *end = at + request->body_size;
    while ((at = memmem(at, (size_t)(end - at), "<Latest>", 8))) {
        char name[80];
        at += 8;
        const char *close = memchr(at, '<', (size_t)(end - at));
        escape(at, close ? (size_t)(close - at) : 0, name, sizeof name);
        const block *b = find_block(name);
        if (!b) {
            refuse(answer, 400, "InvalidBlockList");
            return;
        }
        memcpy(bytes + size, b->data, b->size);
        size += b->size;
    }
    write_file(path, bytes, size, answer);
}

/* The source is this server's own: http://HOST/acct/CONTAINER/KEY?... */
static void copy_file(const test_request *request, const char *source, const char *path, test_answer *answer)
{
    const uint8_t *data;
    size_t size;
    char from[256], etag[32], wanted[80];
    const char *key = strstr(source, "/acct/");
    snprintf(from, sizeof from, "az/%.*s", key ? (int)strcspn(key + 6, "?") : 0, key ? key + 6 : "");
    if (!server_read_file(from, &data, &size)) {
        refuse(answer, 404, "CannotVerifyCopySource");
        return;
    }
    etag_of(data, size, etag);
    if (test_request_header(request, "x-ms-source-if-match", wanted, sizeof wanted) && strcmp(etag, wanted) != 0)
        refuse(answer, 412, "SourceConditionNotMet");
    else
        write_file(path, data, size, answer);
}

static void answer_put(const test_request *request, const char *path, test_answer *answer)
{
    char source[2048];
    const char *id = strstr(request->target, "blockid=");
    if (id)
        take_block(request, id + strlen("blockid="), answer);
    else if (!holds(request, path, answer))
        return;
    else if (strstr(request->target, "comp=blocklist"))
        commit_blocks(request, path, answer);
    else if (test_request_header(request, "x-ms-copy-source", source, sizeof source))
        copy_file(request, source, path, answer);
    else
        write_file(path, request->body, request->body_size, answer);
}

static void answer_delete(const test_request *request, const char *path, test_answer *answer)
{
    if (!holds(request, path, answer))
        return;
    if (unlink(path) != 0) {
        refuse(answer, 404, "BlobNotFound");
        return;
    }
    change_folder(path, false);
    answer->status = 202;
    answer->headers = "";
}

/* "prefix=in%2F&..." */
static void prefix_of(const char *target, char *out, size_t room)
{
    size_t at = 0;
    const char *from = strstr(target, "prefix=");
    for (from = from ? from + strlen("prefix=") : ""; *from && *from != '&' && at + 1 < room; from++) {
        unsigned code;
        if (*from == '%' && sscanf(from + 1, "%2x", &code) == 1) {
            out[at++] = (char)code;
            from += 2;
        } else {
            out[at++] = *from;
        }
    }
    out[at] = '\0';
}

void server_az_answer(const test_request *request, test_answer *answer)
{
    char path[512], prefix[256];
    const char *key = request->target + strlen("/acct/");
    snprintf(path, sizeof path, "az/%.*s", (int)strcspn(key, "?"), key);
    if (!may_ask(request))
        refuse(answer, 401, "NoAuthenticationInformation");
    else if (strstr(path, ".."))
        refuse(answer, 400, "InvalidUri");
    else if (strstr(request->target, "comp=list&")) {
        prefix_of(request->target, prefix, sizeof prefix);
        answer_list(path, prefix, answer);
    } else if (strcmp(request->method, "PUT") == 0)
        answer_put(request, path, answer);
    else if (strcmp(request->method, "DELETE") == 0)
        answer_delete(request, path, answer);
    else
        answer_bytes(request, path, answer);
}
