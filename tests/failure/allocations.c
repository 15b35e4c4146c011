/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <curl/curl.h>
#include <errno.h>
#include <expat.h>
#include <jansson.h>
#include <libxml/xmlmemory.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "sites.h"

/* The linker leads every call of nacre's own to __wrap_NAME() (-Wl,--wrap=NAME, see meson.build), and the real one is
 * __real_NAME(). Calls by libraries are not led here; those that take functions for memory are given these. */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
int __real_vasprintf(char **out, const char *format, va_list args);
char *__real_realpath(const char *path, char *out);
CURLcode __real_curl_global_init(long flags);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
int __wrap_vasprintf(char **out, const char *format, va_list args);
char *__wrap_realpath(const char *path, char *out);
CURLcode __wrap_curl_global_init(long flags);
XML_Parser __wrap_XML_ParserCreate(const XML_Char *encoding);

#define CALLER __builtin_extract_return_addr(__builtin_return_address(0))

static bool fails(site_kind kind, const char *function, void *caller)
{
    int unused;
    if (!sites_strike(kind, function, caller, &unused))
        return false;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails(SITE_ALLOCATION, "malloc", CALLER) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails(SITE_ALLOCATION, "calloc", CALLER) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails(SITE_ALLOCATION, "realloc", CALLER) ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
    return fails(SITE_ALLOCATION, "strdup", CALLER) ? NULL : __real_strdup(text);
}

/* What *out is after a failure is not defined: who looks at it crashes. */
int __wrap_vasprintf(char **out, const char *format, va_list args)
{
    if (!fails(SITE_ALLOCATION, "vasprintf", CALLER))
        return __real_vasprintf(out, format, args);
    *out = (char *)1;
    return -1;
}

char *__wrap_realpath(const char *path, char *out)
{
    return !out && fails(SITE_ALLOCATION, "realpath", CALLER) ? NULL : __real_realpath(path, out);
}

/* --- For libraries. --- */

static void *library_malloc(size_t size)
{
    return fails(SITE_LIBRARY, "malloc", CALLER) ? NULL : __real_malloc(size);
}

/* jansson 2.14 does not look whether the buffer of a word that it reads could grow, and then reads beyond its end: no
 * caller survives that, so this one call of its own is left out. It is the second of a long word. */
static void *jansson_growth;
static int jansson_calls;

static void *learn_jansson_malloc(size_t size)
{
    if (++jansson_calls == 2)
        jansson_growth = CALLER;
    return __real_malloc(size);
}

static void learn_jansson(void)
{
    json_set_alloc_funcs(learn_jansson_malloc, free);
    json_decref(json_loads("\"a word of more than sixteen bytes\"", JSON_DECODE_ANY, NULL));
}

static void *jansson_malloc(size_t size)
{
    return CALLER != jansson_growth && fails(SITE_LIBRARY, "malloc", CALLER) ? NULL : __real_malloc(size);
}

static void *library_calloc(size_t count, size_t size)
{
    return fails(SITE_LIBRARY, "calloc", CALLER) ? NULL : __real_calloc(count, size);
}

static void *library_realloc(void *old, size_t size)
{
    return fails(SITE_LIBRARY, "realloc", CALLER) ? NULL : __real_realloc(old, size);
}

static char *library_strdup(const char *text)
{
    return fails(SITE_LIBRARY, "strdup", CALLER) ? NULL : __real_strdup(text);
}

CURLcode __wrap_curl_global_init(long flags)
{
    return curl_global_init_mem(flags, library_malloc, free, library_realloc, library_strdup, library_calloc);
}

XML_Parser __wrap_XML_ParserCreate(const XML_Char *encoding)
{
    static const XML_Memory_Handling_Suite memory = {library_malloc, library_realloc, free};
    return XML_ParserCreate_MM(encoding, &memory, NULL);
}

static void *zlib_malloc(void *user, unsigned count, unsigned size)
{
    (void)user;
    return fails(SITE_LIBRARY, "malloc", CALLER) ? NULL : __real_calloc(count, size);
}

static void zlib_free(void *user, void *data)
{
    (void)user;
    free(data);
}

int __real_inflateInit2_(z_stream *stream, int bits, const char *version, int size);
int __wrap_inflateInit2_(z_stream *stream, int bits, const char *version, int size);
int __wrap_inflateInit2_(z_stream *stream, int bits, const char *version, int size)
{
    stream->zalloc = zlib_malloc;
    stream->zfree = zlib_free;
    return __real_inflateInit2_(stream, bits, version, size);
}

void allocations_hook(void)
{
    xmlMemSetup(free, library_malloc, library_realloc, library_strdup);
    learn_jansson();
    json_set_alloc_funcs(jansson_malloc, free);
}
