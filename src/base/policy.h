/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_BASE_POLICY_H
#define NCR_BASE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* When what was cached of an object is believed (docs/guide/consistency.md). */
typedef enum ncr_policy_kind {
    NCR_POLICY_FRESH,     /* proven at each open */
    NCR_POLICY_TTL,       /* a proof is good for ttl_ms after its request was sent */
    NCR_POLICY_IMMUTABLE, /* a proof is good for ever, and another version an error */
    NCR_POLICY_OFFLINE,   /* no request is sent */
} ncr_policy_kind;

/* Who said so, the weakest first. */
typedef enum ncr_policy_origin {
    NCR_POLICY_OF_KEY,      /* the key `cache` */
    NCR_POLICY_OF_PREFIX,   /* the key `cache.policy` */
    NCR_POLICY_OF_ARGUMENT, /* the call's own option */
} ncr_policy_origin;

/* Plain value; all zero is what holds where nobody says anything. */
typedef struct ncr_policy {
    ncr_policy_kind kind;
    ncr_policy_origin origin;
    int64_t ttl_ms; /* of NCR_POLICY_TTL, above 0 */
} ncr_policy;

/* "fresh", "ttl=SECONDS", "immutable" or "offline"; false for another text. origin is not touched; "ttl=0" is fresh. */
bool ncr_policy_parse(const char *text, ncr_policy *out);

/* The other way, "ttl=0.5" in seconds. */
enum { NCR_POLICY_TEXT = 40 };
void ncr_policy_text(const ncr_policy *policy, char out[NCR_POLICY_TEXT]);

/* What the values of the keys are, for messages. */
#define NCR_POLICY_VALUES "fresh, ttl=SECONDS, immutable, offline"

/* The policy of all objects whose paths begin so. */
typedef struct ncr_policy_rule {
    char *prefix; /* as it was written */
    ncr_policy policy;
} ncr_policy_rule;

typedef struct ncr_policy_rules {
    ncr_policy_rule *items; /* the first of equal prefixes counts */
    size_t count, capacity;
} ncr_policy_rules;

/* Appends the rules of a text, a JSON object: {"gs://bucket/": "ttl=60"}; rules NULL: only checks it.
 * NACRE_ERROR_INVALID: "ORIGIN: what is wrong"; NACRE_ERROR_MEMORY, and some may have been appended. */
nacre_status ncr_policy_rules_append(ncr_policy_rules *rules, const char *text, const char *origin, nacre_error *err);
void ncr_policy_rules_clear(ncr_policy_rules *rules);

/* The text with the rule of a prefix set, or taken away where policy is NULL; text NULL: no rules yet. To be freed;
 * NULL: out of memory. */
char *ncr_policy_rules_change(const char *text, const char *prefix, const char *policy);

#endif
