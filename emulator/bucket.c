/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "bucket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "keys.h"
#include "versions.h"

static void bucket_free(ncr_emu_bucket *bucket)
{
    for (size_t i = 0; i < bucket->count; i++)
        ncr_emu_object_unref(bucket->objects[i]);
    for (size_t i = 0; i < bucket->version_count; i++)
        ncr_emu_object_unref(bucket->versions[i]);
    free(bucket->versions);
    free(bucket->objects);
    if (bucket->directory >= 0)
        close(bucket->directory);
    if (bucket->journal >= 0)
        close(bucket->journal);
    pthread_mutex_destroy(&bucket->lock);
    json_decref(bucket->settings);
    free(bucket->name);
    free(bucket);
}

/* Removes what a killed emulator left behind. */
static void empty_directory(int directory)
{
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    if (!entries) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries))
        if (entry->d_name[0] != '.')
            unlinkat(directory, entry->d_name, 0);
    closedir(entries);
}

static int open_directory(int at, const char *path, bool make)
{
    if (make && mkdirat(at, path, 0755) != 0 && errno != EEXIST)
        return -1;
    return openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

nacre_status ncr_emu_root_open(const char *path, ncr_emu_root **out, nacre_error *err)
{
    *out = NULL;
    ncr_emu_root *root = calloc(1, sizeof *root);
    if (!root)
        return ncr_error_memory(err);
    pthread_mutex_init(&root->lock, NULL);
    root->tmp_directory = -1;
    root->directory = open_directory(AT_FDCWD, path, false);
    int state = root->directory < 0 ? -1 : open_directory(root->directory, NCR_EMU_STATE_DIRECTORY, true);
    if (state >= 0) {
        root->tmp_directory = open_directory(state, "tmp", true);
        close(state);
    }
    if (root->tmp_directory < 0) {
        int reason = errno;
        bool is_missing = root->directory < 0 && reason == ENOENT;
        ncr_emu_root_close(root);
        if (is_missing)
            return ncr_error_set(err, NACRE_ERROR_NOT_FOUND, "%s: no such folder; make it first", path);
        return ncr_error_errno(err, reason, path, "open");
    }
    empty_directory(root->tmp_directory);
    *out = root;
    return NACRE_OK;
}

void ncr_emu_root_close(ncr_emu_root *root)
{
    if (!root)
        return;
    while (root->buckets) {
        ncr_emu_bucket *bucket = root->buckets;
        root->buckets = bucket->next;
        bucket_free(bucket);
    }
    if (root->directory >= 0)
        close(root->directory);
    if (root->tmp_directory >= 0)
        close(root->tmp_directory);
    pthread_mutex_destroy(&root->lock);
    free(root);
}

/* Takes up what lies under .nacre/keys, for a journal that was lost. path is the part below it, with a slash. */
static void adopt_escaped_locked(ncr_emu_bucket *bucket, int directory, const char *path)
{
    DIR *entries = fdopendir(directory);
    if (!entries) {
        close(directory);
        return;
    }
    for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries)) {
        char below[NCR_EMU_PATH_MAX], key[NCR_EMU_KEY_MAX + 1];
        int length = snprintf(below, sizeof below - 1, "%s%s", path, entry->d_name);
        if (entry->d_name[0] == '.' || length >= (int)sizeof below - 1)
            continue;
        int child = openat(dirfd(entries), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (child >= 0) {
            memcpy(below + length, "/", 2);
            adopt_escaped_locked(bucket, child, below);
        } else if (ncr_emu_key_from_escaped(below, key)) {
            ncr_emu_refresh_locked(bucket, key);
        }
    }
    closedir(entries);
}

/* Takes over the descriptor of the folder. */
static ncr_emu_bucket *bucket_open(const char *name, int directory)
{
    ncr_emu_bucket *bucket = calloc(1, sizeof *bucket);
    if (!bucket) {
        close(directory);
        return NULL;
    }
    bucket->directory = directory;
    bucket->journal = -1;
    bucket->name = strdup(name);
    bucket->settings = json_object();
    pthread_mutex_init(&bucket->lock, NULL);
    if (!bucket->name || !bucket->settings || fstat(directory, &bucket->identity) != 0) {
        bucket_free(bucket);
        return NULL;
    }
    pthread_mutex_lock(&bucket->lock);
    bool good = ncr_emu_journal_open_locked(bucket);
    int keys = good ? openat(directory, NCR_EMU_KEYS_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (keys >= 0)
        adopt_escaped_locked(bucket, keys, "");
    if (good)
        ncr_emu_versions_tidy_locked(bucket);
    pthread_mutex_unlock(&bucket->lock);
    if (good)
        return bucket;
    bucket_free(bucket);
    return NULL;
}

static ncr_emu_bucket *bucket_get_locked(ncr_emu_root *root, const char *name)
{
    int directory = openat(root->directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return NULL;
    struct stat now;
    if (fstat(directory, &now) != 0) {
        close(directory);
        return NULL;
    }
    for (ncr_emu_bucket *bucket = root->buckets; bucket; bucket = bucket->next)
        if (strcmp(bucket->name, name) == 0 && bucket->identity.st_ino == now.st_ino &&
            bucket->identity.st_dev == now.st_dev && !bucket->gone) {
            close(directory);
            return bucket;
        }
    ncr_emu_bucket *bucket = bucket_open(name, directory);
    if (bucket) {
        bucket->next = root->buckets;
        root->buckets = bucket;
    }
    return bucket;
}

ncr_emu_bucket *ncr_emu_bucket_get(ncr_emu_root *root, const char *name)
{
    if (!ncr_emu_bucket_name_is_valid(name))
        return NULL;
    pthread_mutex_lock(&root->lock);
    ncr_emu_bucket *bucket = bucket_get_locked(root, name);
    pthread_mutex_unlock(&root->lock);
    return bucket;
}

int ncr_emu_bucket_create(ncr_emu_root *root, const char *name)
{
    if (!ncr_emu_bucket_name_is_valid(name))
        return 400;
    if (mkdirat(root->directory, name, 0755) == 0)
        return 200;
    return errno == EEXIST ? 409 : 500;
}

char *ncr_emu_bucket_setting(ncr_emu_bucket *bucket, const char *name)
{
    pthread_mutex_lock(&bucket->lock);
    char *value = ncr_text_copy(json_string_value(json_object_get(bucket->settings, name)));
    pthread_mutex_unlock(&bucket->lock);
    return value;
}

bool ncr_emu_bucket_set(ncr_emu_bucket *bucket, const char *name, const char *value)
{
    pthread_mutex_lock(&bucket->lock);
    bool good = json_object_set_new(bucket->settings, name, json_string(value)) == 0;
    if (good)
        ncr_emu_journal_settings_locked(bucket);
    pthread_mutex_unlock(&bucket->lock);
    return good;
}

static int remove_locked(ncr_emu_root *root, ncr_emu_bucket *bucket)
{
    struct stat now;
    if (bucket->version_count)
        return 409;
    if (fstatat(root->directory, bucket->name, &now, 0) != 0 || now.st_ino != bucket->identity.st_ino)
        return 404;
    unlinkat(bucket->directory, NCR_EMU_STATE_DIRECTORY "/journal", 0);
    unlinkat(bucket->directory, NCR_EMU_KEYS_DIRECTORY, AT_REMOVEDIR);
    unlinkat(bucket->directory, NCR_EMU_VERSIONS_DIRECTORY, AT_REMOVEDIR);
    unlinkat(bucket->directory, NCR_EMU_STATE_DIRECTORY, AT_REMOVEDIR);
    if (unlinkat(root->directory, bucket->name, AT_REMOVEDIR) != 0)
        return errno == ENOTEMPTY || errno == EEXIST ? 409 : 500;
    bucket->gone = true;
    return 204;
}

int ncr_emu_bucket_remove(ncr_emu_root *root, const char *name)
{
    ncr_emu_bucket *bucket = ncr_emu_bucket_get(root, name);
    if (!bucket)
        return 404;
    ncr_emu_listing listing = {0};
    const ncr_emu_list_options one = {.maximum = 1};
    int status = ncr_emu_list(bucket, &one, &listing);
    bool empty = listing.object_count == 0;
    ncr_emu_listing_clear(&listing);
    if (status != 200 || !empty)
        return status != 200 ? status : 409;
    pthread_mutex_lock(&bucket->lock);
    status = remove_locked(root, bucket);
    pthread_mutex_unlock(&bucket->lock);
    return status;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **ncr_emu_bucket_names(ncr_emu_root *root, size_t *count)
{
    char **names = NULL;
    size_t capacity = 0;
    *count = 0;
    int fd = openat(root->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *entry = entries ? readdir(entries) : NULL; entry; entry = readdir(entries)) {
        struct stat found;
        if (!ncr_emu_bucket_name_is_valid(entry->d_name) || fstatat(fd, entry->d_name, &found, 0) != 0 ||
            !S_ISDIR(found.st_mode) || !ncr_array_reserve(&names, &capacity, *count + 1, sizeof *names))
            continue;
        names[*count] = strdup(entry->d_name);
        *count += names[*count] != NULL;
    }
    if (entries)
        closedir(entries);
    else if (fd >= 0)
        close(fd);
    if (names)
        qsort(names, *count, sizeof *names, compare_names);
    return names;
}
