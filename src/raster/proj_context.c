/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <pthread.h>
#include <stddef.h>

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
    if (pthread_setspecific(key, context) == 0)
        return context;
    proj_context_destroy(context);
    return NULL;
}
