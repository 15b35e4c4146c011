/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <nacre/dataset.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "raster/dataset.h"

/* nacre_dataset_source(): the texts of the last answer belong to the thread that asked. */

typedef struct {
    char *path, *version, *snapshot;
} texts;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool has_key;

static void clear_texts(texts *t)
{
    free(t->path);
    free(t->version);
    free(t->snapshot);
    *t = (texts){0};
}

static void free_texts(void *user)
{
    clear_texts(user);
    free(user);
}

static void make_key(void)
{
    has_key = pthread_key_create(&key, free_texts) == 0;
}

static texts *texts_of_thread(void)
{
    pthread_once(&once, make_key);
    texts *t = has_key ? pthread_getspecific(key) : NULL;
    if (t || !has_key)
        return t;
    t = calloc(1, sizeof *t);
    if (t && pthread_setspecific(key, t) != 0) {
        free(t);
        t = NULL;
    }
    return t;
}

typedef struct {
    size_t index, wanted;
    texts *texts;
    bool found;
} search;

static void take_source(void *user, const char *path, const char *version, const char *snapshot)
{
    search *s = user;
    if (s->index++ != s->wanted)
        return;
    s->texts->path = ncr_text_copy(path);
    s->texts->version = ncr_text_copy(version);
    s->texts->snapshot = ncr_text_copy(snapshot);
    s->found = s->texts->path && s->texts->version && s->texts->snapshot;
}

bool nacre_dataset_source(nacre_dataset *dataset, size_t index, nacre_source_info *out)
{
    *out = (nacre_source_info){"", "", ""};
    search s = {.wanted = index, .texts = texts_of_thread()};
    if (!s.texts)
        return false;
    clear_texts(s.texts);
    ncr_dataset_sources(dataset, take_source, &s);
    if (!s.found)
        return false;
    *out = (nacre_source_info){s.texts->path, s.texts->version, s.texts->snapshot};
    return true;
}
