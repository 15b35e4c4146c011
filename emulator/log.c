/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "log.h"

#include <pthread.h>
#include <stdlib.h>

enum { ENTRIES_MAX = 100000 };

struct ncr_emu_log {
    pthread_mutex_t lock;
    json_t *entries; /* guarded by lock */
    uint64_t count;  /* guarded by lock; since the last clear */
};

ncr_emu_log *ncr_emu_log_new(void)
{
    ncr_emu_log *log = calloc(1, sizeof *log);
    if (!log)
        return NULL;
    log->entries = json_array();
    if (!log->entries) {
        free(log);
        return NULL;
    }
    pthread_mutex_init(&log->lock, NULL);
    return log;
}

void ncr_emu_log_free(ncr_emu_log *log)
{
    if (!log)
        return;
    json_decref(log->entries);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

void ncr_emu_log_add(ncr_emu_log *log, json_t *entry)
{
    pthread_mutex_lock(&log->lock);
    json_object_set_new(entry, "n", json_integer((json_int_t)++log->count));
    if (json_array_size(log->entries) >= ENTRIES_MAX)
        json_array_remove(log->entries, 0);
    json_array_append_new(log->entries, entry);
    pthread_mutex_unlock(&log->lock);
}

void ncr_emu_log_clear(ncr_emu_log *log)
{
    pthread_mutex_lock(&log->lock);
    json_array_clear(log->entries);
    log->count = 0;
    pthread_mutex_unlock(&log->lock);
}

json_t *ncr_emu_log_get(ncr_emu_log *log)
{
    pthread_mutex_lock(&log->lock);
    json_t *copy = json_copy(log->entries);
    pthread_mutex_unlock(&log->lock);
    return copy;
}
