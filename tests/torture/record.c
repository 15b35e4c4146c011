/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LINE = 1600, MORE = 700 };

static operation begin(worker *w, const char *event, const char *key)
{
    return (operation){
        .w = w, .event = event, .key = key, .number = (uint64_t)w->thread << 40 | ++w->records, .begun_ns = now_ns()};
}

static int line(const operation *op, int64_t time, const char *phase, const char *more, char *out, size_t size)
{
    return snprintf(out, size,
                    "{\"time\": %" PRId64 ", \"process\": \"%s\", \"thread\": %u, \"object\": \"%s\", \"event\": \"%s\""
                    ", \"op\": %" PRIu64 ", \"phase\": \"%s\"%s}\n",
                    time, op->w->process, op->w->thread, op->key, op->event, op->number, phase, more);
}

operation record_change(worker *w, const char *event, const char *key, const char *more)
{
    char text[LINE];
    operation op = begin(w, event, key);
    line(&op, op.begun_ns, "begun", more, text, sizeof text);
    trace_line(w, text);
    return op;
}

void record_change_ended(const operation *op, nacre_status status, const char *outcome, const char *more)
{
    int64_t time = op->ended_ns ? op->ended_ns : now_ns();
    char text[LINE], all[MORE];
    snprintf(all, sizeof all, ", \"outcome\": \"%s\", \"status\": %d%s", outcome, status, more);
    line(op, time, "ended", all, text, sizeof text);
    trace_line(op->w, text);
}

operation record_look(worker *w, const char *event, const char *key)
{
    return begin(w, event, key);
}

void record_looked(const operation *op, const char *begun_more, nacre_status status, const char *outcome,
                   const char *more)
{
    int64_t time = op->ended_ns ? op->ended_ns : now_ns();
    char text[2 * LINE], all[MORE];
    int length = line(op, op->begun_ns, "begun", begun_more, text, LINE);
    snprintf(all, sizeof all, ", \"outcome\": \"%s\", \"status\": %d%s", outcome, status, more);
    line(op, time, "ended", all, text + length, sizeof text - (size_t)length);
    trace_line(op->w, text);
}

void record_close(const worker *w, const held *h)
{
    char text[LINE];
    snprintf(text, sizeof text,
             "{\"time\": %" PRId64 ", \"process\": \"%s\", \"thread\": %u, \"object\": \"%s\", \"event\": \"close\""
             ", \"handle\": %" PRIu64 "}\n",
             now_ns(), w->process, w->thread, h->key, h->id);
    trace_line(w, text);
}

const char *change_outcome(nacre_status status)
{
    switch (status) {
    case NACRE_OK:
        return "done";
    case NACRE_ERROR_NOT_FOUND:
    case NACRE_ERROR_DENIED:
    case NACRE_ERROR_EXISTS:
    case NACRE_ERROR_CHANGED:
    case NACRE_ERROR_UNSUPPORTED:
    case NACRE_ERROR_INVALID:
        return "not-done";
    default:
        return "unknown";
    }
}

const char *look_outcome(nacre_status status)
{
    switch (status) {
    case NACRE_OK:
        return "ok";
    case NACRE_ERROR_NOT_FOUND:
        return "absent";
    case NACRE_ERROR_OFFLINE:
        return "offline";
    case NACRE_ERROR_CHANGED:
        return "changed";
    default:
        return "failed";
    }
}

static void add_text(char *text, size_t size, const char *name, const char *value)
{
    size_t at = strlen(text);
    at += (size_t)snprintf(text + at, size - at, ", \"%s\": \"", name);
    for (; *value && at + 4 < size; value++) {
        if (*value == '"' || *value == '\\')
            text[at++] = '\\';
        text[at++] = *value;
    }
    text[at++] = '"';
    text[at] = '\0';
}

void add_version(char *text, size_t size, const char *version)
{
    if (version && version[0])
        add_text(text, size, "version", version);
}

void add_failure(char *text, size_t size, nacre_status status, const nacre_error *err)
{
    if (strcmp(look_outcome(status), "failed") == 0)
        add_text(text, size, "said", err->message);
}

void add_values(char *text, size_t size, const content_seen *seen)
{
    size_t at = strlen(text);
    if (seen->count == 1)
        at += (size_t)snprintf(text + at, size - at, ", \"value\": %u", seen->values[0]);
    for (unsigned i = 0; seen->count > 1 && i < seen->count; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%u%s", i ? ", " : ", \"values\": [", seen->values[i],
                               i + 1 == seen->count ? "]" : "");
}
