/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "sites.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* Of AddressSanitizer's run time, where that is there. */
__attribute__((weak)) void __sanitizer_symbolize_pc(void *pc, const char *format, char *out, size_t size);

enum { MODULES = 128, DEEPEST = 96 };

typedef struct {
    uintptr_t begin, end;
    bool is_curl, is_tls;
} module;

static module modules[MODULES];
static size_t module_count;
static int depth_of_sites;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic bool is_armed;
static _Thread_local bool is_inside; /* what telling stacks allocates does not count */
static _Thread_local int own_frames; /* of this thread, that lie below what was armed */
/* Guarded by lock. */
static site_table *noted;
static trial wanted;
static bool has_trial, has_struck;
static unsigned seen;

static int add_module(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    uintptr_t end = 0;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz > end)
            end = info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
    const char *name = info->dlpi_name ? info->dlpi_name : "";
    if (module_count < MODULES)
        modules[module_count++] = (module){.begin = info->dlpi_addr,
                                           .end = info->dlpi_addr + end,
                                           .is_curl = strstr(name, "libcurl"),
                                           .is_tls = strstr(name, "libssl")};
    return 0;
}

static size_t module_of(const void *address)
{
    for (size_t i = 0; i < module_count; i++)
        if ((uintptr_t)address >= modules[i].begin && (uintptr_t)address < modules[i].end)
            return i;
    return MODULES;
}

bool sites_in_curl(const void *address)
{
    size_t index = module_of(address);
    return index < MODULES && modules[index].is_curl;
}

/* libcurl 7.88 keeps TLS sessions in a function that OpenSSL calls, and frees a host's name twice where it cannot copy
 * what the session was made with. No caller survives that, so copies of texts below OpenSSL are left out. */
static bool is_left_out(const char *function, void *const *frames, int count)
{
    if (strcmp(function, "strdup") != 0)
        return false;
    for (int i = 0; i < count; i++) {
        size_t index = module_of(frames[i]);
        if (index < MODULES && modules[index].is_tls)
            return true;
    }
    return false;
}

void sites_init(int depth)
{
    void *frames[4];
    depth_of_sites = depth;
    backtrace(frames, 4); /* its first call loads a library */
    dl_iterate_phdr(add_module, NULL);
}

void sites_arm(site_table *table, const trial *t)
{
    void *frames[DEEPEST];
    own_frames = backtrace(frames, DEEPEST) - 1;
    pthread_mutex_lock(&lock);
    noted = table;
    has_trial = t;
    if (t)
        wanted = *t;
    has_struck = false;
    seen = 0;
    pthread_mutex_unlock(&lock);
    atomic_store(&is_armed, true);
}

bool sites_disarm(void)
{
    atomic_store(&is_armed, false);
    pthread_mutex_lock(&lock);
    noted = NULL;
    has_trial = false;
    bool struck = has_struck;
    pthread_mutex_unlock(&lock);
    return struck;
}

/* FNV-1a over places in modules, which stay the same wherever these are loaded. */
static uint64_t hash_frames(const char *function, void *const *frames, int count)
{
    uint64_t hash = 14695981039346656037u;
    for (; *function; function++)
        hash = (hash ^ (uint8_t)*function) * 1099511628211u;
    for (int i = 0; i < count && i < depth_of_sites; i++) {
        size_t index = module_of(frames[i]);
        uint64_t place = index < MODULES ? (uintptr_t)frames[i] - modules[index].begin + ((uint64_t)index << 48) : 0;
        for (int byte = 0; byte < 8; byte++)
            hash = (hash ^ (uint8_t)(place >> 8 * byte)) * 1099511628211u;
    }
    return hash;
}

static void note_locked(site_kind kind, const char *function, uint64_t hash, void *const *frames, int count)
{
    for (size_t i = 0; i < noted->count; i++)
        if (noted->sites[i].hash == hash) {
            noted->sites[i].count++;
            return;
        }
    if (noted->count == SITE_MAX) {
        noted->is_full = true;
        return;
    }
    site *s = &noted->sites[noted->count++];
    *s = (site){.hash = hash, .kind = kind, .count = 1, .frame_count = count < SITE_FRAMES ? count : SITE_FRAMES};
    snprintf(s->function, sizeof s->function, "%s", function);
    memcpy(s->frames, frames, (size_t)s->frame_count * sizeof *frames);
}

/* Whether it fails now; a lasting want of memory strikes all allocations after the first. */
static bool decide_locked(site_kind kind, uint64_t hash)
{
    if (!has_trial)
        return false;
    if (has_struck)
        return wanted.is_lasting && kind != SITE_SYSTEM;
    if (hash != wanted.hash || ++seen < wanted.occurrence)
        return false;
    has_struck = true;
    return true;
}

bool sites_strike(site_kind kind, const char *function, void *caller, int *fault)
{
    if (!atomic_load(&is_armed) || is_inside)
        return false;
    is_inside = true;
    void *all[DEEPEST];
    int count = backtrace(all, DEEPEST), first = 0;
    if (count < DEEPEST && count > own_frames)
        count -= own_frames; /* the driver's */
    while (first < count && all[first] != caller)
        first++;
    if (first == count) /* unwinding did not get there: the caller alone */
        all[first = 0] = caller, count = 1;
    if (is_left_out(function, all + first, count - first)) {
        is_inside = false;
        return false;
    }
    uint64_t hash = hash_frames(function, all + first, count - first);
    pthread_mutex_lock(&lock);
    if (noted)
        note_locked(kind, function, hash, all + first, count - first);
    bool strikes = decide_locked(kind, hash);
    *fault = wanted.fault;
    pthread_mutex_unlock(&lock);
    is_inside = false;
    return strikes;
}

void sites_print(const site *s)
{
    for (int i = 0; i < s->frame_count; i++) {
        char text[512] = "";
        Dl_info info;
        if (__sanitizer_symbolize_pc)
            __sanitizer_symbolize_pc((char *)s->frames[i] - 1, "%f %s:%l", text, sizeof text);
        if ((!text[0] || text[0] == '<') && dladdr(s->frames[i], &info) && info.dli_fname)
            snprintf(text, sizeof text, "%s+%#tx", info.dli_fname, (char *)s->frames[i] - (char *)info.dli_fbase);
        fprintf(stderr, "        %s\n", text);
    }
}
