/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "bucket.h"
#include "keys.h"

/* --- What lies in the folder ---
 * Before the first page of a listing the folders that the prefix names are walked, so that files put there, changed or
 * removed by hand are seen. */

/* path: the folder walked, relative to the bucket, "" or with a slash; only names beginning with `begin` matter. */
static void walk_locked(ncr_emu_bucket *bucket, const char *path, const char *begin)
{
    int fd = openat(bucket->directory, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    if (!entries) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries)) {
        char below[NCR_EMU_PATH_MAX];
        const char *name = entry->d_name;
        int length = snprintf(below, sizeof below - 1, "%s%s", path, name);
        struct stat found;
        if (length > NCR_EMU_KEY_MAX || !ncr_text_starts(name, begin) || !ncr_emu_key_is_plain(below) ||
            fstatat(fd, name, &found, 0) != 0)
            continue;
        if (S_ISDIR(found.st_mode)) {
            memcpy(below + length, "/", 2);
            walk_locked(bucket, below, "");
        } else if (S_ISREG(found.st_mode) && ncr_emu_key_is_valid(below)) {
            ncr_emu_refresh_locked(bucket, below);
        }
    }
    closedir(entries);
}

static void walk_prefix_locked(ncr_emu_bucket *bucket, const char *prefix)
{
    char path[NCR_EMU_PATH_MAX] = "";
    const char *slash = strrchr(prefix, '/');
    if (slash && (slash == prefix || strlen(prefix) > NCR_EMU_KEY_MAX))
        return; /* no plain key begins so */
    if (slash) {
        snprintf(path, sizeof path, "%.*s", (int)(slash - prefix), prefix);
        if (!ncr_emu_key_is_plain(path))
            return;
        snprintf(path, sizeof path, "%.*s", (int)(slash - prefix + 1), prefix);
    }
    walk_locked(bucket, path, slash ? slash + 1 : prefix);
}

static void forget_missing_locked(ncr_emu_bucket *bucket, const char *prefix)
{
    size_t at = ncr_emu_index_find_locked(bucket, prefix);
    while (at < bucket->count && ncr_text_starts(bucket->objects[at]->key, prefix)) {
        size_t before = bucket->count;
        char *key = strdup(bucket->objects[at]->key);
        bool stays = !key || ncr_emu_refresh_locked(bucket, key);
        free(key);
        at += stays || bucket->count == before;
    }
}

/* --- The page --- */

/* Position of the first object beyond all keys that begin with prefix. */
static size_t skip_prefix_locked(const ncr_emu_bucket *bucket, const char *prefix)
{
    size_t low = 0, high = bucket->count, length = strlen(prefix);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strncmp(bucket->objects[middle]->key, prefix, length) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A token is the base64 of "k" and the last key, or "p" and the last prefix, of the page before. */
static char *make_token(bool is_prefix, const char *last)
{
    char *text = ncr_text_format("%c%s", is_prefix ? 'p' : 'k', last);
    char *token = text ? malloc(4 * (strlen(text) / 3 + 2)) : NULL;
    if (token)
        ncr_emu_base64(text, strlen(text), token);
    free(text);
    return token;
}

static bool position_of_token_locked(const ncr_emu_bucket *bucket, const char *token, size_t *at)
{
    char *text = malloc(strlen(token) + 4);
    bool good = text && ncr_emu_base64_decode(token, text) >= 1 && (text[0] == 'k' || text[0] == 'p');
    if (good && text[0] == 'p') {
        *at = skip_prefix_locked(bucket, text + 1);
    } else if (good) {
        *at = ncr_emu_index_find_locked(bucket, text + 1);
        *at += ncr_emu_index_get_locked(bucket, text + 1) != NULL;
    }
    free(text);
    return good;
}

static bool begin_locked(const ncr_emu_bucket *bucket, const ncr_emu_list_options *options, const char *prefix,
                         size_t *at)
{
    *at = ncr_emu_index_find_locked(bucket, prefix);
    if (options->start && strcmp(options->start, prefix) > 0)
        *at = ncr_emu_index_find_locked(bucket, options->start);
    if (options->after && *options->after) {
        size_t length = options->delimiter ? strlen(options->delimiter) : 0, after_length = strlen(options->after);
        bool folded = length && after_length >= length && after_length > strlen(prefix) &&
                      strcmp(options->after + after_length - length, options->delimiter) == 0;
        size_t after = folded ? skip_prefix_locked(bucket, options->after)
                              : ncr_emu_index_find_locked(bucket, options->after) +
                                    (ncr_emu_index_get_locked(bucket, options->after) != NULL);
        *at = after > *at ? after : *at;
    }
    if (!options->token || !*options->token)
        return true;
    size_t after;
    if (!position_of_token_locked(bucket, options->token, &after))
        return false;
    *at = after > *at ? after : *at;
    return true;
}

static bool add_prefix(ncr_emu_listing *out, const char *key, size_t length)
{
    if (!ncr_array_reserve(&out->prefixes, &out->prefix_capacity, out->prefix_count + 1, sizeof *out->prefixes))
        return false;
    char *copy = ncr_text_copy_n(key, length);
    out->prefixes[out->prefix_count] = copy;
    out->prefix_count += copy != NULL;
    return copy != NULL;
}

static bool add_object(ncr_emu_listing *out, ncr_emu_object *object)
{
    if (!ncr_array_reserve(&out->objects, &out->object_capacity, out->object_count + 1, sizeof(ncr_emu_object *)))
        return false;
    out->objects[out->object_count++] = ncr_emu_object_ref(object);
    return true;
}

static int page_locked(ncr_emu_bucket *bucket, const ncr_emu_list_options *options, const char *prefix,
                       ncr_emu_listing *out)
{
    size_t at, prefix_length = strlen(prefix);
    const char *last = NULL;
    bool last_is_prefix = false;
    if (!begin_locked(bucket, options, prefix, &at))
        return 400;
    while (at < bucket->count) {
        ncr_emu_object *object = bucket->objects[at];
        if (!ncr_text_starts(object->key, prefix) || (options->end && strcmp(object->key, options->end) >= 0))
            break;
        if (out->object_count + out->prefix_count == options->maximum) {
            out->next_token = last ? make_token(last_is_prefix, last) : NULL;
            break;
        }
        bool folds = options->delimiter && *options->delimiter;
        const char *fold = folds ? strstr(object->key + prefix_length, options->delimiter) : NULL;
        last_is_prefix = fold != NULL;
        if (fold) {
            if (!add_prefix(out, object->key, (size_t)(fold - object->key) + strlen(options->delimiter)))
                return 500;
            last = out->prefixes[out->prefix_count - 1];
            at = skip_prefix_locked(bucket, last);
        } else {
            if (!add_object(out, object))
                return 500;
            last = object->key;
            at++;
        }
    }
    out->last = ncr_text_copy(last);
    return 200;
}

void ncr_emu_scan_locked(ncr_emu_bucket *bucket, const char *prefix)
{
    walk_prefix_locked(bucket, prefix);
    forget_missing_locked(bucket, prefix);
}

int ncr_emu_list(ncr_emu_bucket *bucket, const ncr_emu_list_options *options, ncr_emu_listing *out)
{
    *out = (ncr_emu_listing){0};
    const char *prefix = options->prefix ? options->prefix : "";
    pthread_mutex_lock(&bucket->lock);
    if (!options->token || !*options->token) /* the first page looked */
        ncr_emu_scan_locked(bucket, prefix);
    int status = page_locked(bucket, options, prefix, out);
    pthread_mutex_unlock(&bucket->lock);
    return status;
}

void ncr_emu_listing_clear(ncr_emu_listing *listing)
{
    for (size_t i = 0; i < listing->object_count; i++)
        ncr_emu_object_unref(listing->objects[i]);
    for (size_t i = 0; i < listing->prefix_count; i++)
        free(listing->prefixes[i]);
    free(listing->objects);
    free(listing->prefixes);
    free(listing->next_token);
    free(listing->last);
    *listing = (ncr_emu_listing){0};
}
