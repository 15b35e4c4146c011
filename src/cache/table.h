/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CACHE_TABLE_H
#define NCR_CACHE_TABLE_H

#include "cache/block.h"
#include "cache/cache.h"
#include "cache/map.h"

/* What the cache knows, private to this layer (docs/internals/cache.md):
 *
 *   subject    an object by identity: its epoch, its versions, what was last proven of it, the proofs under way
 *   snapshot   one version of a subject: its cached intervals and the requests under way for more of it
 *   cached     an entry: an interval of bytes, a value, or what was last proven; under the budget, evicted by policy.c
 *
 * One lock guards all of it (lock.h); functions that end in _locked expect it whole, those that end in _hit by a door
 * at least. */

typedef struct ncr_subject ncr_subject;
typedef struct ncr_snapshot ncr_snapshot;
typedef struct ncr_flight ncr_flight;
typedef struct ncr_proof ncr_proof;
typedef struct ncr_cached ncr_cached;
typedef struct ncr_proven ncr_proven;

typedef enum ncr_cached_kind { NCR_CACHED_INTERVAL, NCR_CACHED_VALUE, NCR_CACHED_PROVEN } ncr_cached_kind;
typedef enum ncr_queue_name { NCR_QUEUE_SMALL, NCR_QUEUE_MAIN, NCR_QUEUE_NONE } ncr_queue_name;

struct ncr_cached {
    ncr_map_node node; /* of a value */
    ncr_cached *newer, *older;
    ncr_cached_kind kind;
    ncr_queue_name queue;
    _Atomic unsigned uses; /* since it came in or was last spared, at most 3; hits count it inside by any door */
    size_t charge;         /* bytes that count against the budget */
    uint64_t fingerprint;
    ncr_snapshot *snapshot; /* of an interval or a value, counted in its references; NULL: what was last proven */
    /* An interval: these bytes, a part of the block. */
    uint64_t offset;
    size_t length;
    const uint8_t *data;
    ncr_block *block;
    _Atomic unsigned hit_by; /* 1 and the stripe of threads that hit it first, which need no stand-in; 0: none yet */
    /* A value. */
    ncr_value_key key;
    ncr_value *value;
    ncr_cached *next_value, **value_at; /* of the snapshot; and what points to this one */
};

/* What was last proven with these credentials: an entry too. */
struct ncr_proven {
    ncr_cached base;
    ncr_subject *subject; /* counted in its references */
    char *credentials;
    ncr_object_facts facts;
    int64_t proven_ms;      /* on ncr_clock_ms(): when the request was sent that proved it */
    bool public_only;       /* so was the object: that its address may be asked by a document is proven too */
    ncr_proven *next;       /* of the subject */
    const void *written_in; /* on this disk too, */
    int64_t written_ms;     /* since then, on ncr_clock_ms() */
};

struct ncr_snapshot {
    int references;       /* pins, entries, proofs */
    size_t entries;       /* in the queues */
    ncr_subject *subject; /* NULL: known to one pin only, so nothing of it is kept */
    ncr_snapshot *next;   /* of the subject */
    uint64_t size;
    ncr_version version;
    bool keep_bytes;        /* a strong version of an object that is not local */
    ncr_cached **intervals; /* by offset; they never overlap */
    size_t interval_count, interval_capacity;
    ncr_cached *values;   /* linked by next_value */
    ncr_flight **flights; /* by offset; they never overlap */
    size_t flight_count, flight_capacity;
};

struct ncr_subject {
    ncr_map_node node;
    char *id;
    int references;    /* snapshots, entries, proofs, changes */
    size_t entries;    /* in the queues, of all its snapshots too */
    uint64_t epoch;    /* grows at the beginning and at the end of each change: a request that began in an earlier epoch
                          fills nothing */
    unsigned changes;  /* under way */
    bool overlapped;   /* by another, or by a proof that showed something: none of them knows the last version */
    int64_t change_ms; /* on ncr_clock_ms(): when the last of them began */
    uint64_t mark;     /* of the last of them on disk; see ncr_disk_change() */
    ncr_snapshot *snapshots;
    ncr_proven *proven; /* one for each credentials, latest first */
    ncr_proof *proofs;  /* under way, one for each credentials */
};

/* Takes the lock whole. */
void ncr_cache_lock(void);
/* Unlocks, then releases what was dropped under the lock. */
void ncr_cache_unlock(void);

/* --- Subjects. --- */

/* The subject of an identity, or NULL. */
ncr_subject *ncr_subject_find_locked(const char *id);
/* The same, made where there is none, with a reference for the caller; NULL: out of memory. */
ncr_subject *ncr_subject_get_locked(const char *id);
void ncr_subject_unref_locked(ncr_subject *subject);
/* Calls function, which may drop what is kept of it, for each subject whose identity begins with `prefix`. */
void ncr_subject_each_locked(const char *prefix, void (*function)(ncr_subject *subject));

/* --- Snapshots. --- */

/* The snapshot of a version, with a reference for the caller; NULL: out of memory. subject NULL: a new one, known to
 * the caller only. Equal versions of another size are different snapshots: then the validator lies. */
ncr_snapshot *ncr_snapshot_get_locked(ncr_subject *subject, const ncr_object_facts *facts, bool keep_bytes);
ncr_snapshot *ncr_snapshot_find_locked(const ncr_subject *subject, const ncr_object_facts *facts);
ncr_snapshot *ncr_snapshot_ref_locked(ncr_snapshot *snapshot);
void ncr_snapshot_unref_locked(ncr_snapshot *snapshot);

/* Index of the first interval (or flight) that ends after position. */
size_t ncr_interval_after(const ncr_snapshot *snapshot, uint64_t position);
/* Keeps [offset, offset + length) of the object, which lies at data in block; what is there already is not kept
 * twice. Does nothing where the snapshot keeps no bytes or memory is short. */
void ncr_interval_add_locked(ncr_snapshot *snapshot, uint64_t offset, size_t length, const uint8_t *data,
                             ncr_block *block);
/* The range where it lies in one interval, with a reference. */
bool ncr_interval_hit(const ncr_snapshot *snapshot, uint64_t offset, size_t length, ncr_slice *out);
/* The range from cached bytes only: one interval's block, or a new block where it spans several. False: not all of it
 * is there, or out of memory. */
bool ncr_interval_collect_locked(ncr_snapshot *snapshot, uint64_t offset, size_t length, ncr_slice *out);
/* The first bytes, as many as an open gives, from cached bytes only; false as above. */
bool ncr_head_collect_locked(ncr_snapshot *snapshot, ncr_slice *out);

/* --- What was last proven. --- */

/* The latest with these credentials; NULL credentials: with any. NULL: nothing. */
ncr_proven *ncr_proven_find_locked(const ncr_subject *subject, const char *credentials);
/* What an object was proven to be by a request that was sent at `proven_ms`. */
void ncr_proven_set_locked(ncr_subject *subject, const ncr_object *object, const ncr_object_facts *facts,
                           int64_t proven_ms);
void ncr_proven_forget_locked(ncr_subject *subject);
/* The same where what was last proven is this version, which an answer has denied. */
void ncr_proven_deny_locked(ncr_subject *subject, const ncr_object_facts *facts);
/* What a policy lets an open believe without a request, where all is there that the open needs; NULL: it must ask.
 * head is the caller's. */
ncr_proven *ncr_proven_believe_locked(const ncr_subject *subject, const ncr_object *object, ncr_policy policy,
                                      ncr_slice *head);

/* --- Entries. --- */

/* A new entry of a snapshot (referenced), not yet in a queue, which is charged for `payload` bytes beside itself; NULL:
 * out of memory. */
ncr_cached *ncr_cached_new_locked(ncr_cached_kind kind, ncr_snapshot *snapshot, size_t payload);
/* When an entry comes into the queues, or leaves them: the bytes that are kept for its sake and that of the other
 * entries of its snapshot and subject, where it is the first or the last of them. */
size_t ncr_cached_join_locked(const ncr_cached *cached);
size_t ncr_cached_leave_locked(const ncr_cached *cached);
/* Takes it out of everything; it is released after the lock is. */
void ncr_cached_drop_locked(ncr_cached *cached);
void ncr_value_map_remove_locked(ncr_cached *cached);
/* Drops everything that is kept of a subject, which may be gone after it. Takes as long as it has entries. */
void ncr_subject_forget_locked(ncr_subject *subject);

/* --- policy.c: S3-FIFO over all entries. --- */
void ncr_policy_add_locked(ncr_cached *cached); /* may evict; also the entry itself */
void ncr_policy_remove_locked(ncr_cached *cached);
void ncr_policy_hit(ncr_cached *cached);
bool ncr_policy_admits_locked(size_t charge); /* whether an entry of this size is kept at all */
void ncr_policy_set_budget_locked(size_t bytes);
bool ncr_policy_has_budget_locked(void);
void ncr_policy_stats_locked(nacre_cache_stats *out);

/* Counted for nacre_cache_stats. */
void ncr_cache_count(ncr_call *call, bool hit);

#endif
