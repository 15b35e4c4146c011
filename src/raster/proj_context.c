/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/place.h"
#include "raster/crs.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool has_key;

static void destroy_context(void *context)
{
    proj_context_destroy(context);
}

static void make_key(void)
{
    has_key = pthread_key_create(&key, destroy_context) == 0;
}

/* PROJ's complaints are in the errors that we return. */
static void keep_quiet(void *user, int level, const char *text)
{
    (void)user;
    (void)level;
    (void)text;
}

/* --- PROJ's data --- */

enum { MAX_FOLDERS = 32 };

/* In a wheel: the folder with its proj.db, from beside the library and from beside the command; else nothing, and PROJ
 * looks where it looks by itself. */
static const char own_data[] = NCR_PROJ_DATA;
static pthread_once_t data_once = PTHREAD_ONCE_INIT;
static char data_folder[PATH_MAX];

static void find_data(void)
{
    ncr_place_find(own_data, data_folder);
}

/* The wheel's own folder first: its proj.db is the one that this PROJ can read, and what PROJ_DATA names may be that of
 * another PROJ. The user's folders follow, for grids. No other PROJ of the process learns of this. */
static void use_own_data(PJ_CONTEXT *of)
{
    const char *folders[MAX_FOLDERS] = {data_folder}, *set = getenv("PROJ_DATA");
    int count = 1;
    if (!set || !*set)
        set = getenv("PROJ_LIB");
    char *copy = set ? strdup(set) : NULL, *rest = copy;
    while (count < MAX_FOLDERS - 1 && rest) {
        const char *folder = strsep(&rest, ":");
        if (*folder)
            folders[count++] = folder;
    }
    const char *downloads = proj_context_get_user_writable_directory(of, 0);
    if (downloads && *downloads)
        folders[count++] = downloads;
    proj_context_set_search_paths(of, count, folders);
    free(copy);
}

/* --- Contexts --- */

PJ_CONTEXT *ncr_proj_context(void)
{
    pthread_once(&once, make_key);
    if (!has_key)
        return NULL;
    PJ_CONTEXT *context = pthread_getspecific(key);
    if (context)
        return context;
    context = proj_context_create();
    if (!context)
        return NULL;
    proj_log_func(context, NULL, keep_quiet);
    if (*own_data)
        pthread_once(&data_once, find_data);
    if (*data_folder)
        use_own_data(context);
    if (pthread_setspecific(key, context) == 0)
        return context;
    proj_context_destroy(context);
    return NULL;
}
