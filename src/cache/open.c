/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cache/open.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cache/limits.h"
#include "cache/pin.h"
#include "cache/watch.h"

/* Opening: the proof of an object's version, which is also the request for its first bytes.
 *
 *   send -> answered -+-> concluded -> opens are told, waiting ones become the next proof
 *                     |
 *                     +-> send again (the whole of an object without a strong version; a condition that the server
 *                         answered wrongly; a local file that was too young)
 *
 * A proof serves the opens that had begun when it was sent. Those that begin later wait in `waiting`, and share the
 * next one. */
struct ncr_proof {
    ncr_task task; /* to send it */
    ncr_get get;
    ncr_proof *next;        /* of the subject */
    ncr_proof *next_listed; /* of all that are listed */
    bool is_listed;         /* in the subject's list: later opens may wait for it */
    ncr_subject *subject;   /* one of its references is ours */
    uint64_t epoch;         /* of the subject, when it was sent */
    int64_t sent_ms;        /* on ncr_clock_ms(), or earlier */
    ncr_object *object;     /* as the first of the opens has it; referenced */
    ncr_call *call;         /* that of the first of the opens; referenced */
    ncr_cache_open *opens;  /* that it serves */
    ncr_cache_open *waiting, *last_waiting;
    ncr_disk *disk; /* of the first of the opens; NULL: none */
    /* What is asked with a condition: whether this is still the version. */
    ncr_object_facts known;
    ncr_snapshot *known_snapshot; /* NULL: no condition; one of its references is ours */
    ncr_slice known_head;
    bool waited_for_age;
    int torn;          /* how often a local file changed while it was read */
    size_t first_read; /* bytes that are asked for */
    /* What came of it. */
    nacre_status status;
    nacre_error error;
    ncr_object_facts facts;
    ncr_snapshot *snapshot; /* one of its references is ours */
    ncr_block *block;       /* where the first bytes go */
    ncr_block *whole;       /* the whole object in one answer */
    ncr_slice head;
    bool is_proven, from_cache;
    /* What was proven before, where that is another version or it is gone: who was told that the object never changes
     * does not get this one. */
    bool denies_known;
    ncr_version denied;
};

static ncr_proof *listed; /* all proofs that others may wait for; guarded by the cache's lock */

static void send_proof(ncr_task *task);
static void look_and_send(ncr_task *task);
static void proof_answered(ncr_get *get);

/* --- Making one. --- */

static void free_proof(ncr_proof *proof)
{
    if (!proof)
        return;
    ncr_cache_lock();
    ncr_snapshot_unref_locked(proof->known_snapshot);
    ncr_snapshot_unref_locked(proof->snapshot);
    ncr_subject_unref_locked(proof->subject);
    ncr_cache_unlock();
    ncr_slice_clear(&proof->known_head);
    ncr_slice_clear(&proof->head);
    ncr_block_unref(proof->block);
    ncr_block_unref(proof->whole);
    ncr_object_unref(proof->object);
    ncr_call_unref(proof->call);
    free(proof);
}

/* Asks "is it still that version?" where the cache holds all that the answer no would have brought. */
static void set_condition_locked(ncr_proof *proof)
{
    ncr_proven *proven = ncr_proven_find_locked(proof->subject, proof->object->store->credentials);
    if (!proven)
        proven = ncr_proven_find_locked(proof->subject, NULL);
    ncr_snapshot *snapshot = proven ? ncr_snapshot_find_locked(proof->subject, &proven->facts) : NULL;
    if (!snapshot || !snapshot->keep_bytes)
        return;
    if (!ncr_head_collect_locked(snapshot, &proof->known_head))
        return;
    ncr_policy_hit(&proven->base);
    proof->known = proven->facts;
    proof->known_snapshot = ncr_snapshot_ref_locked(snapshot);
    proof->get.match = NCR_MATCH_MODIFIED;
    proof->get.version = &proof->known.version;
}

static size_t first_read_of(const ncr_cache_open *open)
{
    size_t usual = open->call->opens_many ? NCR_FIRST_READ_OF_MANY : NCR_FIRST_READ;
    return open->first_read > usual ? open->first_read : usual;
}

/* A proof for a chain of opens, the first of which it runs for; NULL: out of memory. */
static ncr_proof *new_proof_locked(ncr_cache_open *opens, bool is_listed)
{
    ncr_proof *proof = calloc(1, sizeof *proof);
    ncr_subject *subject = proof ? ncr_subject_get_locked(opens->object->id) : NULL;
    if (!subject) {
        free(proof);
        return NULL;
    }
    proof->task.run = send_proof;
    proof->subject = subject;
    proof->epoch = subject->epoch;
    proof->sent_ms = ncr_clock_ms();
    proof->object = ncr_object_ref(opens->object);
    proof->call = ncr_call_ref(opens->call);
    proof->opens = opens;
    proof->disk = opens->disk;
    proof->get.object = proof->object;
    proof->get.call = proof->call;
    proof->get.user = proof;
    proof->get.done = proof_answered;
    for (const ncr_cache_open *open = opens; open; open = open->next) {
        if (open->needed_round > proof->get.needed_round)
            proof->get.needed_round = open->needed_round;
        if (first_read_of(open) > proof->first_read)
            proof->first_read = first_read_of(open);
    }
    proof->is_listed = is_listed;
    if (is_listed) {
        proof->next = subject->proofs;
        subject->proofs = proof;
        proof->next_listed = listed;
        listed = proof;
        set_condition_locked(proof);
        if (proof->disk && !proof->known_snapshot)
            proof->task.run = look_and_send;
    }
    return proof;
}

/* After the lock. What blocks goes to a worker. */
static void start_proof(ncr_proof *proof)
{
    if (proof->task.run == send_proof)
        ncr_cache_continue(&proof->task);
    else
        ncr_pool_submit(&proof->task);
}

/* Sends, or sends again, the request for the first bytes. */
static void send_proof(ncr_task *task)
{
    ncr_proof *proof = (ncr_proof *)task;
    if (!proof->block)
        proof->block = ncr_block_new(proof->first_read);
    proof->get.buffer = proof->block ? proof->block->data : NULL;
    proof->get.length = proof->first_read;
    if (proof->block) {
        proof->object->store->class->get(&proof->get);
        return;
    }
    proof->get.status = ncr_error_memory(&proof->get.error);
    proof_answered(&proof->get);
}

/* Makes the get ready to be sent once more without a condition. */
static void reset_get(ncr_proof *proof)
{
    unsigned round = proof->get.round;
    proof->get = (ncr_get){
        .object = proof->object, .call = proof->call, .needed_round = round, .user = proof, .done = proof_answered};
}

/* --- What is on disk. --- */

/* What was last proven, with these credentials (NULL: any): as memory has it, else the disk. */
static bool find_proven(const ncr_proof *proof, const char *credentials, ncr_disk_proof *out)
{
    *out = (ncr_disk_proof){.id = proof->object->id, .credentials = credentials};
    ncr_cache_lock();
    const ncr_proven *proven = ncr_proven_find_locked(proof->subject, credentials);
    if (proven) {
        out->facts = proven->facts;
        out->public_only = proven->public_only;
    }
    ncr_cache_unlock();
    return proven || ncr_disk_proof_read(proof->disk, out);
}

/* Makes what the disk knows of the object what is known, as set_condition_locked() does with memory. */
static void look_on_disk(ncr_proof *proof, const char *credentials)
{
    ncr_disk_proof proven;
    if (!find_proven(proof, credentials, &proven) || (credentials && proof->object->public_only && !proven.public_only))
        return;
    const ncr_place place = ncr_place_of(proof->disk, proof->object, &proven.facts);
    size_t head;
    ncr_block *block = ncr_place_read_head(&place, proven.facts.size, &head);
    if (!block)
        return;
    ncr_cache_lock();
    proof->known_snapshot = ncr_snapshot_get_locked(proof->subject, &proven.facts, true);
    if (proof->known_snapshot && proof->epoch == proof->subject->epoch)
        ncr_cache_fill_locked(proof->known_snapshot, 0, head, block->data, block, NULL);
    ncr_cache_unlock();
    proof->known = proven.facts;
    proof->known_head = (ncr_slice){.data = block->data, .size = head, .block = block};
}

/* Makes what is known what is answered. */
static void take_known(ncr_proof *proof)
{
    proof->facts = proof->known;
    proof->head = proof->known_head;
    proof->known_head = (ncr_slice){0};
    proof->from_cache = proof->is_proven = true;
}

static void look_and_send(ncr_task *task)
{
    ncr_proof *proof = (ncr_proof *)task;
    proof->task.run = send_proof;
    look_on_disk(proof, NULL);
    if (proof->known_snapshot) {
        proof->get.match = NCR_MATCH_MODIFIED;
        proof->get.version = &proof->known.version;
    }
    send_proof(task);
}

/* --- Telling the opens. --- */

static ncr_pin *new_pin(const ncr_proof *proof, ncr_object *object, ncr_disk *disk)
{
    ncr_pin *pin = calloc(1, sizeof *pin);
    if (!pin)
        return NULL;
    atomic_init(&pin->references, 1);
    pin->object = ncr_object_ref(object);
    pin->facts = proof->facts;
    pin->whole = proof->whole ? ncr_block_ref(proof->whole) : NULL;
    pin->is_proven = proof->is_proven;
    pin->place = ncr_place_of(disk, object, &proof->facts);
    ncr_cache_lock();
    pin->snapshot = ncr_snapshot_ref_locked(proof->snapshot);
    ncr_cache_unlock();
    return pin;
}

/* Whether its policy says that the object never changes, which this proof denies. */
static bool is_denied(const ncr_proof *proof, const ncr_cache_open *open)
{
    return proof->denies_known && ncr_object_policy(open->object, open->call).kind == NCR_POLICY_IMMUTABLE;
}

static void tell(const ncr_proof *proof, ncr_cache_open *open)
{
    open->next = NULL;
    open->status = proof->status;
    open->round = proof->get.round;
    ncr_call_round_used(open->call, open->round);
    if (is_denied(proof, open)) {
        open->status = ncr_immutable_error(&open->error, open->object->name, &proof->denied,
                                           proof->status == NACRE_OK ? &proof->facts.version : NULL);
        open->done(open);
        return;
    }
    if (open->status == NACRE_OK && !(open->pin = new_pin(proof, open->object, open->disk)))
        open->status = ncr_error_memory(&open->error);
    else if (open->status != NACRE_OK)
        ncr_error_rename(&open->error, &proof->error, proof->object->name, open->object->name);
    if (open->status == NACRE_OK) {
        if (proof->head.block)
            open->head = ncr_slice_of(proof->head.block, proof->head.data, proof->head.size);
        ncr_cache_count(open->call, proof->from_cache);
    }
    open->done(open);
}

static void fail(ncr_cache_open *open, nacre_status status)
{
    open->status = status;
    open->done(open);
}

/* Begins a proof that no other open shares. */
static void open_alone(ncr_cache_open *open)
{
    open->next = NULL;
    ncr_cache_lock();
    ncr_proof *proof = new_proof_locked(open, false);
    ncr_cache_unlock();
    if (proof)
        ncr_cache_continue(&proof->task);
    else
        fail(open, ncr_error_memory(&open->error));
}

/* Every open of the proof: told, or sent on its own way where this proof is not one for it. */
static void tell_all(ncr_proof *proof)
{
    bool by_call = ncr_failed_by_call(proof->status, proof->call);
    bool is_weak = proof->status == NACRE_OK && !proof->facts.version.strong;
    bool is_own = is_weak || ncr_failed_by_rights(proof->status, true);
    ncr_cache_open *next, *first = proof->opens;
    for (ncr_cache_open *open = first; open; open = next) {
        next = open->next;
        if (open != first && by_call && open->call != proof->call)
            ncr_cache_open_start(open);
        else if (open != first && is_own)
            open_alone(open); /* only bytes of a strong version are shared */
        else
            tell(proof, open);
    }
}

/* --- Concluding. --- */

/* What an open was shown must not be forgotten for something older, which an open without proof would then give. So
 * where a proof teaches nothing, it still ends the belief in another version; and while a change is under way, its end
 * may not make its own version the last one. */
static void doubt_locked(const ncr_proof *proof, bool teaches)
{
    ncr_subject *subject = proof->subject;
    const ncr_proven *known = ncr_proven_find_locked(subject, proof->object->store->credentials);
    if (subject->changes)
        subject->overlapped = true;
    if (!teaches && known && !ncr_version_same(&known->facts.version, &proof->facts.version))
        ncr_cache_disprove_locked(subject, proof->disk);
}

/* Where the answer's version is strong and nothing was changed meanwhile, the cache learns it. Proofs that run beside
 * the listed one may come in after a later one, so they teach nothing. */
static void keep_locked(ncr_proof *proof, const ncr_place *place)
{
    if (!ncr_store_is_kept(proof->object->store))
        return;
    bool teaches = proof->is_listed && proof->facts.version.strong && proof->epoch == proof->subject->epoch;
    doubt_locked(proof, teaches);
    if (!teaches)
        return;
    const ncr_block *whole = proof->whole;
    if (whole)
        ncr_cache_fill_locked(proof->snapshot, 0, whole->size, whole->data, proof->whole, place);
    else if (!proof->from_cache)
        ncr_cache_fill_locked(proof->snapshot, 0, proof->block->size, proof->block->data, proof->block, place);
    ncr_cache_prove_locked(proof->subject, proof->object, &proof->facts, proof->sent_ms, 0, place->disk);
}

/* Notes where what was proven before is true no longer. Not where a change of our own came between: then that was
 * forgotten with it. */
static void compare_locked(ncr_proof *proof)
{
    const ncr_proven *known = ncr_proven_find_locked(proof->subject, proof->object->store->credentials);
    bool is_gone = proof->status == NACRE_ERROR_NOT_FOUND;
    if (!known || (proof->status != NACRE_OK && !is_gone) || proof->epoch != proof->subject->epoch)
        return;
    proof->denies_known = is_gone || !ncr_version_same(&known->facts.version, &proof->facts.version);
    proof->denied = known->facts.version;
}

/* Whether it was asked only for opens that hold the object for immutable: then what is known stays. */
static bool is_for_immutable(const ncr_proof *proof)
{
    for (const ncr_cache_open *open = proof->opens; open; open = open->next)
        if (!is_denied(proof, open))
            return false;
    return true;
}

/* Takes the opens out of those that wait which may believe what is known now. */
static ncr_cache_open *take_believers_locked(const ncr_proof *proof, ncr_cache_open **waiting)
{
    ncr_cache_open *believers = NULL;
    while (*waiting) {
        ncr_cache_open *open = *waiting;
        ncr_slice head = {0};
        ncr_policy policy = ncr_object_policy(open->object, open->call);
        if (!ncr_proven_believe_locked(proof->subject, open->object, policy, &head)) {
            waiting = &open->next;
            continue;
        }
        ncr_slice_clear(&head);
        *waiting = open->next;
        open->next = believers;
        believers = open;
    }
    return believers;
}

static void take_snapshot_locked(ncr_proof *proof)
{
    if (proof->from_cache) {
        proof->snapshot = proof->known_snapshot;
        proof->known_snapshot = NULL;
        return;
    }
    proof->snapshot = ncr_snapshot_get_locked(proof->facts.version.strong ? proof->subject : NULL, &proof->facts,
                                              ncr_store_is_kept(proof->object->store));
    if (!proof->snapshot)
        proof->status = ncr_error_memory(&proof->error);
}

static void unlist_locked(ncr_proof *proof)
{
    ncr_proof **at = &proof->subject->proofs;
    while (*at && *at != proof)
        at = &(*at)->next;
    if (!*at)
        return; /* this is the child of a fork */
    *at = proof->next;
    for (at = &listed; *at != proof;)
        at = &(*at)->next_listed;
    *at = proof->next_listed;
}

static void conclude(ncr_proof *proof)
{
    ncr_proof *following = NULL;
    const ncr_place place = ncr_place_of(proof->disk, proof->object, &proof->facts);
    ncr_cache_lock();
    compare_locked(proof);
    if (proof->status == NACRE_OK)
        take_snapshot_locked(proof);
    if (proof->status == NACRE_OK && !is_for_immutable(proof))
        keep_locked(proof, &place);
    else if (proof->status == NACRE_ERROR_NOT_FOUND && proof->epoch == proof->subject->epoch &&
             !is_for_immutable(proof))
        ncr_cache_disprove_locked(proof->subject, proof->disk);
    if (proof->is_listed)
        unlist_locked(proof);
    ncr_cache_open *believers = take_believers_locked(proof, &proof->waiting), *waiting = proof->waiting;
    if (waiting)
        following = new_proof_locked(waiting, true);
    ncr_cache_unlock();

    ncr_behind_start();
    if (following)
        start_proof(following);
    tell_all(proof);
    for (ncr_cache_open *next; waiting && !following; waiting = next) {
        next = waiting->next;
        fail(waiting, ncr_error_memory(&waiting->error));
    }
    for (ncr_cache_open *next; believers; believers = next) {
        next = believers->next;
        ncr_cache_open_start(believers);
    }
    free_proof(proof);
}

static nacre_status corrupt_length(ncr_proof *proof, uint64_t got, uint64_t expected)
{
    return ncr_error_set(&proof->error, NACRE_ERROR_CORRUPT,
                         "%s: the server sent %" PRIu64 " bytes where %" PRIu64 " were expected", proof->object->name,
                         got, expected);
}

/* The answer holds the whole object. */
static nacre_status take_whole(ncr_proof *proof)
{
    ncr_get *get = &proof->get;
    proof->whole = ncr_block_adopt(get->whole, get->whole_size);
    get->whole = NULL;
    if (!proof->whole)
        return ncr_error_memory(&proof->error);
    if (get->whole_size != get->facts.size)
        return corrupt_length(proof, get->whole_size, get->facts.size);
    size_t head = proof->whole->size < NCR_FIRST_READ ? proof->whole->size : NCR_FIRST_READ;
    proof->head = ncr_slice_of(proof->whole, proof->whole->data, head);
    proof->is_proven = true;
    return NACRE_OK;
}

static nacre_status take_head(ncr_proof *proof)
{
    const ncr_get *get = &proof->get;
    uint64_t expected = get->facts.size < proof->first_read ? get->facts.size : proof->first_read;
    if (get->got != expected)
        return corrupt_length(proof, get->got, expected);
    ncr_block_shrink(proof->block, get->got);
    const uint8_t *data = proof->block->data; /* whoever has the object open holds the head, and no more than that */
    proof->head =
        get->got > NCR_FIRST_READ ? ncr_slice_copy(data, NCR_FIRST_READ) : ncr_slice_of(proof->block, data, get->got);
    if (!proof->head.block)
        return ncr_error_memory(&proof->error);
    proof->is_proven = get->facts.version.strong;
    if (get->got == get->facts.size && !proof->is_proven) {
        proof->whole = ncr_block_ref(proof->block);
        proof->is_proven = true;
    }
    return NACRE_OK;
}

/* Asks for the whole object in one answer, which is then one version whatever the server says of versions. */
static void send_for_whole(ncr_proof *proof)
{
    ncr_slice_clear(&proof->head);
    reset_get(proof);
    proof->get.length = SIZE_MAX;
    proof->object->store->class->get(&proof->get);
}

static void send_when_older(ncr_task *task)
{
    const struct timespec pause = {.tv_nsec = 11 * 1000 * 1000};
    nanosleep(&pause, NULL);
    send_proof(task);
}

/* What to do about an object whose version proves nothing and that did not come whole: true, the proof was sent
 * again; false, it is concluded. */
static bool pursue_weak(ncr_proof *proof)
{
    if (proof->object->store->is_local) {
        if (proof->waited_for_age)
            return false; /* it is being written all the time */
        proof->waited_for_age = true;
        ncr_slice_clear(&proof->head);
        reset_get(proof);
        proof->task.run = send_when_older;
        ncr_pool_submit(&proof->task);
        return true;
    }
    int64_t limit = ncr_config_number(proof->call->config, NCR_KEY_LIMIT_WHOLE_READ);
    if (limit >= 0 && proof->facts.size > (uint64_t)limit)
        return false;
    send_for_whole(proof);
    return true;
}

static nacre_status check_unproven(ncr_proof *proof)
{
    if (proof->is_proven || strcmp(ncr_config_text(proof->call->config, NCR_KEY_UNPROVEN), "refuse") != 0)
        return NACRE_OK;
    return ncr_error_set(&proof->error, NACRE_ERROR_UNPROVEN,
                         "%s: the store gives no version that proves its bytes, and it is larger than "
                         "limit.whole_read; unproven=allow reads it all the same",
                         proof->object->name);
}

/* "Not modified": true where that answers what was asked. */
static bool is_confirmed(const ncr_proof *proof)
{
    const ncr_version *said = &proof->get.facts.version;
    return !said->token[0] || strcmp(said->token, proof->known.version.token) == 0;
}

static void proof_answered(ncr_get *get)
{
    ncr_proof *proof = get->user;
    proof->status = get->status;
    if (get->status == NACRE_ERROR_CHANGED && proof->torn++ < 3) { /* nothing is pinned yet: look again */
        reset_get(proof);
        ncr_cache_continue(&proof->task);
        return;
    }
    if (get->status != NACRE_OK) {
        proof->error = get->error;
        free(get->whole);
        conclude(proof);
        return;
    }
    if (get->not_modified && proof->known_snapshot && is_confirmed(proof)) {
        take_known(proof);
        conclude(proof);
        return;
    }
    if (get->not_modified && proof->known_snapshot) { /* but of another version: ask plainly */
        ncr_cache_lock();
        ncr_snapshot_unref_locked(proof->known_snapshot);
        ncr_cache_unlock();
        proof->known_snapshot = NULL;
        reset_get(proof);
        ncr_cache_continue(&proof->task);
        return;
    }
    proof->facts = get->facts;
    if (get->not_modified) /* and nothing was asked: there are no bytes, nor facts */
        proof->status = ncr_error_set(&proof->error, NACRE_ERROR_CORRUPT,
                                      "%s: the server says \"not modified\" without being asked", proof->object->name);
    else
        proof->status = get->whole ? take_whole(proof) : take_head(proof);
    if (proof->status == NACRE_OK && !proof->is_proven && pursue_weak(proof))
        return;
    if (proof->status == NACRE_OK)
        proof->status = check_unproven(proof);
    conclude(proof);
}

/* --- Beginning. --- */

/* Answers from what is known where the object's policy allows that; false: it must be asked for. */
static bool open_believing(ncr_cache_open *open, ncr_policy policy)
{
    ncr_proof known = {.object = open->object, .is_proven = true, .from_cache = true};
    ncr_cache_lock();
    const ncr_subject *subject = ncr_subject_find_locked(open->object->id);
    const ncr_proven *proven = subject ? ncr_proven_believe_locked(subject, open->object, policy, &known.head) : NULL;
    if (proven) {
        known.snapshot = ncr_snapshot_ref_locked(ncr_snapshot_find_locked(subject, &proven->facts));
        known.facts = proven->facts;
    }
    ncr_cache_unlock();
    if (!proven)
        return false;
    known.get.round = open->needed_round;
    tell(&known, open);
    ncr_slice_clear(&known.head);
    ncr_cache_lock();
    ncr_snapshot_unref_locked(known.snapshot);
    ncr_cache_unlock();
    return true;
}

static nacre_status offline_error(const ncr_object *object, nacre_error *err)
{
    return ncr_error_set(err, NACRE_ERROR_OFFLINE, "%s: not in the cache, and cache=offline lets no request be sent",
                         object->name);
}

static void look_offline(ncr_task *task)
{
    ncr_proof *proof = (ncr_proof *)task;
    look_on_disk(proof, proof->object->store->credentials);
    proof->get.round = proof->get.needed_round;
    if (proof->known_snapshot)
        take_known(proof);
    else
        proof->status = offline_error(proof->object, &proof->error);
    conclude(proof);
}

/* Believes what is on disk, or fails. */
static void open_offline(ncr_cache_open *open)
{
    ncr_cache_lock();
    ncr_proof *proof = open->disk ? new_proof_locked(open, false) : NULL;
    ncr_cache_unlock();
    if (!proof) {
        fail(open, offline_error(open->object, &open->error));
        return;
    }
    proof->task.run = look_offline;
    start_proof(proof);
}

/* Whether that ended the open: by what is known, or because nothing may be asked. */
static bool open_without_asking(ncr_cache_open *open)
{
    ncr_policy policy = ncr_object_policy(open->object, open->call);
    if (policy.kind == NCR_POLICY_FRESH)
        return false;
    if (open_believing(open, policy))
        return true;
    if (policy.kind != NCR_POLICY_OFFLINE)
        return false;
    open_offline(open);
    return true;
}

/* The proof under way that an open with these credentials may wait for. */
static ncr_proof *find_proof_locked(const ncr_object *object)
{
    const ncr_subject *subject = ncr_subject_find_locked(object->id);
    ncr_proof *proof = subject ? subject->proofs : NULL;
    while (proof && (strcmp(proof->object->store->credentials, object->store->credentials) != 0 ||
                     proof->object->public_only != object->public_only))
        proof = proof->next;
    return proof;
}

static void wait_for_next_locked(ncr_proof *proof, ncr_cache_open *open)
{
    if (proof->waiting)
        proof->last_waiting->next = open;
    else
        proof->waiting = open;
    proof->last_waiting = open;
    ncr_watch_wanted_locked(open->call);
}

void ncr_cache_open_start(ncr_cache_open *open)
{
    ncr_cache_begin(open->call->config);
    open->next = NULL;
    open->pin = NULL;
    open->head = (ncr_slice){0};
    open->round = 0;
    open->disk = NULL;
    nacre_status status = NACRE_OK;
    if (ncr_store_is_kept(open->object->store))
        status = ncr_disk_open(open->call->config, &open->disk, &open->error);
    if (status == NACRE_OK && open_without_asking(open))
        return;
    if (status == NACRE_OK)
        status = ncr_call_check(open->call, open->object->name, &open->error);
    if (status != NACRE_OK) {
        fail(open, status);
        return;
    }
    if (!ncr_store_is_kept(open->object->store)) { /* cheaper than sharing, or shared below */
        open_alone(open);
        return;
    }
    ncr_cache_lock();
    ncr_proof *proof = find_proof_locked(open->object);
    bool waits = proof != NULL;
    if (waits)
        wait_for_next_locked(proof, open);
    else
        proof = new_proof_locked(open, true);
    ncr_cache_unlock();
    if (!proof)
        fail(open, ncr_error_memory(&open->error));
    else if (!waits)
        start_proof(proof);
    else
        ncr_watch_start();
}

void ncr_proofs_abandon_locked(ncr_subject *subject)
{
    subject->proofs = NULL;
    listed = NULL;
}

/* --- Waiters whose own call must end. --- */

/* Takes them out of a chain; the last that stays is told in *last. */
static bool expire_chain(ncr_cache_open **at, ncr_cache_open **last, ncr_cache_open **expired)
{
    bool others = false;
    while (*at) {
        ncr_cache_open *open = *at;
        if (ncr_call_check(open->call, "", NULL) != NACRE_OK) {
            *at = open->next;
            open->next = *expired;
            *expired = open;
            continue;
        }
        others |= open->call->cancel || open->call->deadline_ms != INT64_MAX;
        *last = open;
        at = &open->next;
    }
    return others;
}

bool ncr_proofs_expire_locked(ncr_cache_open **expired)
{
    bool others = false;
    for (ncr_proof *proof = listed; proof; proof = proof->next_listed) {
        ncr_cache_open *last;
        /* The first of those it serves is left to the store, which knows its call. */
        others |= expire_chain(&proof->opens->next, &last, expired);
        others |= expire_chain(&proof->waiting, &proof->last_waiting, expired);
    }
    return others;
}

void ncr_opens_fail(ncr_cache_open *opens)
{
    for (ncr_cache_open *next; opens; opens = next) {
        next = opens->next;
        opens->next = NULL;
        fail(opens, ncr_call_check(opens->call, opens->object->name, &opens->error));
    }
}

nacre_status ncr_cache_known(const ncr_object *object, const ncr_call *call, ncr_object_facts *out, nacre_error *err)
{
    ncr_disk *disk;
    ncr_disk_proof known = {.id = object->id, .credentials = object->store->credentials};
    ncr_cache_lock();
    const ncr_subject *subject = ncr_subject_find_locked(object->id);
    const ncr_proven *proven = subject ? ncr_proven_find_locked(subject, object->store->credentials) : NULL;
    if (proven)
        *out = proven->facts;
    ncr_cache_unlock();
    if (proven)
        return NACRE_OK;
    *out = (ncr_object_facts){.modified_ms = -1};
    nacre_status status = ncr_disk_open(call->config, &disk, err);
    if (status != NACRE_OK)
        return status;
    if (!disk || !ncr_disk_proof_read(disk, &known) || (object->public_only && !known.public_only))
        return offline_error(object, err);
    *out = known.facts;
    return NACRE_OK;
}
