/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef TEST_STORE_SCRIPT_H
#define TEST_STORE_SCRIPT_H

#include <stdio.h>

#include "store/ops.h"
#include "support/http_server.h"

/* A server that knows what it will be asked: each step is one request line and its answer. Requests that go out
 * together may come in any order; anything that is not in the script, and any step that is not asked for, fails the
 * test. */
typedef struct step {
    const char *line;    /* "GET /target" */
    const char *header;  /* a header that the request must have, "Range: bytes=0-3"; "!Range" must not; NULL: any */
    int status;          /* 0: the connection is closed */
    const char *headers; /* of the answer */
    const char *body;
    const char *sends; /* what the request's body must hold; NULL: anything */
} step;

enum { SCRIPT_MOST = 48 };

typedef struct script {
    const step *steps; /* up to one without line */
    size_t count;
    bool used[SCRIPT_MOST];
    char unexpected[2400];
    test_server *server;
} script;

static inline bool header_is_right(const step *s, const test_request *request)
{
    char name[64], value[1024];
    if (!s->header)
        return true;
    if (s->header[0] == '!')
        return !test_request_header(request, s->header + 1, value, sizeof value);
    const char *colon = strstr(s->header, ": ");
    snprintf(name, sizeof name, "%.*s", (int)(colon - s->header), s->header);
    return test_request_header(request, name, value, sizeof value) && strcmp(value, colon + 2) == 0;
}

static inline void answer_by_script(void *user, const test_request *request, test_answer *answer)
{
    script *s = user;
    char line[2200];
    snprintf(line, sizeof line, "%s %s", request->method, request->target);
    for (size_t i = 0; i < s->count; i++) {
        const step *at = &s->steps[i];
        if (s->used[i] || strcmp(at->line, line) != 0 || !header_is_right(at, request))
            continue;
        if (at->sends && !memmem(request->body, request->body_size, at->sends, strlen(at->sends)))
            continue;
        s->used[i] = true;
        answer->status = at->status;
        answer->headers = at->headers;
        answer->body = at->body;
        answer->body_size = at->body ? strlen(at->body) : 0;
        return;
    }
    snprintf(s->unexpected, sizeof s->unexpected, "%s\n%.150s", line, request->headers);
    answer->status = 418;
}

/* Starts a server with a script; returns its port. */
static inline unsigned script_start(script *s, const step *steps)
{
    *s = (script){.steps = steps};
    while (steps[s->count].line)
        s->count++;
    assert_true(s->count <= SCRIPT_MOST);
    s->server = test_server_start(answer_by_script, s);
    assert_non_null(s->server);
    return test_server_port(s->server);
}

/* Ends it, and fails unless all of the script and nothing else was asked for. */
static inline void script_end(script *s)
{
    test_server_stop(s->server);
    if (s->unexpected[0])
        fail_msg("not in the script: %s", s->unexpected);
    for (size_t i = 0; i < s->count; i++)
        if (!s->used[i])
            fail_msg("not asked for: %s (%s)", s->steps[i].line, s->steps[i].header ? s->steps[i].header : "");
}

/* --- A call, a store on a server with a script, and an object in it. --- */

typedef struct fixture {
    script script;
    ncr_call *call;
    ncr_store *store;
    ncr_object *object;
    uint8_t buffer[16];
    ncr_get get; /* of the object's first four bytes into buffer, after an answer of round 2 */
    nacre_error err;
} fixture;

/* Begins it but for what needs a call, for whose configuration the server's port is returned. */
static inline unsigned fixture_start(fixture *f, const step *steps)
{
    memset(f, 0, sizeof *f);
    return script_start(&f->script, steps);
}

/* The rest; the call is the fixture's from now on. */
static inline void fixture_open(fixture *f, ncr_call *call, const char *scheme, const char *location, bool anonymous)
{
    f->call = call;
    f->store = open_store(scheme, location, anonymous, call);
}

static inline void fixture_set_object(fixture *f, const char *bucket, const char *key, const char *name)
{
    f->object = ncr_object_new(f->store, bucket, key, name, false);
    assert_non_null(f->object);
    f->get = (ncr_get){.object = f->object, .call = f->call, .length = 4, .buffer = f->buffer, .needed_round = 2};
}

/* Puts "hello world" at the object by its class's own put; out is what came of it. */
static inline nacre_status put(fixture *f, const ncr_condition *condition, ncr_put *out)
{
    *out = (ncr_put){.object = f->object, .call = f->call, .content_type = "text/plain", .data = "hello world"};
    out->size = 11;
    out->outcome = (ncr_outcome)-1;
    if (condition)
        out->condition = *condition;
    return f->store->class->put(out, &f->err);
}

/* Ends it, and fails unless the script was followed. */
static inline void end(fixture *f)
{
    ncr_object_unref(f->object);
    ncr_store_unref(f->store);
    script_end(&f->script);
    ncr_call_unref(f->call);
}

#endif
