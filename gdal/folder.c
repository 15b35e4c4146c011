/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "folder.h"

#include <pthread.h>
#include <string.h>

#include "base/fork.h"
#include "cache/limits.h"

typedef struct folder {
    uint64_t hash, last_used; /* 0: free */
    unsigned count;           /* of objects of which most was read, up to `end` */
    uint64_t end;
    uint64_t read;   /* bytes, behind the first */
    uint64_t unused; /* bytes that opens have read and nobody else */
} folder;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static folder folders[NCR_GDAL_FOLDERS];
static uint64_t uses;

NCR_AT_LOAD keep_over_forks(void)
{
    ncr_fork_keep(&lock);
}

/* FNV-1a of what is before the last slash; never 0. */
static uint64_t hash_of(const char *name)
{
    const char *slash = strrchr(name, '/');
    uint64_t hash = 14695981039346656037u;
    for (const char *at = name; slash && at < slash; at++)
        hash = (hash ^ (unsigned char)*at) * 1099511628211u;
    return hash ? hash : 1;
}

/* The folder, in the place of the one used longest ago where it is new. */
static folder *find_locked(uint64_t hash)
{
    folder *found = &folders[0];
    for (size_t i = 0; i < NCR_GDAL_FOLDERS && found->hash != hash; i++)
        if (folders[i].hash == hash || folders[i].last_used < found->last_used)
            found = &folders[i];
    if (found->hash != hash)
        *found = (folder){.hash = hash};
    found->last_used = ++uses;
    return found;
}

void ncr_gdal_folder_ask(ncr_gdal_use *use, const char *name)
{
    *use = (ncr_gdal_use){.folder = hash_of(name)};
    pthread_mutex_lock(&lock);
    const folder *found = find_locked(use->folder);
    if (found->count >= NCR_GDAL_FOLDER_ENOUGH && found->unused + found->end <= found->read)
        use->first_read = (size_t)found->end;
    pthread_mutex_unlock(&lock);
}

void ncr_gdal_folder_opened(ncr_gdal_use *use, uint64_t size)
{
    const uint64_t got = size < use->first_read ? size : use->first_read;
    use->size = size;
    if (got <= NCR_FIRST_READ)
        return;
    use->unused = got - NCR_FIRST_READ;
    pthread_mutex_lock(&lock);
    find_locked(use->folder)->unused += use->unused;
    pthread_mutex_unlock(&lock);
}

/* Whether it is one of the objects that are small, or read from the beginning on, with few gaps. */
static bool is_most(const ncr_gdal_use *use)
{
    return use->end <= NCR_GDAL_FOLDER_MOST && use->bytes >= (use->end - NCR_FIRST_READ) / 2;
}

void ncr_gdal_folder_read(ncr_gdal_use *use, uint64_t offset, uint64_t length)
{
    const uint64_t start = offset > NCR_FIRST_READ ? offset : NCR_FIRST_READ;
    const uint64_t end = length < use->size - (offset < use->size ? offset : use->size) ? offset + length : use->size;
    if (end <= start ||
        (use->end > NCR_GDAL_FOLDER_MOST && !use->unused)) /* read here and there: not what is looked for */
        return;
    const uint64_t bytes = end - start;
    const uint64_t paid = bytes < use->unused ? bytes : use->unused;
    use->bytes += bytes;
    use->unused -= paid;
    use->end = end > use->end ? end : use->end;
    pthread_mutex_lock(&lock);
    folder *found = find_locked(use->folder);
    found->read += bytes;
    found->unused -= paid < found->unused ? paid : found->unused;
    if (is_most(use)) {
        found->count += use->is_counted ? 0 : 1;
        found->end = use->end > found->end ? use->end : found->end;
        use->is_counted = true;
    }
    pthread_mutex_unlock(&lock);
}
