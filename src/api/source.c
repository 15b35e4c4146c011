/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <nacre/dataset.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "raster/dataset.h"
#include "vfs/path.h"

/* nacre_dataset_source(): what is told belongs to the thread that asks. The first index takes a copy of all of it, the
 * ones that follow in turn go along that copy, so that telling n sources takes n steps and not n * n; any other index
 * takes a new one. The copy lives until the end was told, the thread asks of another dataset, or it ends. */

typedef struct {
    uint64_t serial;  /* of the dataset; 0: there is no copy */
    size_t next;      /* the index that is told next */
    ncr_buffer texts; /* path, version and snapshot of each source, each with its NUL */
    size_t at;        /* where the texts of `next` begin */
    bool is_short;    /* out of memory */
} copy;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool has_key;

static void clear_copy(copy *c)
{
    ncr_buffer_clear(&c->texts);
    *c = (copy){.texts = c->texts};
}

static void free_copy(void *user)
{
    clear_copy(user);
    free(user);
}

static void make_key(void)
{
    has_key = pthread_key_create(&key, free_copy) == 0;
}

static copy *copy_of_thread(void)
{
    pthread_once(&once, make_key);
    copy *c = has_key ? pthread_getspecific(key) : NULL;
    if (c || !has_key)
        return c;
    c = calloc(1, sizeof *c);
    if (c && pthread_setspecific(key, c) != 0) {
        free(c);
        return NULL;
    }
    if (c)
        ncr_buffer_init(&c->texts, SIZE_MAX / 2);
    return c;
}

static bool add_text(copy *c, const char *text)
{
    return text && ncr_buffer_append(&c->texts, text, strlen(text) + 1);
}

static void take_source(void *user, const char *path, const char *version, const char *snapshot)
{
    copy *c = user;
    char *shown = ncr_path_shown(path); /* without signatures: provenance is kept and passed on */
    if (!add_text(c, shown) || !add_text(c, version) || !add_text(c, snapshot))
        c->is_short = true;
    free(shown);
}

/* The next text of the copy. */
static const char *take_text(copy *c)
{
    const char *text = (const char *)c->texts.data + c->at;
    c->at += strlen(text) + 1;
    return text;
}

/* Tells the next source; false: there is none. */
static bool take_next(copy *c, nacre_source_info *out)
{
    if (c->is_short || c->at >= c->texts.size)
        return false;
    out->path = take_text(c);
    out->version = take_text(c);
    out->snapshot = take_text(c);
    c->next++;
    return true;
}

bool nacre_dataset_source(nacre_dataset *dataset, size_t index, nacre_source_info *out)
{
    *out = (nacre_source_info){"", "", ""};
    copy *c = copy_of_thread();
    if (!c)
        return false;
    if (!index || c->serial != dataset->serial || c->next != index) {
        clear_copy(c);
        c->serial = dataset->serial;
        ncr_dataset_sources(dataset, take_source, c);
    }
    while (take_next(c, out))
        if (c->next == index + 1)
            return true;
    clear_copy(c);
    *out = (nacre_source_info){"", "", ""};
    return false;
}
