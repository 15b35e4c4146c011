/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef TEST_STORE_GS_MODEL_H
#define TEST_STORE_GS_MODEL_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "store/crc32c.h"
#include "store/ops.h"
#include "support/http_server.h"

/* A Google Cloud Storage of a few small objects that keeps its promises: generations, preconditions, resumable
 * sessions that end once. Tests put faults before and after what it does, and other writers between. */

enum { MODEL_OBJECTS = 4, MODEL_SIZE = 600 << 10 };

typedef struct model_object {
    char name[64];
    uint8_t *data;
    size_t size;
    unsigned generation; /* 0: there is none */
    unsigned writes;     /* how often something became visible here */
} model_object;

/* A resumable session; one that was begun and forgotten harms nobody. */
typedef struct model_session {
    uint8_t *data;
    size_t size;
    bool has_match, has_ended;
    unsigned match;
    char name[64], answer[600];
} model_session;

enum { MODEL_SESSIONS = 16 };

typedef struct model {
    model_object objects[MODEL_OBJECTS];
    unsigned generation; /* the last that was given */
    model_session sessions[MODEL_SESSIONS];
    unsigned session_count;
    /* Of the answer under way. */
    char body[600], headers[400];
    /* Set by tests: called before and after a request takes effect; after(): may spoil the answer. */
    void (*before)(struct model *m, const test_request *request, test_answer *answer);
    void (*after)(struct model *m, const test_request *request, test_answer *answer);
    unsigned count; /* of requests */
    int64_t age_ms; /* how old objects claim to be */
} model;

static inline model_object *model_find(model *m, const char *name)
{
    for (int i = 0; i < MODEL_OBJECTS; i++)
        if (strcmp(m->objects[i].name, name) == 0)
            return &m->objects[i];
    for (int i = 0; i < MODEL_OBJECTS; i++)
        if (!m->objects[i].name[0]) {
            memmove(m->objects[i].name, name, strnlen(name, sizeof m->objects[i].name - 1));
            return &m->objects[i];
        }
    return NULL;
}

static inline void model_write(model *m, const char *name, const void *data, size_t size)
{
    model_object *object = model_find(m, name);
    free(object->data);
    object->data = malloc(size + 1);
    memcpy(object->data, data, size);
    object->size = size;
    object->generation = ++m->generation;
    object->writes++;
}

static inline bool model_has(model *m, const char *name, const char *text)
{
    const model_object *object = model_find(m, name);
    return object->generation && object->size == strlen(text) && memcmp(object->data, text, object->size) == 0;
}

static inline void model_clear(model *m)
{
    for (int i = 0; i < MODEL_OBJECTS; i++)
        free(m->objects[i].data);
    for (int i = 0; i < MODEL_SESSIONS; i++)
        free(m->sessions[i].data);
}

static inline void model_reply(model *m, test_answer *answer, int status, const char *body)
{
    if (body != m->body)
        snprintf(m->body, sizeof m->body, "%s", body);
    answer->status = status;
    answer->headers = m->headers;
    answer->body = m->body;
    answer->body_size = strlen(m->body);
}

static inline void model_describe(model *m, const model_object *object, const char *before, const char *after)
{
    char crc[NCR_CRC32C_TEXT];
    time_t then = time(NULL) - m->age_ms / 1000;
    struct tm tm;
    char updated[40];
    ncr_crc32c_text(ncr_crc32c(0, object->data, object->size), crc);
    strftime(updated, sizeof updated, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&then, &tm));
    snprintf(m->body, sizeof m->body,
             "%s{\"name\":\"%s\",\"generation\":\"%u\",\"size\":\"%zu\",\"updated\":\"%s\",\"crc32c\":\"%s\","
             "\"contentType\":\"text/plain\"}%s",
             before, object->name, object->generation, object->size, updated, crc, after);
}

static inline bool model_number(const char *target, const char *name, unsigned *out)
{
    char key[40];
    snprintf(key, sizeof key, "%s=", name);
    const char *at = target;
    while ((at = strstr(at, key)) && at[-1] != '?' && at[-1] != '&')
        at++;
    return at && sscanf(at + strlen(key), "%u", out) == 1;
}

/* Whether the condition in a request's query holds. */
static inline bool model_allows(const char *target, const char *name, const model_object *object)
{
    unsigned wanted;
    return !model_number(target, name, &wanted) || wanted == object->generation;
}

/* The object whose name follows "/o/" the n-th time. */
static inline model_object *model_named(model *m, const char *target, const char *mark)
{
    char name[64];
    const char *at = strstr(target, mark);
    if (!at)
        return NULL;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(at + strlen(mark), "?/&"), at + strlen(mark));
    return model_find(m, name);
}

static inline void model_put(model *m, const test_request *request, test_answer *answer)
{
    char boundary[80] = "\r\n--", type[200] = "", name[64] = "";
    test_request_header(request, "content-type", type, sizeof type);
    snprintf(boundary + 4, sizeof boundary - 4, "%.60s", strstr(type, "boundary=") + 9);
    const char *body = (const char *)request->body, *end = body + request->body_size;
    const char *key = memmem(body, request->body_size, "\"name\":\"", 8);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(key + 8, "\""), key + 8);
    const char *first = memmem(key, (size_t)(end - key), "\r\n\r\n", 4);
    const char *last = memmem(first + 4, (size_t)(end - first - 4), boundary, strlen(boundary));
    if (!last) /* an empty object: its end is the part's head's */
        last = first + 4;
    if (!model_allows(request->target, "ifGenerationMatch", model_find(m, name))) {
        model_reply(m, answer, 412, "{}");
        return;
    }
    model_write(m, name, first + 4, (size_t)(last - first - 4));
    model_describe(m, model_find(m, name), "", "");
    model_reply(m, answer, 200, m->body);
}

static inline void model_begin_session(model *m, const test_request *request, test_answer *answer)
{
    model_object *object = model_named(m, request->target, "name=");
    if (!model_allows(request->target, "ifGenerationMatch", object)) {
        model_reply(m, answer, 412, "{}");
        return;
    }
    assert_true(m->session_count < MODEL_SESSIONS);
    model_session *session = &m->sessions[m->session_count++];
    session->data = malloc(MODEL_SIZE);
    session->has_match = model_number(request->target, "ifGenerationMatch", &session->match);
    snprintf(session->name, sizeof session->name, "%s", object->name);
    snprintf(m->headers, sizeof m->headers, "Location: http://127.0.0.1:1/session/%u\r\n", m->session_count);
    model_reply(m, answer, 200, "");
}

static inline void model_progress(model *m, const model_session *session, test_answer *answer)
{
    if (session->size)
        snprintf(m->headers, sizeof m->headers, "Range: bytes=0-%zu\r\n", session->size - 1);
    model_reply(m, answer, 308, "");
}

/* All bytes are there: the object appears, if it still may. */
static inline void model_end_session(model *m, model_session *session, test_answer *answer)
{
    if (session->has_match && model_find(m, session->name)->generation != session->match) {
        model_reply(m, answer, 412, "{}");
        return;
    }
    model_write(m, session->name, session->data, session->size);
    session->has_ended = true;
    model_describe(m, model_find(m, session->name), "", "");
    snprintf(session->answer, sizeof session->answer, "%s", m->body);
    model_reply(m, answer, 200, m->body);
}

/* A PUT to the session's URL: bytes, a question, or the end. */
static inline void model_feed(model *m, const test_request *request, test_answer *answer)
{
    char range[100] = "";
    unsigned id = 0;
    unsigned long long first, last, total = 0;
    sscanf(request->target, "/session/%u", &id);
    test_request_header(request, "content-range", range, sizeof range);
    if (strcmp(request->method, "DELETE") == 0 || !id || id > m->session_count) {
        model_reply(m, answer, strcmp(request->method, "DELETE") == 0 ? 499 : 410, "{}");
        return;
    }
    model_session *session = &m->sessions[id - 1];
    if (session->has_ended) { /* told again, as often as it is asked */
        model_reply(m, answer, 200, session->answer);
        return;
    }
    bool has_bytes = sscanf(range, "bytes %llu-%llu", &first, &last) == 2;
    if (has_bytes && first <= session->size && last + 1 - first == request->body_size) {
        memcpy(session->data + first, request->body, request->body_size);
        session->size = (size_t)last + 1;
    }
    bool knows_total = sscanf(strchr(range, '/') + 1, "%llu", &total) == 1;
    if (knows_total && session->size == total)
        model_end_session(m, session, answer);
    else
        model_progress(m, session, answer);
}

static inline void model_copy(model *m, const test_request *request, test_answer *answer)
{
    model_object *from = model_named(m, request->target, "/o/");
    model_object *to = model_named(m, strstr(request->target, "rewriteTo"), "/o/");
    if (!from->generation)
        model_reply(m, answer, 404, "{}");
    else if (!model_allows(request->target, "ifSourceGenerationMatch", from) ||
             !model_allows(request->target, "ifGenerationMatch", to))
        model_reply(m, answer, 412, "{}");
    else {
        model_write(m, to->name, from->data, from->size);
        model_describe(m, to, "{\"done\":true,\"resource\":", "}");
        model_reply(m, answer, 200, m->body);
    }
}

static inline void model_object_request(model *m, const test_request *request, test_answer *answer)
{
    model_object *object = model_named(m, request->target, "/o/");
    bool is_delete = strcmp(request->method, "DELETE") == 0;
    if (!object->generation)
        model_reply(m, answer, 404, "{}");
    else if (!model_allows(request->target, "ifGenerationMatch", object))
        model_reply(m, answer, 412, "{}");
    else if (is_delete) {
        object->generation = 0;
        model_reply(m, answer, 204, "");
    } else {
        model_describe(m, object, "", "");
        model_reply(m, answer, 200, m->body);
    }
}

static inline void model_answer(void *user, const test_request *request, test_answer *answer)
{
    model *m = user;
    const char *target = request->target;
    m->count++;
    *answer = (test_answer){0};
    time_t now = time(NULL);
    struct tm tm;
    strftime(m->headers, sizeof m->headers, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&now, &tm));
    if (m->before)
        m->before(m, request, answer);
    if (answer->status)
        return;
    if (strncmp(target, "/session/", 9) == 0)
        model_feed(m, request, answer);
    else if (strstr(target, "uploadType=multipart"))
        model_put(m, request, answer);
    else if (strstr(target, "uploadType=resumable"))
        model_begin_session(m, request, answer);
    else if (strstr(target, "/rewriteTo/"))
        model_copy(m, request, answer);
    else
        model_object_request(m, request, answer);
    if (m->after)
        m->after(m, request, answer);
}

#endif
