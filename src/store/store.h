/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_STORE_STORE_H
#define NCR_STORE_STORE_H

#include <nacre/file.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "base/error.h"

/* Raw operations on objects, without any caching. A back end is one file with one ncr_store_class; store.c holds the
 * line that registers it. */

/* Which bytes an object has. Plain value. */
typedef struct ncr_version {
    bool strong;          /* equal tokens prove equal bytes */
    char token[192];      /* "generation=123", "etag=\"abc\"", "modified=<HTTP date>", "file=..."; "" none at all */
    char version_id[128]; /* beside the token where the store keeps old versions (S3, Azure); else "" */
} ncr_version;

/* Whether both are strong and the same. Equal tokens prove equal bytes, so a version id is not looked at: the same
 * bytes put twice into a bucket that keeps versions are one version here, and what was read of the one is good for the
 * other. The id is only the way to a version that is no longer the latest. */
bool ncr_version_same(const ncr_version *a, const ncr_version *b);

/* What a store says of an object. Plain value. */
typedef struct ncr_object_facts {
    uint64_t size;
    ncr_version version;
    int64_t modified_ms; /* -1 unknown */
    char content_type[96];
    char
        checksum[48]; /* of the whole object's bytes: "crc32c=BASE64", "crc64nvme=BASE64" or "md5=BASE64"; "" unknown */
} ncr_object_facts;

typedef struct ncr_store ncr_store;

/* Where an object lives. Immutable, reference-counted: share freely. Made by vfs from a path and a call's
 * configuration, so that endpoint and credentials are looked at again at every open. */
typedef struct ncr_object {
    _Atomic int references;
    ncr_store *store;            /* referenced */
    char *bucket;                /* "" where the store has none */
    char *key;                   /* literal bytes */
    char *id;                    /* identity: class, endpoint, bucket and key; the cache's key */
    char *name;                  /* as the caller spelled it: for messages and info */
    bool public_only;            /* named by a document: private addresses are refused, see net/http.h */
    bool anonymous;              /* named by a document of another origin: its store was opened without credentials */
    ncr_policy policy;           /* as it was when the path was resolved: see ncr_object_policy() */
    struct ncr_object *document; /* that named it, referenced; NULL: the user. Its own document is next, and so on */
} ncr_object;

/* The object `key` in `bucket` of a store (referenced); its identity is the store's, then bucket and key. The texts
 * are copied. NULL: out of memory. */
ncr_object *ncr_object_new(ncr_store *store, const char *bucket, const char *key, const char *name, bool public_only);
ncr_object *ncr_object_ref(ncr_object *object);
void ncr_object_unref(ncr_object *object);

/* The policy that holds for an object in a call: the call's argument, else what the object was resolved with where
 * that came from its prefix or an argument, else the call's key. Where only keys speak, offline wins. A call that
 * proves again is fresh where it is not offline. */
ncr_policy ncr_object_policy(const ncr_object *object, const ncr_call *call);
/* Whether the cache keeps bytes and proofs of a store's objects: not of local ones, which the system keeps, nor of
 * views, whose bytes it keeps under another name. */
bool ncr_store_is_kept(const ncr_store *store);
/* Whether that is offline: no request for the object may be sent. */
bool ncr_object_is_offline(const ncr_object *object, const ncr_call *call);

/* The object beside `object` with another key (a sidecar, an entry of a listing); its name is made alike. NULL: out of
 * memory. */
ncr_object *ncr_object_sibling(const ncr_object *object, const char *key);

/* --- Reading: asynchronous. An operation is single-thread: the caller's until it is started, the store's until
 * done() was called. done() is called exactly once, on the loop thread, a worker or the starting thread, must not
 * block or decode, and may start operations. --- */

typedef enum ncr_match {
    NCR_MATCH_ANY,      /* whatever is there now */
    NCR_MATCH_VERSION,  /* only this version, else NACRE_ERROR_CHANGED; a weak one is compared, never sent */
    NCR_MATCH_MODIFIED, /* only if it is not this version, else not_modified */
} ncr_match;

typedef struct ncr_get ncr_get;
struct ncr_get {
    ncr_object *object; /* borrowed until done() */
    ncr_call *call;     /* borrowed until done() */
    uint64_t offset;
    size_t length;   /* bytes wanted; SIZE_MAX with buffer NULL: the whole object, in `whole` */
    uint8_t *buffer; /* of length bytes */
    ncr_match match;
    const ncr_version *version; /* for match; borrowed until done() */
    unsigned needed_round;      /* see net/http.h */

    nacre_status status;
    nacre_error error;
    bool not_modified;      /* then only facts.version is sure to be set */
    size_t got;             /* bytes in buffer: less than length only where the object ends; 0 at or beyond its end */
    ncr_object_facts facts; /* as this very answer says; the caller compares facts.version with what it pinned: a
                               store need not honour preconditions */
    uint8_t *whole; /* the whole object in one answer: asked for, or the server ignored the range (then got is 0).
                       malloc'd, at most limit.whole_read bytes; the caller's to free */
    size_t whole_size;
    unsigned round; /* of the answer */

    void (*done)(ncr_get *get);
    void *user;
};

typedef struct ncr_stat_op ncr_stat_op;
struct ncr_stat_op {
    ncr_object *object;
    ncr_call *call;
    unsigned needed_round;
    nacre_status status;
    nacre_error error;
    ncr_object_facts facts;
    int64_t server_ms; /* when it was so, on the server's clock (its Date); -1 unknown */
    unsigned round;
    void (*done)(ncr_stat_op *op);
    void *user;
};

/* One entry of a page of a listing. */
typedef struct ncr_entry {
    char *key; /* whole key; a prefix ends with "/" */
    bool is_prefix;
    ncr_object_facts facts;
} ncr_entry;

typedef struct ncr_list_op ncr_list_op;
struct ncr_list_op {
    ncr_object *object; /* its key is the prefix of the keys that are listed */
    ncr_call *call;
    bool recursive;     /* else keys are folded at the first "/" after the prefix */
    size_t max_entries; /* 0: the store's page */
    const char *page;   /* next_page of the page before; NULL: the first */
    unsigned needed_round;
    nacre_status status;
    nacre_error error;
    ncr_entry *entries; /* in the order of the keys' bytes; released by ncr_list_op_clear() */
    size_t entry_count;
    char *next_page; /* NULL: this was the last */
    unsigned round;
    void (*done)(ncr_list_op *op);
    void *user;
};
void ncr_list_op_clear(ncr_list_op *op); /* releases the results */

/* --- Changing: blocking, on the caller's thread; never on workers nor the loop thread. --- */

/* When a put, copy or delete may happen. */
typedef struct ncr_condition {
    bool absent;                /* only where there is no object, else NACRE_ERROR_EXISTS */
    const ncr_version *version; /* only this version, else NACRE_ERROR_CHANGED; NULL: any */
} ncr_condition;

/* Whether a change that failed may have happened all the same (a time-out, a broken answer). */
typedef enum ncr_outcome { NCR_OUTCOME_DONE, NCR_OUTCOME_NOT_DONE, NCR_OUTCOME_UNKNOWN } ncr_outcome;

typedef struct ncr_put {
    ncr_object *object;
    ncr_call *call;
    ncr_condition condition;
    const char *content_type;
    const void *data;
    size_t size;
    ncr_outcome outcome;    /* set */
    ncr_object_facts facts; /* set: of the new version, as far as the answer says */
} ncr_put;

typedef struct ncr_copy {
    ncr_object *source, *destination; /* both of stores for which can_copy says yes */
    ncr_call *call;
    const ncr_version *source_version; /* only this one, else NACRE_ERROR_CHANGED; NULL: any */
    ncr_condition condition;
    ncr_outcome outcome;
    ncr_object_facts facts;
} ncr_copy;

typedef struct ncr_delete {
    ncr_object *object;
    ncr_call *call;
    ncr_condition condition;
    ncr_outcome outcome;
} ncr_delete;

/* An upload in parts. The back end's own struct begins with this. Single-thread, but for upload_part(). */
typedef struct ncr_upload {
    ncr_object *object; /* referenced */
    ncr_call *call;     /* referenced */
} ncr_upload;

struct ncr_credentials; /* see store/credentials.h */
struct ncr_secret;

/* What a store says of itself, for people. Plain value; no text holds a secret. */
typedef struct ncr_store_about {
    const char *title;  /* "Google Cloud Storage" */
    char endpoint[512]; /* the URL of the server; "" none */
    char region[64];    /* "" none */
    const char *kind;   /* of the credentials: "account key"; NULL: there are none, so it is anonymous */
    char origin[512];   /* where they come from */
    char looked[1024];  /* where was looked in vain, or why it was not; "" not known before they are asked for */
    struct ncr_credentials *credentials; /* borrowed; NULL: what proves who asks is no secret that can be fetched */
} ncr_store_about;

/* Changes whose condition the server itself decides, in the step that makes them; and whose answers may be lost. */
enum { NCR_DECIDES_PUT = 1, NCR_DECIDES_COPY = 2, NCR_DECIDES_REMOVE = 4, NCR_DECIDES_ALL = 7 };

/* A back end: one static const table. Every function may be called by many threads at once.
 *
 * Credentials are the back end's own business, within its operations: nobody makes them ready beforehand, since a
 * dataset stays open for longer than a token lives. A read that finds its token stale asks for a new one first (by
 * requests like any other, or a thread of its own where asking blocks) and goes on when it is there; a change may wait.
 */
typedef struct ncr_store_class {
    const char *name;        /* "gs" */
    const char *holder;      /* what holds its objects, in its own word: "bucket", "container"; NULL: nothing does */
    size_t part_size;        /* bytes that upload_part() wants, but for the last part; see ncr_part_size() */
    unsigned parts_at_once;  /* how many threads may be in upload_part() of one upload */
    bool parts_in_any_order; /* they may be begun in any order, as long as none is missing in the end */
    unsigned most_parts;     /* of one upload; 0: any number */
    bool (*can_copy)(const ncr_object *source, const ncr_object *destination);

    void (*get)(ncr_get *get);
    void (*stat)(ncr_stat_op *op);
    void (*list)(ncr_list_op *op); /* NACRE_ERROR_UNSUPPORTED where there are no listings */

    nacre_status (*put)(ncr_put *put, nacre_error *err);
    nacre_status (*copy)(ncr_copy *copy, nacre_error *err);
    /* Gives the source the destination's name in one step; source_version and facts are not looked at.
     * NACRE_ERROR_UNSUPPORTED, and nothing done: these two cannot (other file systems). NULL: no two can. */
    nacre_status (*rename)(ncr_copy *move, nacre_error *err);
    nacre_status (*remove)(ncr_delete *op, nacre_error *err);

    /* Begins, without making anything visible. *out is released by upload_finish or upload_abort. */
    nacre_status (*upload_begin)(ncr_object *object, ncr_call *call, const ncr_condition *condition,
                                 const char *content_type, ncr_upload **out, nacre_error *err);
    /* Part `number` from 1, of ncr_part_size() bytes but for the last, of at least one byte. Begun in the order of the
     * numbers, but for parts_in_any_order. */
    nacre_status (*upload_part)(ncr_upload *upload, unsigned number, const void *data, size_t size, nacre_error *err);
    /* Makes the object visible and releases the upload, whatever it returns. */
    nacre_status (*upload_finish)(ncr_upload *upload, ncr_outcome *outcome, ncr_object_facts *facts, nacre_error *err);
    void (*upload_abort)(ncr_upload *upload); /* leaves nothing behind where the store allows */

    /* Sets what there is to say; sends nothing. NULL: there is nothing but the name. */
    void (*about)(const ncr_object *object, ncr_store_about *out);
    /* Asks whom a secret of the store's credentials belongs to, in one request; out is "" where nobody tells. Blocks.
     * NULL: nobody does. */
    nacre_status (*who)(const ncr_object *object, const struct ncr_secret *secret, ncr_call *call, char *out,
                        size_t out_size, nacre_error *err);
    void (*free)(ncr_store *store);
} ncr_store_class;

/* A class's put, copy and remove, for the layers above. Where the server decides conditions, a change that comes
 * without one is given one, by a look at what is there, so that a lost answer does not matter: see settle.c. One that
 * comes with a condition ends with NACRE_ERROR_EXISTS or NACRE_ERROR_CHANGED only where it certainly did not happen;
 * where an answer was lost and nobody knows, with NACRE_ERROR_UNAVAILABLE. After
 * success facts.version may be empty: another has written since, and what was put is overwritten already. */
nacre_status ncr_store_put(ncr_put *put, nacre_error *err);
nacre_status ncr_store_copy(ncr_copy *copy, nacre_error *err);
nacre_status ncr_store_remove(ncr_delete *op, nacre_error *err);

/* The class's upload_finish; object, condition and call are those of upload_begin. */
nacre_status ncr_store_upload_finish(ncr_upload *upload, ncr_object *object, const ncr_condition *condition,
                                     ncr_call *call, ncr_outcome *outcome, ncr_object_facts *facts, nacre_error *err);

/* The size of part `number` from 1: a class's part_size; where the number of parts is limited, doubled every tenth of
 * them, so that the largest object fits (S3: 10,000 parts, 5 TiB). */
size_t ncr_part_size(const ncr_store_class *class, unsigned number);

/* A back end with its endpoint and credentials. The back end's own struct begins with this. Synchronised. */
struct ncr_store {
    _Atomic int references;
    const ncr_store_class *class;
    char *id;             /* class and endpoint: the beginning of identities */
    char *credentials;    /* a text that differs where credentials do, never the secret itself ("anonymous"); stays the
                             same when a token is renewed */
    unsigned decides;     /* NCR_DECIDES_..., of the server it is: see ncr_store_put() */
    bool is_local;        /* file and mem */
    bool is_view;         /* of one object of another store, through the cache (a ZIP archive's members): bytes, proofs
                             and policies are that object's, and nothing of this store's objects is kept but values */
    bool is_told_by_path; /* credentials stood in the path, so names beside it, which lack them, mean this store */
};

ncr_store *ncr_store_ref(ncr_store *store);
void ncr_store_unref(ncr_store *store);

/* Makes the store of a scheme ("gs", "http", "file", "mem") from configuration. location is the part of the path that
 * tells the server (for http: scheme, host and port, and "user:password@" where the path has that), else NULL.
 * anonymous: without credentials, whatever is configured. NACRE_ERROR_UNSUPPORTED: no such back end. */
nacre_status ncr_store_open(const char *scheme, const char *location, bool anonymous, ncr_config *config,
                            ncr_store **out, nacre_error *err);

#endif
