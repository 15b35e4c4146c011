/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "faults.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "emulator.h"

static const struct {
    const char *name, *help;
} kinds[NCR_EMU_FAULT_COUNT] = {
    [NCR_EMU_FAULT_500] = {"500", "answers 500 and does nothing"},
    [NCR_EMU_FAULT_502] = {"502", "answers 502 and does nothing"},
    [NCR_EMU_FAULT_503] = {"503", "answers 503 with Retry-After: 0 and does nothing"},
    [NCR_EMU_FAULT_504] = {"504", "answers 504 and does nothing"},
    [NCR_EMU_FAULT_408] = {"408", "answers 408 and does nothing"},
    [NCR_EMU_FAULT_429] = {"429", "answers 429 with Retry-After: 0 and does nothing"},
    [NCR_EMU_FAULT_RESET] = {"reset", "does nothing and resets the connection before any header"},
    [NCR_EMU_FAULT_LOST] = {"lost", "carries the request out and resets the connection before any header"},
    [NCR_EMU_FAULT_CUT] = {"cut", "closes the connection after half of the body"},
    [NCR_EMU_FAULT_STALL] = {"stall", "sends half of the body, then nothing for a minute"},
    [NCR_EMU_FAULT_SLOW] = {"slow", "answers a second later"},
    [NCR_EMU_FAULT_NORANGE] = {"norange", "ignores Range: 200 with everything"},
    [NCR_EMU_FAULT_WRONGRANGE] = {"wrongrange", "206 with a range that begins one byte later than asked"},
    [NCR_EMU_FAULT_CHANGED_ETAG] = {"changed-etag", "the answer tells another generation and ETag"},
    [NCR_EMU_FAULT_NO_VALIDATOR] = {"novalidator", "the answer tells no generation, ETag or Last-Modified"},
    [NCR_EMU_FAULT_NO_PRECONDITION] = {"noprecondition", "ignores preconditions and generation="},
    [NCR_EMU_FAULT_BLIND] = {"blind", "noprecondition and novalidator at once"},
    [NCR_EMU_FAULT_STALE] = {"stale", "anonymous reads without generation= see the version before, as from a cache"},
    [NCR_EMU_FAULT_CONFLICT] = {"conflict", "S3: a write with a condition does nothing and answers 409"},
    [NCR_EMU_FAULT_LATE_ERROR] = {"late-error",
                                  "S3: a copy or completion does nothing and answers 200 with an error in it"},
    [NCR_EMU_FAULT_GARBLED] = {"garbled", "the body's bytes are inverted, its hashes as they were"},
};

typedef struct fault_rule {
    struct fault_rule *next;
    ncr_emu_fault fault;
    uint64_t every, left, skip; /* of the requests that match; left: how often it may still be due */
    char *method, *path;        /* NULL: any; path is a part of the target */
    uint64_t seen, due;
} fault_rule;

struct ncr_emu_faults {
    pthread_mutex_t lock;
    fault_rule *first; /* guarded by lock */
};

const char *ncr_emu_fault_name(ncr_emu_fault_kind kind)
{
    return kind > NCR_EMU_FAULT_NONE && kind < NCR_EMU_FAULT_COUNT ? kinds[kind].name : "";
}

bool ncr_emu_fault_ignores_conditions(const ncr_emu_fault *fault)
{
    return fault->kind == NCR_EMU_FAULT_NO_PRECONDITION || fault->kind == NCR_EMU_FAULT_BLIND;
}

bool ncr_emu_fault_hides_validators(const ncr_emu_fault *fault)
{
    return fault->kind == NCR_EMU_FAULT_NO_VALIDATOR || fault->kind == NCR_EMU_FAULT_BLIND;
}

bool ncr_emulator_fault_kind(size_t index, const char **name, const char **help)
{
    if (index + 1 >= NCR_EMU_FAULT_COUNT)
        return false;
    *name = kinds[index + 1].name;
    *help = kinds[index + 1].help;
    return true;
}

static void rules_free(fault_rule *rule)
{
    while (rule) {
        fault_rule *next = rule->next;
        free(rule->method);
        free(rule->path);
        free(rule);
        rule = next;
    }
}

ncr_emu_faults *ncr_emu_faults_new(void)
{
    ncr_emu_faults *faults = calloc(1, sizeof *faults);
    if (faults)
        pthread_mutex_init(&faults->lock, NULL);
    return faults;
}

void ncr_emu_faults_free(ncr_emu_faults *faults)
{
    if (!faults)
        return;
    rules_free(faults->first);
    pthread_mutex_destroy(&faults->lock);
    free(faults);
}

static ncr_emu_fault_kind kind_from_name(const char *name)
{
    for (int kind = 1; kind < NCR_EMU_FAULT_COUNT; kind++)
        if (strcmp(kinds[kind].name, name) == 0)
            return (ncr_emu_fault_kind)kind;
    return NCR_EMU_FAULT_NONE;
}

static fault_rule *rule_new(const char *kind, uint64_t every, nacre_error *err)
{
    ncr_emu_fault_kind known = kind_from_name(kind);
    if (known == NCR_EMU_FAULT_NONE || every == 0) {
        ncr_error_set(err, NACRE_ERROR_INVALID, "--fault %s: no such kind of fault, or not a count", kind);
        return NULL;
    }
    fault_rule *rule = calloc(1, sizeof *rule);
    if (!rule) {
        ncr_error_memory(err);
        return NULL;
    }
    rule->fault.kind = known;
    rule->fault.milliseconds = known == NCR_EMU_FAULT_STALL ? 60000 : 1000;
    rule->fault.retry_after = known == NCR_EMU_FAULT_429 || known == NCR_EMU_FAULT_503 ? 0 : -1;
    rule->every = every;
    rule->left = UINT64_MAX;
    return rule;
}

static fault_rule *rule_from_text(const char *text, nacre_error *err)
{
    const char *colon = strrchr(text, ':');
    char *kind = ncr_text_copy_n(text, colon ? (size_t)(colon - text) : strlen(text));
    uint64_t every = 1;
    bool good = kind && (!colon || ncr_text_to_uint64(colon + 1, &every));
    fault_rule *rule = NULL;
    if (good)
        rule = rule_new(kind, every, err);
    else
        ncr_error_set(err, NACRE_ERROR_INVALID, "--fault %s: give KIND:N, as in 503:10", text);
    free(kind);
    return rule;
}

static fault_rule *rule_from_json(const json_t *value, nacre_error *err)
{
    if (json_is_string(value))
        return rule_from_text(json_string_value(value), err);
    const char *kind = "", *method = NULL, *path = NULL;
    json_int_t every = 1, count = -1, skip = 0;
    double milliseconds = -1;
    int retry_after = -2;
    json_error_t reason;
    if (json_unpack_ex((json_t *)value, &reason, JSON_STRICT, "{s:s, s?I, s?I, s?I, s?s, s?s, s?F, s?i}", "kind", &kind,
                       "every", &every, "count", &count, "skip", &skip, "method", &method, "path", &path, "ms",
                       &milliseconds, "retry_after", &retry_after) != 0) {
        ncr_error_set(err, NACRE_ERROR_INVALID, "/emulator/fault: %s", reason.text);
        return NULL;
    }
    fault_rule *rule = rule_new(kind, every > 0 ? (uint64_t)every : 0, err);
    if (!rule)
        return NULL;
    rule->left = count < 0 ? UINT64_MAX : (uint64_t)count;
    rule->skip = skip < 0 ? 0 : (uint64_t)skip;
    rule->method = ncr_text_copy(method);
    rule->path = ncr_text_copy(path);
    if (milliseconds >= 0)
        rule->fault.milliseconds = milliseconds;
    if (retry_after >= -1)
        rule->fault.retry_after = retry_after;
    return rule;
}

static void append_rule(fault_rule **first, fault_rule *rule)
{
    while (*first)
        first = &(*first)->next;
    *first = rule;
}

nacre_status ncr_emu_faults_add(ncr_emu_faults *faults, const char *text, nacre_error *err)
{
    fault_rule *rule = rule_from_text(text, err);
    if (!rule)
        return NACRE_ERROR_INVALID;
    pthread_mutex_lock(&faults->lock);
    append_rule(&faults->first, rule);
    pthread_mutex_unlock(&faults->lock);
    return NACRE_OK;
}

nacre_status ncr_emu_faults_set(ncr_emu_faults *faults, const json_t *rules, nacre_error *err)
{
    if (!json_is_array(rules))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "/emulator/fault: send a JSON array of rules");
    fault_rule *first = NULL;
    size_t index;
    json_t *value;
    json_array_foreach (rules, index, value) {
        fault_rule *rule = rule_from_json(value, err);
        if (!rule) {
            rules_free(first);
            return NACRE_ERROR_INVALID;
        }
        append_rule(&first, rule);
    }
    pthread_mutex_lock(&faults->lock);
    fault_rule *old = faults->first;
    faults->first = first;
    pthread_mutex_unlock(&faults->lock);
    rules_free(old);
    return NACRE_OK;
}

json_t *ncr_emu_faults_describe(ncr_emu_faults *faults)
{
    json_t *out = json_array();
    pthread_mutex_lock(&faults->lock);
    for (const fault_rule *rule = faults->first; rule; rule = rule->next) {
        json_t *line = json_pack("{s:s, s:I, s:I, s:I}", "kind", kinds[rule->fault.kind].name, "every",
                                 (json_int_t)rule->every, "seen", (json_int_t)rule->seen, "due", (json_int_t)rule->due);
        if (rule->method)
            json_object_set_new(line, "method", json_string(rule->method));
        if (rule->path)
            json_object_set_new(line, "path", json_string(rule->path));
        json_array_append_new(out, line);
    }
    pthread_mutex_unlock(&faults->lock);
    return out;
}

bool ncr_emu_faults_have(ncr_emu_faults *faults, ncr_emu_fault_kind kind)
{
    bool found = false;
    pthread_mutex_lock(&faults->lock);
    for (const fault_rule *rule = faults->first; rule && !found; rule = rule->next)
        found = rule->fault.kind == kind;
    pthread_mutex_unlock(&faults->lock);
    return found;
}

static bool is_due(fault_rule *rule, const char *method, const char *path)
{
    if ((rule->method && strcmp(rule->method, method) != 0) || (rule->path && !strstr(path, rule->path)))
        return false;
    rule->seen++;
    if (rule->seen <= rule->skip || (rule->seen - rule->skip) % rule->every != 0 || rule->left == 0)
        return false;
    rule->left--;
    rule->due++;
    return true;
}

ncr_emu_fault ncr_emu_faults_next(ncr_emu_faults *faults, const char *method, const char *path)
{
    ncr_emu_fault fault = {.kind = NCR_EMU_FAULT_NONE};
    pthread_mutex_lock(&faults->lock);
    for (fault_rule *rule = faults->first; rule && fault.kind == NCR_EMU_FAULT_NONE; rule = rule->next)
        if (is_due(rule, method, path))
            fault = rule->fault;
    pthread_mutex_unlock(&faults->lock);
    return fault;
}
