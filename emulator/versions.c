/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "versions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "bucket.h"
#include "keys.h"

void ncr_emu_version_id(const ncr_emu_object *object, char out[NCR_EMU_VERSION_ID_SIZE])
{
    snprintf(out, NCR_EMU_VERSION_ID_SIZE, object->versioned ? "%032llx" : "null",
             (unsigned long long)object->generation);
}

bool ncr_emu_version_id_is_valid(const char *id)
{
    return strcmp(id, "null") == 0 || (strlen(id) == 32 && strspn(id, "0123456789abcdef") == 32);
}

static bool has_id(const ncr_emu_object *object, const char *id)
{
    char own[NCR_EMU_VERSION_ID_SIZE];
    ncr_emu_version_id(object, own);
    return strcmp(own, id) == 0;
}

ncr_emu_versioning ncr_emu_versioning_locked(const ncr_emu_bucket *bucket)
{
    const char *setting = json_string_value(json_object_get(bucket->settings, "versioning"));
    if (!setting)
        return NCR_EMU_VERSIONS_OFF;
    return strcmp(setting, "Enabled") == 0 ? NCR_EMU_VERSIONS_ON : NCR_EMU_VERSIONS_SUSPENDED;
}

/* --- The index of what is not live: by key, the newest first --- */

/* Position of the key's newest, or of what comes after the key. */
static size_t find_locked(const ncr_emu_bucket *bucket, const char *key)
{
    size_t low = 0, high = bucket->version_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(bucket->versions[middle]->key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static ncr_emu_object *newest_locked(const ncr_emu_bucket *bucket, const char *key)
{
    size_t at = find_locked(bucket, key);
    return at < bucket->version_count && strcmp(bucket->versions[at]->key, key) == 0 ? bucket->versions[at] : NULL;
}

bool ncr_emu_versions_add_locked(ncr_emu_bucket *bucket, ncr_emu_object *object)
{
    if (!ncr_array_reserve(&bucket->versions, &bucket->version_capacity, bucket->version_count + 1,
                           sizeof(ncr_emu_object *))) {
        ncr_emu_object_unref(object);
        return false;
    }
    size_t at = find_locked(bucket, object->key);
    while (at < bucket->version_count && strcmp(bucket->versions[at]->key, object->key) == 0 &&
           bucket->versions[at]->generation > object->generation)
        at++;
    memmove(bucket->versions + at + 1, bucket->versions + at, (bucket->version_count - at) * sizeof(ncr_emu_object *));
    bucket->versions[at] = object;
    bucket->version_count++;
    return true;
}

static void take_out_locked(ncr_emu_bucket *bucket, size_t at)
{
    bucket->version_count--;
    memmove(bucket->versions + at, bucket->versions + at + 1, (bucket->version_count - at) * sizeof(ncr_emu_object *));
}

void ncr_emu_versions_forget_locked(ncr_emu_bucket *bucket, uint64_t generation)
{
    for (size_t i = 0; i < bucket->version_count; i++)
        if (bucket->versions[i]->generation == generation) {
            ncr_emu_object *object = bucket->versions[i];
            take_out_locked(bucket, i);
            ncr_emu_object_unref(object);
            return;
        }
}

/* Removes a version for good, with its file. */
static void drop_locked(ncr_emu_bucket *bucket, const ncr_emu_object *object)
{
    char path[NCR_EMU_PATH_MAX];
    uint64_t generation = object->generation;
    ncr_emu_object_path(object, path);
    if (!object->marker)
        unlinkat(bucket->directory, path, 0);
    ncr_emu_journal_version_gone_locked(bucket, generation);
    ncr_emu_versions_forget_locked(bucket, generation);
}

void ncr_emu_versions_tidy_locked(ncr_emu_bucket *bucket)
{
    for (size_t i = 0; i < bucket->version_count;) {
        const ncr_emu_object *version = bucket->versions[i];
        const ncr_emu_object *live = version->marker ? NULL : ncr_emu_refresh_locked(bucket, version->key);
        if (live && live->generation == version->generation)
            drop_locked(bucket, version);
        else
            i++;
    }
}

/* Drops the version "null" of a key, of which there is one at most. */
static void drop_null_locked(ncr_emu_bucket *bucket, const char *key)
{
    for (size_t i = find_locked(bucket, key); i < bucket->version_count && strcmp(bucket->versions[i]->key, key) == 0;
         i++)
        if (!bucket->versions[i]->versioned) {
            drop_locked(bucket, bucket->versions[i]);
            return;
        }
}

/* --- What happens to the live object --- */

static bool keep_live_locked(ncr_emu_bucket *bucket, const ncr_emu_object *current)
{
    char from[NCR_EMU_PATH_MAX], to[NCR_EMU_PATH_MAX];
    if (mkdirat(bucket->directory, NCR_EMU_VERSIONS_DIRECTORY, 0755) != 0 && errno != EEXIST)
        return false;
    ncr_emu_object *kept = ncr_emu_object_clone(current);
    if (!kept)
        return false;
    kept->kept = true;
    ncr_emu_object_path(current, from);
    ncr_emu_object_path(kept, to);
    if (linkat(bucket->directory, from, bucket->directory, to, 0) != 0 && errno != EEXIST) {
        ncr_emu_object_unref(kept);
        return false;
    }
    int fd = kept->has_hashes ? -1 : openat(bucket->directory, to, O_RDONLY | O_CLOEXEC); /* put there by hand */
    if (fd >= 0) {
        ncr_emu_object_hash(kept, fd);
        close(fd);
    }
    ncr_emu_journal_put_locked(bucket, kept);
    return ncr_emu_versions_add_locked(bucket, kept);
}

bool ncr_emu_versions_keep_locked(ncr_emu_bucket *bucket, const ncr_emu_object *current, const char *key)
{
    ncr_emu_versioning versioning = ncr_emu_versioning_locked(bucket);
    if (versioning == NCR_EMU_VERSIONS_OFF)
        return true;
    if (versioning == NCR_EMU_VERSIONS_SUSPENDED)
        drop_null_locked(bucket, key);
    bool replaced = versioning == NCR_EMU_VERSIONS_SUSPENDED && current && !current->versioned;
    return !current || replaced || keep_live_locked(bucket, current);
}

bool ncr_emu_versions_mark_locked(ncr_emu_bucket *bucket, const char *key, ncr_emu_deletion *out)
{
    ncr_emu_versioning versioning = ncr_emu_versioning_locked(bucket);
    if (versioning == NCR_EMU_VERSIONS_OFF)
        return true;
    ncr_emu_object *marker = ncr_emu_object_new(key, NULL);
    if (!marker)
        return false;
    marker->marker = marker->kept = marker->has_hashes = true;
    marker->versioned = versioning == NCR_EMU_VERSIONS_ON;
    marker->generation = ncr_emu_next_generation_locked(bucket);
    marker->metageneration = 1;
    marker->created_ms = marker->updated_ms = ncr_clock_wall_ms();
    if (out) {
        out->made_marker = true;
        ncr_emu_version_id(marker, out->id);
    }
    ncr_emu_journal_put_locked(bucket, marker);
    return ncr_emu_versions_add_locked(bucket, marker);
}

/* Where a key has no live object, and its newest version is no marker, that version becomes live. */
static bool promote_locked(ncr_emu_bucket *bucket, const char *key)
{
    const ncr_emu_object *newest = newest_locked(bucket, key);
    if (!newest || newest->marker || ncr_emu_index_get_locked(bucket, key))
        return true;
    char from[NCR_EMU_PATH_MAX];
    ncr_emu_object_path(newest, from);
    ncr_emu_object *live = ncr_emu_object_clone(newest);
    if (!live)
        return false;
    live->kept = false;
    if (!ncr_emu_place_locked(bucket, bucket->directory, from, live)) {
        ncr_emu_object_unref(live);
        return false;
    }
    ncr_emu_journal_version_gone_locked(bucket, live->generation);
    ncr_emu_versions_forget_locked(bucket, live->generation);
    ncr_emu_journal_put_locked(bucket, live);
    return ncr_emu_index_put_locked(bucket, live);
}

/* --- Reading --- */

ncr_emu_object *ncr_emu_version_get(ncr_emu_bucket *bucket, const char *key, const char *id, int *fd)
{
    *fd = -1;
    ncr_emu_object *live = ncr_emu_object_get(bucket, key, fd);
    if (live && (!id || has_id(live, id)))
        return live;
    if (live)
        close(*fd);
    ncr_emu_object_unref(live);
    *fd = -1;
    pthread_mutex_lock(&bucket->lock);
    ncr_emu_object *found = NULL;
    ncr_emu_object *newest = newest_locked(bucket, key);
    if (!id && newest && newest->marker)
        found = ncr_emu_object_ref(newest);
    for (size_t i = find_locked(bucket, key);
         id && i < bucket->version_count && strcmp(bucket->versions[i]->key, key) == 0 && !found; i++)
        if (has_id(bucket->versions[i], id))
            found = ncr_emu_object_ref(bucket->versions[i]);
    if (found && !found->marker) {
        char path[NCR_EMU_PATH_MAX];
        ncr_emu_object_path(found, path);
        *fd = openat(bucket->directory, path, O_RDONLY | O_CLOEXEC);
    }
    pthread_mutex_unlock(&bucket->lock);
    if (!found || found->marker || *fd >= 0)
        return found;
    ncr_emu_object_unref(found);
    return NULL;
}

/* --- Deleting --- */

static int delete_version_locked(ncr_emu_bucket *bucket, const char *key, const char *id, ncr_emu_deletion *out)
{
    const ncr_emu_object *live = ncr_emu_refresh_locked(bucket, key);
    snprintf(out->id, sizeof out->id, "%s", id);
    if (live && has_id(live, id)) {
        if (!ncr_emu_remove_live_locked(bucket, live))
            return 500;
        return promote_locked(bucket, key) ? 204 : 500;
    }
    for (size_t i = find_locked(bucket, key); i < bucket->version_count && strcmp(bucket->versions[i]->key, key) == 0;
         i++)
        if (has_id(bucket->versions[i], id)) {
            out->was_marker = bucket->versions[i]->marker;
            drop_locked(bucket, bucket->versions[i]);
            break;
        }
    return promote_locked(bucket, key) ? 204 : 500;
}

static int delete_live_locked(ncr_emu_bucket *bucket, const char *key, const ncr_emu_condition *condition,
                              ncr_emu_deletion *out)
{
    const ncr_emu_object *live = ncr_emu_refresh_locked(bucket, key);
    int status = ncr_emu_condition_check(condition, live);
    if (status != 200)
        return status;
    if (!ncr_emu_versions_keep_locked(bucket, live, key) || (live && !ncr_emu_remove_live_locked(bucket, live)) ||
        !ncr_emu_versions_mark_locked(bucket, key, out))
        return 500;
    return 204;
}

int ncr_emu_version_delete(ncr_emu_bucket *bucket, const char *key, const char *id, const ncr_emu_condition *condition,
                           ncr_emu_deletion *out)
{
    *out = (ncr_emu_deletion){0};
    pthread_mutex_lock(&bucket->lock);
    int status = id ? delete_version_locked(bucket, key, id, out) : delete_live_locked(bucket, key, condition, out);
    pthread_mutex_unlock(&bucket->lock);
    return status;
}

/* --- Listing --- */

/* Where a walk over live objects and versions stands. */
typedef struct walk {
    size_t live, version;
    const char *key; /* of the entry before; NULL: there was none */
} walk;

/* The next entry, a key's live object first; NULL: the end. */
static ncr_emu_object *next_locked(const ncr_emu_bucket *bucket, walk *at, bool *latest)
{
    ncr_emu_object *live = at->live < bucket->count ? bucket->objects[at->live] : NULL;
    ncr_emu_object *version = at->version < bucket->version_count ? bucket->versions[at->version] : NULL;
    bool takes_live = live && (!version || strcmp(live->key, version->key) <= 0);
    ncr_emu_object *taken = takes_live ? live : version;
    at->live += takes_live;
    at->version += !takes_live && version;
    *latest = taken && (!at->key || strcmp(taken->key, at->key) != 0);
    at->key = taken ? taken->key : NULL;
    return taken;
}

/* Whether an entry was on a page before. */
static bool is_before(const ncr_emu_versions_options *options, const ncr_emu_object *object, bool *passed)
{
    int order = options->key_marker ? strcmp(object->key, options->key_marker) : 1;
    if (order != 0)
        return order < 0;
    if (!options->id_marker || !*options->id_marker)
        return true;
    bool before = !*passed;
    *passed |= has_id(object, options->id_marker);
    return before;
}

static bool add_entry(ncr_emu_versions_page *out, ncr_emu_object *object, bool latest)
{
    out->objects[out->count] = ncr_emu_object_ref(object);
    out->latest[out->count++] = latest;
    free(out->next_key);
    out->next_key = ncr_text_copy(object->key);
    ncr_emu_version_id(object, out->next_id);
    return out->next_key != NULL;
}

/* Adds a common prefix unless it is there already; it takes a place of the page. */
static bool add_prefix(ncr_emu_versions_page *out, const char *key, size_t length)
{
    out->prefixes[out->prefix_count] = ncr_text_copy_n(key, length);
    free(out->next_key);
    out->next_key = ncr_text_copy_n(key, length);
    out->next_id[0] = '\0';
    return out->prefixes[out->prefix_count++] && out->next_key;
}

static bool in_last_prefix(const ncr_emu_versions_page *page, const char *key)
{
    return page->prefix_count && ncr_text_starts(key, page->prefixes[page->prefix_count - 1]);
}

static int list_locked(const ncr_emu_bucket *bucket, const ncr_emu_versions_options *options,
                       ncr_emu_versions_page *out)
{
    const char *prefix = options->prefix ? options->prefix : "";
    walk at = {.live = ncr_emu_index_find_locked(bucket, prefix), .version = find_locked(bucket, prefix)};
    bool latest, passed = false;
    for (ncr_emu_object *object = next_locked(bucket, &at, &latest); object && ncr_text_starts(object->key, prefix);
         object = next_locked(bucket, &at, &latest)) {
        const char *fold = options->delimiter ? strstr(object->key + strlen(prefix), options->delimiter) : NULL;
        size_t length = fold ? (size_t)(fold - object->key) + strlen(options->delimiter) : 0;
        bool was_folded = fold && options->key_marker && strncmp(options->key_marker, object->key, length) == 0 &&
                          !options->key_marker[length];
        if (was_folded || (fold ? in_last_prefix(out, object->key) : false) || is_before(options, object, &passed))
            continue;
        if (out->count + out->prefix_count == options->maximum) {
            out->truncated = true;
            break;
        }
        if (!(fold ? add_prefix(out, object->key, length) : add_entry(out, object, latest)))
            return 500;
    }
    return 200;
}

int ncr_emu_versions_list(ncr_emu_bucket *bucket, const ncr_emu_versions_options *options, ncr_emu_versions_page *out)
{
    *out = (ncr_emu_versions_page){0};
    out->objects = calloc(options->maximum + 1, sizeof(ncr_emu_object *));
    out->latest = calloc(options->maximum + 1, sizeof *out->latest);
    out->prefixes = calloc(options->maximum + 1, sizeof *out->prefixes);
    if (!out->objects || !out->latest || !out->prefixes)
        return 500;
    pthread_mutex_lock(&bucket->lock);
    ncr_emu_scan_locked(bucket, options->prefix ? options->prefix : "");
    int status = options->maximum ? list_locked(bucket, options, out) : 200;
    pthread_mutex_unlock(&bucket->lock);
    return status;
}

void ncr_emu_versions_page_clear(ncr_emu_versions_page *page)
{
    for (size_t i = 0; i < page->count; i++)
        ncr_emu_object_unref(page->objects[i]);
    for (size_t i = 0; i < page->prefix_count; i++)
        free(page->prefixes[i]);
    free(page->objects);
    free(page->latest);
    free(page->prefixes);
    free(page->next_key);
    *page = (ncr_emu_versions_page){0};
}
