/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cache/pin.h"

#include <stdlib.h>
#include <string.h>

ncr_pin *ncr_pin_at(ncr_object *object, const ncr_object_facts *facts, const ncr_call *call)
{
    ncr_disk *disk = NULL;
    ncr_pin *pin = calloc(1, sizeof *pin);
    if (!pin)
        return NULL;
    ncr_cache_lock();
    ncr_subject *subject = ncr_subject_get_locked(object->id);
    pin->snapshot = subject ? ncr_snapshot_get_locked(subject, facts, ncr_store_is_kept(object->store)) : NULL;
    if (subject)
        ncr_subject_unref_locked(subject);
    ncr_cache_unlock();
    if (!pin->snapshot) {
        free(pin);
        return NULL;
    }
    atomic_init(&pin->references, 1);
    pin->object = ncr_object_ref(object);
    pin->facts = *facts;
    pin->is_proven = true;
    if (ncr_store_is_kept(object->store))
        ncr_disk_open(call->config, &disk, NULL); /* which it refuses to each open, that says why */
    pin->place = ncr_place_of(disk, object, facts);
    return pin;
}

ncr_pin *ncr_pin_ref(ncr_pin *pin)
{
    atomic_fetch_add_explicit(&pin->references, 1, memory_order_relaxed);
    return pin;
}

void ncr_pin_unref(ncr_pin *pin)
{
    if (!pin || atomic_fetch_sub(&pin->references, 1) != 1)
        return;
    ncr_cache_lock();
    ncr_snapshot_unref_locked(pin->snapshot);
    ncr_cache_unlock();
    ncr_block_unref(pin->whole);
    ncr_object_unref(pin->object);
    free(pin);
}

const ncr_object *ncr_pin_object(const ncr_pin *pin)
{
    return pin->object;
}

const ncr_object_facts *ncr_pin_facts(const ncr_pin *pin)
{
    return &pin->facts;
}

bool ncr_pin_has_folder(const ncr_pin *pin)
{
    return pin->place.disk != NULL;
}

bool ncr_pin_is_proven(const ncr_pin *pin)
{
    return pin->is_proven;
}

bool ncr_pin_same(const ncr_pin *a, const ncr_pin *b)
{
    if (a->facts.version.strong || b->facts.version.strong)
        return ncr_version_same(&a->facts.version, &b->facts.version) && a->facts.size == b->facts.size;
    return a->whole && b->whole && a->whole->size == b->whole->size &&
           memcmp(a->whole->data, b->whole->data, a->whole->size) == 0;
}

static const char *text_of(const ncr_version *version)
{
    return version->token[0] ? version->token : "without a version";
}

nacre_status ncr_changed_error(nacre_error *err, const char *name, const ncr_version *was, const ncr_version *now)
{
    if (!now || !now->token[0])
        return ncr_error_set(err, NACRE_ERROR_CHANGED,
                             "%s: changed since it was opened: was %s, now without that version; open it again", name,
                             text_of(was));
    return ncr_error_set(err, NACRE_ERROR_CHANGED, "%s: changed since it was opened: was %s, now %s; open it again",
                         name, text_of(was), now->token);
}

nacre_status ncr_gone_error(nacre_error *err, const char *name, const ncr_version *was)
{
    return ncr_error_set(err, NACRE_ERROR_CHANGED, "%s: changed since it was opened: is gone; was %s", name,
                         text_of(was));
}

nacre_status ncr_immutable_error(nacre_error *err, const char *name, const ncr_version *was, const ncr_version *now)
{
    return ncr_error_set(err, NACRE_ERROR_CHANGED,
                         "%s: changed, though cache=immutable says that it never does: was %s, %s%s; "
                         "invalidate it, or choose another policy",
                         name, text_of(was), now ? "now " : "is gone", now ? text_of(now) : "");
}

bool ncr_failed_by_call(nacre_status status, const ncr_call *call)
{
    return (status == NACRE_ERROR_CANCELLED || status == NACRE_ERROR_UNAVAILABLE) &&
           ncr_call_check(call, "", NULL) != NACRE_OK;
}

bool ncr_failed_by_rights(nacre_status status, bool same_credentials)
{
    switch (status) {
    case NACRE_ERROR_DENIED:
        return !same_credentials;
    case NACRE_ERROR_TOO_LARGE:
    case NACRE_ERROR_UNPROVEN:
    case NACRE_ERROR_REFUSED:
        return true;
    default:
        return false;
    }
}

void ncr_cache_continue(ncr_task *task)
{
    enum { DEEPEST = 8 };
    static _Thread_local int depth;
    if (depth >= DEEPEST) {
        ncr_pool_submit(task);
        return;
    }
    depth++;
    task->run(task);
    depth--;
}
