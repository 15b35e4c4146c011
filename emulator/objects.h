/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_EMULATOR_OBJECTS_H
#define NCR_EMULATOR_OBJECTS_H

#include <jansson.h>
#include <nacre/error.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "draft.h"

/* Buckets and objects, kept as folders and files, with what a store says of them. Statuses are HTTP's. */

/* One version of an object. Immutable, reference-counted. */
typedef struct ncr_emu_object {
    _Atomic int references;
    char *key;
    uint64_t generation, metageneration, size;
    int64_t created_ms, updated_ms; /* since 1970-01-01 UTC */
    json_t *fields; /* what the client set: contentType, cacheControl, contentEncoding, metadata...; never NULL */
    bool has_hashes;
    bool composite;                      /* made of parts: its ETag is no MD5 */
    uint32_t part_count;                 /* of a multipart upload of S3, whose ETag is made of these; else 0 */
    uint8_t parts_md5[NCR_EMU_MD5_SIZE]; /* the MD5 of the parts' MD5s */
    json_t *s3;                          /* what S3 alone keeps: "checksum", "checksum_kind"...; NULL: nothing; owned */
    uint32_t crc32c;
    uint8_t md5[NCR_EMU_MD5_SIZE];
    bool escaped;   /* see keys.h */
    bool versioned; /* it has a version id of S3 */
    bool kept;      /* not live: its file is in .nacre/versions; see versions.h */
    bool marker;    /* of a deletion; without a file, and kept */
    uint64_t inode;
    int64_t mtime_ns;                /* with inode and size tells whether the file is still the one that was recorded */
    struct ncr_emu_object *previous; /* the version before, where it was kept for the fault `stale`; owned */
    int previous_fd;                 /* its open file */
} ncr_emu_object;

ncr_emu_object *ncr_emu_object_ref(ncr_emu_object *object);
void ncr_emu_object_unref(ncr_emu_object *object);
/* Reads the object's file and sets its hashes; for an object that is not shared yet. False: it cannot be read. */
bool ncr_emu_object_hash(ncr_emu_object *object, int fd);
/* A text that the client set for this object, or fallback. */
const char *ncr_emu_object_field(const ncr_emu_object *object, const char *name, const char *fallback);

enum { NCR_EMU_ETAG_SIZE = 48 };
/* The ETag of the JSON interface: generation and metageneration, as Google writes them. */
void ncr_emu_object_etag(const ncr_emu_object *object, char out[NCR_EMU_ETAG_SIZE]);
/* The ETag of the XML interface, with its quotes: the MD5, or a text with a dash for composite objects. */
void ncr_emu_object_xml_etag(const ncr_emu_object *object, char out[NCR_EMU_ETAG_SIZE]);

/* The ETag of S3, with its quotes: the MD5, or that of the parts' MD5s, a dash and their number. */
void ncr_emu_object_s3_etag(const ncr_emu_object *object, char out[NCR_EMU_ETAG_SIZE]);
/* Whether a list of ETags ("*", quoted or bare) has this one, which is quoted. */
bool ncr_emu_etag_listed(const char *list, const char *etag);

/* Preconditions; of the ETag lists NULL means none was given. */
typedef struct ncr_emu_condition {
    bool s3; /* ETags are S3's, and so are the answers: 412 for both lists, 404 where If-Match meets no object */
    bool has_generation, has_not_generation, has_metageneration, has_not_metageneration;
    uint64_t generation, not_generation, metageneration, not_metageneration;
    const char *if_match, *if_none_match; /* borrowed */
} ncr_emu_condition;

/* 200, 412 or 304: the table of docs/internals/emulator.md. object NULL: there is none. */
int ncr_emu_condition_check(const ncr_emu_condition *condition, const ncr_emu_object *object);

/* Objects of one folder. Synchronised. */
typedef struct ncr_emu_bucket {
    struct ncr_emu_bucket *next;
    char *name;
    int directory;
    struct stat identity;
    pthread_mutex_t lock;
    /* The rest is guarded by lock. */
    ncr_emu_object **objects; /* by key, in the order of bytes */
    size_t count, capacity;
    uint64_t last_generation;
    int journal;
    bool gone;
    ncr_emu_object **versions; /* that are not live: by key, the newest first */
    size_t version_count, version_capacity;
    json_t *settings; /* texts: "region", "versioning", "payer"; in the journal */
} ncr_emu_bucket;

/* The folder of buckets. Synchronised. */
typedef struct ncr_emu_root {
    int directory, tmp_directory;
    _Atomic bool keeps_previous; /* versions that are replaced are kept for the fault `stale` */
    pthread_mutex_t lock;
    ncr_emu_bucket *buckets; /* guarded by lock; buckets that are gone stay in it */
} ncr_emu_root;

/* The folder must be there: a misspelled one would look like a store without buckets. NACRE_ERROR_NOT_FOUND,
 * NACRE_ERROR_IO. */
nacre_status ncr_emu_root_open(const char *path, ncr_emu_root **out, nacre_error *err);
void ncr_emu_root_close(ncr_emu_root *root);

/* The bucket, or NULL: there is none. It lives as long as the root. */
ncr_emu_bucket *ncr_emu_bucket_get(ncr_emu_root *root, const char *name);
/* 200, 409 (exists), 400 (name) or 500. */
int ncr_emu_bucket_create(ncr_emu_root *root, const char *name);
/* 204, 404, 409 (holds objects) or 500. */
int ncr_emu_bucket_remove(ncr_emu_root *root, const char *name);
/* A setting of the bucket, malloc'd; NULL: not set. */
char *ncr_emu_bucket_setting(ncr_emu_bucket *bucket, const char *name);
bool ncr_emu_bucket_set(ncr_emu_bucket *bucket, const char *name, const char *value); /* false: out of memory */
/* Names in order, malloc'd each and the array; count set. */
char **ncr_emu_bucket_names(ncr_emu_root *root, size_t *count);

/* The live version with its hashes, and where fd is asked for, its open file: the bytes of that very version, whatever
 * happens to the object later. NULL: there is none. Both are the caller's. */
ncr_emu_object *ncr_emu_object_get(ncr_emu_bucket *bucket, const char *key, int *fd);

/* What becomes of a draft. */
typedef struct ncr_emu_commit {
    const char *key;
    ncr_emu_draft *draft;
    json_t *fields; /* borrowed; NULL: none */
    ncr_emu_condition condition;
    bool composite;
    uint32_t part_count; /* as those of the object */
    uint8_t parts_md5[NCR_EMU_MD5_SIZE];
    json_t *s3;          /* borrowed; NULL: nothing */
    bool keeps_previous; /* of the root */
} ncr_emu_commit;

/* Makes the draft the object's live version: 200, and *out is the caller's; 412, 304 or 500, and *out is NULL. The
 * draft stays the caller's to free. */
int ncr_emu_object_commit(ncr_emu_bucket *bucket, const ncr_emu_commit *commit, ncr_emu_object **out);

/* 204, 404, 412, 304 or 500. generation 0: whichever is live. */
int ncr_emu_object_delete(ncr_emu_bucket *bucket, const char *key, uint64_t generation,
                          const ncr_emu_condition *condition);

/* Merges patch into the fields (null removes; replace: all fields are replaced) and adds one to the metageneration:
 * 200, 404, 412, 304. */
int ncr_emu_object_patch(ncr_emu_bucket *bucket, const char *key, json_t *patch, bool replace,
                         const ncr_emu_condition *condition, ncr_emu_object **out);

/* What to list; texts may be NULL. */
typedef struct ncr_emu_list_options {
    const char *prefix, *delimiter, *start, *end; /* start is included, end is not */
    const char *token;                            /* next_token of the page before */
    const char *after;                            /* keys up to this one are left out (marker) */
    size_t maximum;
} ncr_emu_list_options;

typedef struct ncr_emu_listing {
    ncr_emu_object **objects; /* referenced */
    size_t object_count, object_capacity;
    char **prefixes;
    size_t prefix_count, prefix_capacity;
    char *next_token; /* NULL: this was the last page */
    char *last;       /* last key or prefix of the page; NULL: empty */
} ncr_emu_listing;

/* 200, 400 (token) or 500. Release with ncr_emu_listing_clear() in every case. */
int ncr_emu_list(ncr_emu_bucket *bucket, const ncr_emu_list_options *options, ncr_emu_listing *out);
void ncr_emu_listing_clear(ncr_emu_listing *listing);

#endif
