/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "base/policy.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

bool ncr_policy_parse(const char *text, ncr_policy *out)
{
    static const char *const names[] = {
        [NCR_POLICY_FRESH] = "fresh", [NCR_POLICY_IMMUTABLE] = "immutable", [NCR_POLICY_OFFLINE] = "offline"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i] && strcmp(text, names[i]) == 0) {
            out->kind = (ncr_policy_kind)i;
            out->ttl_ms = 0;
            return true;
        }
    double seconds;
    if (!ncr_text_starts(text, "ttl=") || !ncr_text_to_double(text + strlen("ttl="), &seconds) ||
        !(seconds >= 0 && seconds < 1e9))
        return false;
    out->ttl_ms = (int64_t)(seconds * 1000 + 0.5);
    out->kind = out->ttl_ms ? NCR_POLICY_TTL : NCR_POLICY_FRESH;
    return true;
}

void ncr_policy_text(const ncr_policy *policy, char out[NCR_POLICY_TEXT])
{
    static const char *const names[] = {[NCR_POLICY_FRESH] = "fresh",
                                        [NCR_POLICY_TTL] = "ttl=",
                                        [NCR_POLICY_IMMUTABLE] = "immutable",
                                        [NCR_POLICY_OFFLINE] = "offline"};
    int length = snprintf(out, NCR_POLICY_TEXT, "%s", names[policy->kind]);
    if (policy->kind != NCR_POLICY_TTL)
        return;
    const char *format = policy->ttl_ms % 1000 ? "%lld.%03d" : "%lld";
    snprintf(out + length, NCR_POLICY_TEXT - (size_t)length, format, (long long)(policy->ttl_ms / 1000),
             (int)(policy->ttl_ms % 1000));
}

static nacre_status append_rule(ncr_policy_rules *rules, const char *prefix, const json_t *value, const char *origin,
                                nacre_error *err)
{
    const char *text = json_string_value(value);
    ncr_policy policy = {.origin = NCR_POLICY_OF_PREFIX};
    if (!prefix[0])
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: a prefix is empty; the key cache is for all paths", origin);
    if (!text || !ncr_policy_parse(text, &policy))
        return ncr_error_set(err, NACRE_ERROR_INVALID, "%s: '%s' of %s is none of " NCR_POLICY_VALUES, origin,
                             text ? text : "a value", prefix);
    if (!rules)
        return NACRE_OK;
    if (!ncr_array_reserve(&rules->items, &rules->capacity, rules->count + 1, sizeof *rules->items))
        return ncr_error_memory(err);
    char *copy = ncr_text_copy(prefix);
    if (!copy)
        return ncr_error_memory(err);
    rules->items[rules->count++] = (ncr_policy_rule){.prefix = copy, .policy = policy};
    return NACRE_OK;
}

nacre_status ncr_policy_rules_append(ncr_policy_rules *rules, const char *text, const char *origin, nacre_error *err)
{
    json_error_t why;
    json_t *root;
    nacre_status status = ncr_json_load(text, strlen(text), JSON_REJECT_DUPLICATES, &root, &why);
    if (status == NACRE_ERROR_MEMORY)
        return ncr_error_memory(err);
    if (!json_is_object(root))
        status = ncr_error_set(err, NACRE_ERROR_INVALID,
                               "%s: '%s' is not a JSON object of prefixes and policies, {\"gs://bucket/\": \"ttl=60\"}",
                               origin, text);
    const char *prefix;
    json_t *value;
    if (status == NACRE_OK)
        json_object_foreach (root, prefix, value) {
            status = append_rule(rules, prefix, value, origin, err);
            if (status != NACRE_OK)
                break;
        }
    json_decref(root);
    return status;
}

void ncr_policy_rules_clear(ncr_policy_rules *rules)
{
    for (size_t i = 0; i < rules->count; i++)
        free(rules->items[i].prefix);
    free(rules->items);
    *rules = (ncr_policy_rules){0};
}

char *ncr_policy_rules_change(const char *text, const char *prefix, const char *policy)
{
    json_t *root = text ? json_loads(text, 0, NULL) : json_object();
    char *changed = NULL;
    if (root && (policy ? json_object_set_new(root, prefix, json_string(policy)) : 0) == 0) {
        if (!policy)
            json_object_del(root, prefix); /* or there was none */
        changed = json_dumps(root, JSON_COMPACT);
    }
    json_decref(root);
    return changed;
}
