/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "raster/pins.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cache/map.h"

/* An object of the tree. It stays while opens of it are under way, so that they all use one version whichever of them
 * fails, and for good when one of them has made a raster of it. */
typedef struct {
    ncr_map_node node;
    ncr_file *file;   /* referenced */
    unsigned opening; /* opens under way */
    bool is_kept;
} entry;

struct ncr_pins {
    _Atomic int references;
    pthread_mutex_t lock;
    ncr_map map; /* guarded by lock, with what is in its entries but for `file`, which stays as it is */
};

ncr_pins *ncr_pins_new(void)
{
    ncr_pins *pins = calloc(1, sizeof *pins);
    if (!pins)
        return NULL;
    atomic_init(&pins->references, 1);
    pthread_mutex_init(&pins->lock, NULL);
    return pins;
}

ncr_pins *ncr_pins_ref(ncr_pins *pins)
{
    atomic_fetch_add(&pins->references, 1);
    return pins;
}

static void free_entry(entry *e)
{
    if (e)
        ncr_file_unref(e->file);
    free(e);
}

void ncr_pins_unref(ncr_pins *pins)
{
    if (!pins || atomic_fetch_sub(&pins->references, 1) != 1)
        return;
    for (size_t i = 0; i < pins->map.slot_count; i++)
        for (ncr_map_node *node = pins->map.slots[i], *next; node; node = next) {
            next = node->next;
            free_entry((entry *)node);
        }
    free(pins->map.slots);
    pthread_mutex_destroy(&pins->lock);
    free(pins);
}

static uint64_t hash_of(const ncr_object *object)
{
    return ncr_hash(0, object->id, strlen(object->id));
}

static void *next_entry(const ncr_pins *pins, size_t *slot, ncr_map_node *node)
{
    node = node ? node->next : NULL;
    while (!node && *slot < pins->map.slot_count)
        node = pins->map.slots[(*slot)++];
    return node;
}

size_t ncr_pins_count(ncr_pins *pins)
{
    size_t slot = 0, count = 0;
    pthread_mutex_lock(&pins->lock);
    for (entry *e = next_entry(pins, &slot, NULL); e; e = next_entry(pins, &slot, &e->node))
        count += e->is_kept;
    pthread_mutex_unlock(&pins->lock);
    return count;
}

nacre_status ncr_pins_list(ncr_pins *pins, ncr_file ***out, size_t *count, nacre_error *err)
{
    size_t slot = 0;
    *count = 0;
    pthread_mutex_lock(&pins->lock);
    *out = ncr_alloc_array(pins->map.count, sizeof(ncr_file *));
    bool is_short = pins->map.count && !*out;
    for (entry *e = next_entry(pins, &slot, NULL); e && !is_short; e = next_entry(pins, &slot, &e->node))
        if (e->is_kept)
            (*out)[(*count)++] = ncr_file_ref(e->file);
    pthread_mutex_unlock(&pins->lock);
    return is_short ? ncr_error_memory(err) : NACRE_OK;
}

/* Whether two may share a handle: one object, reached with the same rights. */
static bool is_same(const ncr_object *a, const ncr_object *b)
{
    return strcmp(a->id, b->id) == 0 && a->anonymous == b->anonymous && a->public_only == b->public_only &&
           strcmp(a->store->credentials, b->store->credentials) == 0;
}

/* The entry of an object, with one more open counted; NULL: there is none. */
static entry *find_locked(ncr_pins *pins, const ncr_object *object)
{
    ncr_map_node *node = ncr_map_find(&pins->map, hash_of(object));
    while (node && !is_same(ncr_file_object(((entry *)node)->file), object))
        node = ncr_map_find_next(node);
    entry *found = (entry *)node;
    if (found)
        found->opening++;
    return found;
}

/* The tree's version of the object, under the name that was asked for. */
static nacre_status take(ncr_pinning *pinning, entry *found, nacre_error *err)
{
    ncr_file *file = ncr_file_as(found->file, pinning->path, pinning->object);
    pinning->entry = found;
    if (!file)
        return ncr_error_memory(err);
    ncr_file_unref(pinning->file);
    pinning->file = file;
    return NACRE_OK;
}

nacre_status ncr_pinning_begin(ncr_pinning *pinning, ncr_pins *pins, const char *path, const ncr_object *document,
                               ncr_call *call, ncr_wants *wants, bool *more, nacre_error *err)
{
    pinning->pins = ncr_pins_ref(pins);
    pinning->path = ncr_text_copy(path);
    if (!pinning->path)
        return ncr_error_memory(err);
    nacre_status status = ncr_vfs_resolve(path, document, call, &pinning->object, err);
    if (status != NACRE_OK)
        return status;
    pthread_mutex_lock(&pins->lock);
    entry *found = find_locked(pins, pinning->object);
    pthread_mutex_unlock(&pins->lock);
    if (found)
        return take(pinning, found, err);
    *more = true;
    ncr_want want = {.kind = NCR_WANT_OPEN, .path = path, .object = pinning->object, .file_out = &pinning->file};
    return ncr_wants_add(wants, &want, err);
}

nacre_status ncr_pins_add(ncr_pins *pins, ncr_file *file, nacre_error *err)
{
    entry *made = calloc(1, sizeof *made);
    if (!made)
        return ncr_error_memory(err);
    *made = (entry){.file = ncr_file_ref(file), .is_kept = true};
    if (ncr_map_add(&pins->map, &made->node, hash_of(ncr_file_object(file))))
        return NACRE_OK;
    free_entry(made);
    return ncr_error_memory(err);
}

nacre_status ncr_pinning_arrived(ncr_pinning *pinning, nacre_error *err)
{
    if (pinning->entry || !pinning->file)
        return NACRE_OK;
    entry *made = calloc(1, sizeof *made);
    if (!made)
        return ncr_error_memory(err);
    *made = (entry){.file = ncr_file_ref(pinning->file), .opening = 1};
    ncr_pins *pins = pinning->pins;
    pthread_mutex_lock(&pins->lock);
    entry *found = find_locked(pins, pinning->object);
    bool is_added = !found && ncr_map_add(&pins->map, &made->node, hash_of(pinning->object));
    pthread_mutex_unlock(&pins->lock);
    if (is_added) {
        pinning->entry = made;
        return NACRE_OK;
    }
    free_entry(made);
    return found ? take(pinning, found, err) : ncr_error_memory(err);
}

static void end(ncr_pinning *pinning, bool is_kept)
{
    entry *e = pinning->entry;
    if (!e)
        return;
    ncr_pins *pins = pinning->pins;
    pthread_mutex_lock(&pins->lock);
    e->is_kept = e->is_kept || is_kept;
    bool is_over = !--e->opening && !e->is_kept;
    if (is_over)
        ncr_map_remove(&pins->map, &e->node);
    pthread_mutex_unlock(&pins->lock);
    if (is_over)
        free_entry(e);
    pinning->entry = NULL;
}

void ncr_pinning_keep(ncr_pinning *pinning)
{
    end(pinning, true);
}

void ncr_pinning_clear(ncr_pinning *pinning)
{
    end(pinning, false);
    ncr_file_unref(pinning->file);
    ncr_object_unref(pinning->object);
    free(pinning->path);
    ncr_pins_unref(pinning->pins);
    *pinning = (ncr_pinning){0};
}
