/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "objects.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "bucket.h"
#include "keys.h"
#include "versions.h"

/* --- One object --- */

ncr_emu_object *ncr_emu_object_new(const char *key, json_t *fields)
{
    ncr_emu_object *object = calloc(1, sizeof *object);
    if (!object)
        return NULL;
    atomic_init(&object->references, 1);
    object->key = strdup(key);
    object->fields = fields ? json_deep_copy(fields) : json_object();
    if (object->key && object->fields)
        return object;
    ncr_emu_object_unref(object);
    return NULL;
}

ncr_emu_object *ncr_emu_object_clone(const ncr_emu_object *object)
{
    ncr_emu_object *copy = ncr_emu_object_new(object->key, object->fields);
    if (!copy)
        return NULL;
    char *key = copy->key;
    json_t *fields = copy->fields;
    memcpy((char *)copy + offsetof(ncr_emu_object, key), (const char *)object + offsetof(ncr_emu_object, key),
           sizeof *copy - offsetof(ncr_emu_object, key));
    copy->key = key;
    copy->fields = fields;
    copy->s3 = object->s3 ? json_deep_copy(object->s3) : NULL;
    copy->previous = NULL; /* one version back is enough */
    return copy;
}

ncr_emu_object *ncr_emu_object_ref(ncr_emu_object *object)
{
    atomic_fetch_add(&object->references, 1);
    return object;
}

void ncr_emu_object_unref(ncr_emu_object *object)
{
    if (!object || atomic_fetch_sub(&object->references, 1) != 1)
        return;
    if (object->previous)
        close(object->previous_fd);
    ncr_emu_object_unref(object->previous);
    json_decref(object->fields);
    json_decref(object->s3);
    free(object->key);
    free(object);
}

const char *ncr_emu_object_field(const ncr_emu_object *object, const char *name, const char *fallback)
{
    const char *value = json_string_value(json_object_get(object->fields, name));
    return value ? value : fallback;
}

static size_t put_varint(uint8_t *out, uint64_t value)
{
    size_t at = 0;
    for (; value >= 0x80; value >>= 7)
        out[at++] = (uint8_t)(value | 0x80);
    out[at++] = (uint8_t)value;
    return at;
}

void ncr_emu_object_etag(const ncr_emu_object *object, char out[NCR_EMU_ETAG_SIZE])
{
    uint8_t bytes[24];
    size_t at = 0;
    bytes[at++] = 0x08;
    at += put_varint(bytes + at, object->generation);
    bytes[at++] = 0x10;
    at += put_varint(bytes + at, object->metageneration);
    ncr_emu_base64(bytes, at, out);
}

void ncr_emu_object_xml_etag(const ncr_emu_object *object, char out[NCR_EMU_ETAG_SIZE])
{
    char text[NCR_EMU_ETAG_SIZE];
    if (object->composite)
        ncr_emu_object_etag(object, text);
    else
        ncr_emu_md5_hex(object->md5, text);
    snprintf(out, NCR_EMU_ETAG_SIZE, "\"%s%.40s\"", object->composite ? "-" : "", text);
}

void ncr_emu_object_s3_etag(const ncr_emu_object *object, char out[NCR_EMU_ETAG_SIZE])
{
    char md5[NCR_EMU_MD5_HEX_SIZE];
    ncr_emu_md5_hex(object->part_count ? object->parts_md5 : object->md5, md5);
    if (object->part_count || object->composite)
        snprintf(out, NCR_EMU_ETAG_SIZE, "\"%s-%u\"", md5, object->part_count ? (unsigned)object->part_count : 1);
    else
        snprintf(out, NCR_EMU_ETAG_SIZE, "\"%s\"", md5);
}

/* --- Preconditions --- */

bool ncr_emu_etag_listed(const char *list, const char *etag)
{
    size_t length = strlen(etag) - 2;
    if (strcmp(list, "*") == 0)
        return true;
    while (*list) {
        list += strspn(list, ", ");
        size_t found = strcspn(list, ", ");
        bool is_quoted = found >= 2 && list[0] == '"' && list[found - 1] == '"';
        if (found == length + (is_quoted ? 2 : 0) && strncmp(list + is_quoted, etag + 1, length) == 0)
            return true;
        list += found;
    }
    return false;
}

/* As clients send either of the two kinds. */
static bool etag_list_names(const char *list, const ncr_emu_object *object)
{
    char bare[NCR_EMU_ETAG_SIZE], etag[NCR_EMU_ETAG_SIZE + 2];
    ncr_emu_object_etag(object, bare);
    snprintf(etag, sizeof etag, "\"%s\"", bare);
    if (ncr_emu_etag_listed(list, etag))
        return true;
    ncr_emu_object_xml_etag(object, etag);
    return ncr_emu_etag_listed(list, etag);
}

static int check_s3(const ncr_emu_condition *condition, const ncr_emu_object *object)
{
    char etag[NCR_EMU_ETAG_SIZE];
    if (!object)
        return condition->if_match ? 404 : 200;
    ncr_emu_object_s3_etag(object, etag);
    if (condition->if_match && !ncr_emu_etag_listed(condition->if_match, etag))
        return 412;
    return condition->if_none_match && ncr_emu_etag_listed(condition->if_none_match, etag) ? 412 : 200;
}

static int check_google(const ncr_emu_condition *condition, const ncr_emu_object *object)
{
    uint64_t generation = object ? object->generation : 0, metageneration = object ? object->metageneration : 0;
    if (condition->has_generation && condition->generation != generation)
        return 412;
    if (condition->has_metageneration && (!object || condition->metageneration != metageneration))
        return 412;
    if (condition->if_match && (!object || !etag_list_names(condition->if_match, object)))
        return 412;
    if (condition->has_not_generation && (!object || condition->not_generation == generation))
        return 304;
    if (condition->has_not_metageneration && (!object || condition->not_metageneration == metageneration))
        return 304;
    if (condition->if_none_match && object && etag_list_names(condition->if_none_match, object))
        return 304;
    return 200;
}

int ncr_emu_condition_check(const ncr_emu_condition *condition, const ncr_emu_object *object)
{
    return condition->s3 ? check_s3(condition, object) : check_google(condition, object);
}

/* --- The index --- */

size_t ncr_emu_index_find_locked(const ncr_emu_bucket *bucket, const char *key)
{
    size_t low = 0, high = bucket->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(bucket->objects[middle]->key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

ncr_emu_object *ncr_emu_index_get_locked(const ncr_emu_bucket *bucket, const char *key)
{
    size_t at = ncr_emu_index_find_locked(bucket, key);
    return at < bucket->count && strcmp(bucket->objects[at]->key, key) == 0 ? bucket->objects[at] : NULL;
}

bool ncr_emu_index_put_locked(ncr_emu_bucket *bucket, ncr_emu_object *object)
{
    size_t at = ncr_emu_index_find_locked(bucket, object->key);
    if (at < bucket->count && strcmp(bucket->objects[at]->key, object->key) == 0) {
        ncr_emu_object_unref(bucket->objects[at]);
        bucket->objects[at] = object;
        return true;
    }
    if (!ncr_array_reserve(&bucket->objects, &bucket->capacity, bucket->count + 1, sizeof(ncr_emu_object *))) {
        ncr_emu_object_unref(object);
        return false;
    }
    memmove(bucket->objects + at + 1, bucket->objects + at, (bucket->count - at) * sizeof(ncr_emu_object *));
    bucket->objects[at] = object;
    bucket->count++;
    return true;
}

void ncr_emu_index_remove_locked(ncr_emu_bucket *bucket, const char *key)
{
    size_t at = ncr_emu_index_find_locked(bucket, key);
    if (at == bucket->count || strcmp(bucket->objects[at]->key, key) != 0)
        return;
    ncr_emu_object_unref(bucket->objects[at]);
    bucket->count--;
    memmove(bucket->objects + at, bucket->objects + at + 1, (bucket->count - at) * sizeof(ncr_emu_object *));
}

uint64_t ncr_emu_next_generation_locked(ncr_emu_bucket *bucket)
{
    /* One sequence for all buckets, so that a bucket that is removed and made again gives none twice either. */
    static _Atomic uint64_t given;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t wanted = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    if (wanted <= bucket->last_generation)
        wanted = bucket->last_generation + 1;
    uint64_t last = atomic_load(&given);
    do {
        wanted = wanted > last ? wanted : last + 1;
    } while (!atomic_compare_exchange_weak(&given, &last, wanted));
    bucket->last_generation = wanted;
    return wanted;
}

static void record_file(ncr_emu_object *object, const struct stat *file)
{
    object->size = (uint64_t)file->st_size;
    object->inode = (uint64_t)file->st_ino;
    object->mtime_ns = (int64_t)file->st_mtim.tv_sec * 1000000000 + file->st_mtim.tv_nsec;
}

static bool is_recorded_file(const ncr_emu_object *object, const struct stat *file)
{
    ncr_emu_object other;
    record_file(&other, file);
    return object->size == other.size && object->inode == other.inode && object->mtime_ns == other.mtime_ns;
}

static bool stat_key(const ncr_emu_bucket *bucket, const char *key, bool escaped, struct stat *out)
{
    char path[NCR_EMU_PATH_MAX];
    if (!escaped && !ncr_emu_key_is_plain(key))
        return false;
    ncr_emu_key_path(key, escaped, path);
    return fstatat(bucket->directory, path, out, 0) == 0 && S_ISREG(out->st_mode);
}

/* Another name of a file that was read before has its hashes: large files are linked under many keys. */
static void share_hashes_locked(const ncr_emu_bucket *bucket, ncr_emu_object *object, const struct stat *file)
{
    for (size_t i = 0; i < bucket->count && file->st_nlink > 1 && !object->has_hashes; i++) {
        const ncr_emu_object *other = bucket->objects[i];
        if (!other->has_hashes || other->composite || !is_recorded_file(other, file))
            continue;
        object->crc32c = other->crc32c;
        memcpy(object->md5, other->md5, sizeof object->md5);
        object->has_hashes = true;
    }
}

/* Takes up a file that no request wrote. */
static ncr_emu_object *adopt_locked(ncr_emu_bucket *bucket, const char *key, bool escaped, const struct stat *file)
{
    ncr_emu_object *object = ncr_emu_object_new(key, NULL);
    if (!object)
        return NULL;
    object->escaped = escaped;
    record_file(object, file);
    share_hashes_locked(bucket, object, file);
    object->generation = ncr_emu_next_generation_locked(bucket);
    object->metageneration = 1;
    object->created_ms = object->updated_ms = (int64_t)(object->generation / 1000);
    if (!ncr_emu_index_put_locked(bucket, object))
        return NULL;
    ncr_emu_journal_put_locked(bucket, object);
    return object;
}

ncr_emu_object *ncr_emu_refresh_locked(ncr_emu_bucket *bucket, const char *key)
{
    ncr_emu_object *known = ncr_emu_index_get_locked(bucket, key);
    struct stat file;
    if (known && stat_key(bucket, key, known->escaped, &file))
        return is_recorded_file(known, &file) ? known : adopt_locked(bucket, key, known->escaped, &file);
    if (known) {
        ncr_emu_journal_remove_locked(bucket, key);
        ncr_emu_index_remove_locked(bucket, key);
    }
    for (int escaped = 0; escaped < 2; escaped++)
        if (stat_key(bucket, key, escaped, &file))
            return adopt_locked(bucket, key, escaped, &file);
    return NULL;
}

/* --- Reading --- */

bool ncr_emu_object_hash(ncr_emu_object *object, int fd)
{
    ncr_emu_hash hash;
    enum { STEP = 1 << 18 };
    char *step = malloc(STEP);
    bool good = step != NULL;
    ncr_emu_hash_init(&hash);
    for (uint64_t at = 0; at < object->size && good; at += STEP) {
        size_t part = object->size - at < STEP ? (size_t)(object->size - at) : STEP;
        good = ncr_emu_read_at(fd, step, part, at);
        if (good)
            ncr_emu_hash_add(&hash, step, part);
    }
    free(step);
    ncr_emu_hash_end(&hash, &object->crc32c, object->md5);
    object->has_hashes = true;
    return good;
}

/* Adds the hashes of a file that was put there by hand; reads it whole, so not under the lock. */
static ncr_emu_object *with_hashes(ncr_emu_bucket *bucket, ncr_emu_object *object, int fd)
{
    ncr_emu_object *copy = ncr_emu_object_clone(object);
    if (!copy)
        return object;
    ncr_emu_object_hash(copy, fd); /* of a file that is changed in place meanwhile, of what there is */

    pthread_mutex_lock(&bucket->lock);
    ncr_emu_object *now = ncr_emu_index_get_locked(bucket, object->key);
    if (now == object) {
        ncr_emu_journal_put_locked(bucket, copy);
        ncr_emu_index_put_locked(bucket, ncr_emu_object_ref(copy));
    }
    pthread_mutex_unlock(&bucket->lock);
    ncr_emu_object_unref(object);
    return copy;
}

void ncr_emu_object_path(const ncr_emu_object *object, char path[NCR_EMU_PATH_MAX])
{
    if (object->kept)
        snprintf(path, NCR_EMU_PATH_MAX, "%s/%llu", NCR_EMU_VERSIONS_DIRECTORY, (unsigned long long)object->generation);
    else
        ncr_emu_key_path(object->key, object->escaped, path);
}

static int open_file(const ncr_emu_bucket *bucket, const ncr_emu_object *object)
{
    char path[NCR_EMU_PATH_MAX];
    ncr_emu_object_path(object, path);
    return openat(bucket->directory, path, O_RDONLY | O_CLOEXEC);
}

ncr_emu_object *ncr_emu_object_get(ncr_emu_bucket *bucket, const char *key, int *fd)
{
    pthread_mutex_lock(&bucket->lock);
    ncr_emu_object *object = ncr_emu_refresh_locked(bucket, key);
    if (object)
        ncr_emu_object_ref(object);
    int file = object && (fd || !object->has_hashes) ? open_file(bucket, object) : -1;
    pthread_mutex_unlock(&bucket->lock);
    if (object && file >= 0 && !object->has_hashes)
        object = with_hashes(bucket, object, file);
    if (fd && object && file < 0) {
        ncr_emu_object_unref(object);
        object = NULL;
    }
    if (fd)
        *fd = file;
    else if (file >= 0)
        close(file);
    return object;
}

/* --- Changing --- */

static bool make_parents(int directory, const char *path)
{
    char part[NCR_EMU_PATH_MAX];
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        if (mkdirat(directory, part, 0755) != 0 && errno != EEXIST)
            return false;
    }
    return true;
}

static void remove_empty_parents(int directory, const char *path)
{
    char part[NCR_EMU_PATH_MAX];
    snprintf(part, sizeof part, "%s", path);
    for (char *slash = strrchr(part, '/'); slash; slash = strrchr(part, '/')) {
        *slash = '\0';
        if (strcmp(part, NCR_EMU_KEYS_DIRECTORY) == 0 || unlinkat(directory, part, AT_REMOVEDIR) != 0)
            return;
    }
}

/* Moves a file to the key's place, the plain one where that is free, and *escaped tells which; first: to begin with. */
static bool place_locked(ncr_emu_bucket *bucket, const char *key, int from_directory, const char *from, bool first,
                         bool *escaped)
{
    char path[NCR_EMU_PATH_MAX];
    for (int way = first; way < 2; way++) {
        ncr_emu_key_path(key, way, path);
        if (make_parents(bucket->directory, path) && renameat(from_directory, from, bucket->directory, path) == 0) {
            *escaped = way;
            return true;
        }
        if (errno != EISDIR && errno != ENOTDIR && errno != EEXIST && errno != ENAMETOOLONG)
            return false;
    }
    return false;
}

static bool place_draft_locked(ncr_emu_bucket *bucket, const ncr_emu_object *current, const char *key,
                               ncr_emu_draft *draft, bool *escaped)
{
    bool first = current ? current->escaped : !ncr_emu_key_is_plain(key);
    draft->placed = place_locked(bucket, key, draft->directory, draft->name, first, escaped);
    return draft->placed;
}

bool ncr_emu_place_locked(ncr_emu_bucket *bucket, int from_directory, const char *from, ncr_emu_object *object)
{
    return place_locked(bucket, object->key, from_directory, from, !ncr_emu_key_is_plain(object->key),
                        &object->escaped);
}

static ncr_emu_object *object_of_commit(ncr_emu_bucket *bucket, const ncr_emu_commit *commit, bool escaped)
{
    struct stat file;
    ncr_emu_object *object = ncr_emu_object_new(commit->key, commit->fields);
    if (!object || fstat(commit->draft->fd, &file) != 0) {
        ncr_emu_object_unref(object);
        return NULL;
    }
    record_file(object, &file);
    object->escaped = escaped;
    object->versioned = ncr_emu_versioning_locked(bucket) == NCR_EMU_VERSIONS_ON;
    object->composite = commit->composite;
    object->part_count = commit->part_count;
    memcpy(object->parts_md5, commit->parts_md5, sizeof object->parts_md5);
    object->s3 = commit->s3 ? json_deep_copy(commit->s3) : NULL;
    object->generation = ncr_emu_next_generation_locked(bucket);
    object->metageneration = 1;
    object->created_ms = object->updated_ms = ncr_clock_wall_ms();
    ncr_emu_hash_end(&commit->draft->hash, &object->crc32c, object->md5);
    object->has_hashes = true;
    return object;
}

/* Opens the file of what is about to be replaced. */
static void keep_previous(const ncr_emu_bucket *bucket, const ncr_emu_object *current, ncr_emu_object **previous,
                          int *previous_fd)
{
    *previous_fd = open_file(bucket, current);
    *previous = *previous_fd < 0 ? NULL : ncr_emu_object_clone(current);
    if (!*previous && *previous_fd >= 0)
        close(*previous_fd);
}

static int commit_locked(ncr_emu_bucket *bucket, const ncr_emu_commit *commit, ncr_emu_object **out)
{
    if (bucket->gone)
        return 404;
    const ncr_emu_object *current = ncr_emu_refresh_locked(bucket, commit->key);
    int status = ncr_emu_condition_check(&commit->condition, current);
    if (status != 200)
        return status;
    bool escaped;
    ncr_emu_object *previous = NULL;
    int previous_fd = -1;
    if (current && commit->keeps_previous)
        keep_previous(bucket, current, &previous, &previous_fd);
    bool placed = ncr_emu_versions_keep_locked(bucket, current, commit->key) &&
                  place_draft_locked(bucket, current, commit->key, commit->draft, &escaped);
    ncr_emu_object *object = placed ? object_of_commit(bucket, commit, escaped) : NULL;
    if (!object) {
        if (previous)
            close(previous_fd);
        ncr_emu_object_unref(previous);
        return 500;
    }
    object->previous = previous;
    object->previous_fd = previous_fd;
    if (!ncr_emu_index_put_locked(bucket, object))
        return 500;
    ncr_emu_journal_put_locked(bucket, object);
    *out = ncr_emu_object_ref(object);
    return 200;
}

int ncr_emu_object_commit(ncr_emu_bucket *bucket, const ncr_emu_commit *commit, ncr_emu_object **out)
{
    *out = NULL;
    if (commit->draft->failed)
        return 500;
    pthread_mutex_lock(&bucket->lock);
    int status = commit_locked(bucket, commit, out);
    pthread_mutex_unlock(&bucket->lock);
    return status;
}

bool ncr_emu_remove_live_locked(ncr_emu_bucket *bucket, const ncr_emu_object *object)
{
    char path[NCR_EMU_PATH_MAX];
    ncr_emu_object_path(object, path);
    if (unlinkat(bucket->directory, path, 0) != 0 && errno != ENOENT)
        return false;
    remove_empty_parents(bucket->directory, path);
    ncr_emu_journal_remove_locked(bucket, object->key);
    ncr_emu_index_remove_locked(bucket, object->key);
    return true;
}

static int delete_locked(ncr_emu_bucket *bucket, const char *key, uint64_t generation,
                         const ncr_emu_condition *condition)
{
    const ncr_emu_object *object = ncr_emu_refresh_locked(bucket, key);
    if (!object || (generation && generation != object->generation))
        return 404;
    int status = ncr_emu_condition_check(condition, object);
    if (status != 200)
        return status;
    bool good = ncr_emu_versions_keep_locked(bucket, object, key) && ncr_emu_remove_live_locked(bucket, object) &&
                ncr_emu_versions_mark_locked(bucket, key, NULL);
    return good ? 204 : 500;
}

int ncr_emu_object_delete(ncr_emu_bucket *bucket, const char *key, uint64_t generation,
                          const ncr_emu_condition *condition)
{
    pthread_mutex_lock(&bucket->lock);
    int status = delete_locked(bucket, key, generation, condition);
    pthread_mutex_unlock(&bucket->lock);
    return status;
}

/* RFC 7396, for the fields of an object. */
static void merge_patch(json_t *target, json_t *patch)
{
    const char *name;
    json_t *value;
    json_object_foreach (patch, name, value) {
        json_t *old = json_object_get(target, name);
        if (json_is_null(value))
            json_object_del(target, name);
        else if (json_is_object(value) && json_is_object(old))
            merge_patch(old, value);
        else
            json_object_set_new(target, name, json_deep_copy(value));
    }
}

static int patch_locked(ncr_emu_bucket *bucket, const char *key, json_t *patch, bool replace,
                        const ncr_emu_condition *condition, ncr_emu_object **out)
{
    const ncr_emu_object *object = ncr_emu_refresh_locked(bucket, key);
    if (!object)
        return 404;
    int status = ncr_emu_condition_check(condition, object);
    if (status != 200)
        return status;
    ncr_emu_object *changed = ncr_emu_object_clone(object);
    if (!changed)
        return 500;
    if (replace)
        json_object_clear(changed->fields);
    merge_patch(changed->fields, patch);
    changed->metageneration++;
    changed->updated_ms = ncr_clock_wall_ms();
    if (!ncr_emu_index_put_locked(bucket, changed))
        return 500;
    ncr_emu_journal_put_locked(bucket, changed);
    *out = ncr_emu_object_ref(changed);
    return 200;
}

int ncr_emu_object_patch(ncr_emu_bucket *bucket, const char *key, json_t *patch, bool replace,
                         const ncr_emu_condition *condition, ncr_emu_object **out)
{
    *out = NULL;
    pthread_mutex_lock(&bucket->lock);
    int status = patch_locked(bucket, key, patch, replace, condition, out);
    pthread_mutex_unlock(&bucket->lock);
    return status;
}
