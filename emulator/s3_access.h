/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_EMULATOR_S3_ACCESS_H
#define NCR_EMULATOR_S3_ACCESS_H

#include <jansson.h>
#include <nacre/error.h>
#include <stdbool.h>
#include <stdint.h>

/* Who may do what in the S3 interface: keys, regions, buckets that are not listed. Synchronised. */
typedef struct ncr_emu_s3_access ncr_emu_s3_access;

ncr_emu_s3_access *ncr_emu_s3_access_new(void); /* NULL: out of memory */
void ncr_emu_s3_access_free(ncr_emu_s3_access *access);

/* Adds "ID:SECRET" or "ID:SECRET:TOKEN", in place of one of the same id. NACRE_ERROR_INVALID. */
nacre_status ncr_emu_s3_access_add_key(ncr_emu_s3_access *access, const char *text, nacre_error *err);
/* Sets "BUCKET=REGION". NACRE_ERROR_INVALID. */
nacre_status ncr_emu_s3_access_set_region(ncr_emu_s3_access *access, const char *text, nacre_error *err);

/* Changes what the object names: "s3_credentials" (an array of "ID:SECRET[:TOKEN]", in place of all), "s3_expired" (an
 * array of ids whose tokens are expired from now on, in place of the list before), "s3_regions" (an object of names and
 * regions), "s3_unlisted" (an array of buckets that may not be listed). NACRE_ERROR_INVALID, and what came before the
 * wrong one is changed. */
nacre_status ncr_emu_s3_access_change(ncr_emu_s3_access *access, const json_t *settings, nacre_error *err);
/* What is set, without secrets and tokens, into an object. */
void ncr_emu_s3_access_describe(ncr_emu_s3_access *access, json_t *out);

/* A key. Texts are the caller's copies. */
typedef struct ncr_emu_s3_key {
    char *secret, *token; /* token NULL: a key without */
    bool expired;
} ncr_emu_s3_key;

/* Whether there are keys at all: without any, every signature is accepted. */
bool ncr_emu_s3_access_verifies(ncr_emu_s3_access *access);
/* A copy of the key; false: there is none of this id. Release with ncr_emu_s3_key_clear(). */
bool ncr_emu_s3_access_get_key(ncr_emu_s3_access *access, const char *id, ncr_emu_s3_key *out);
void ncr_emu_s3_key_clear(ncr_emu_s3_key *key);
/* The region that was set for a bucket, malloc'd; NULL: none. */
char *ncr_emu_s3_access_region(ncr_emu_s3_access *access, const char *bucket);
bool ncr_emu_s3_access_is_unlisted(ncr_emu_s3_access *access, const char *bucket);

#endif
