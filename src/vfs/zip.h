/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_VFS_ZIP_H
#define NCR_VFS_ZIP_H

#include "base/pool.h"
#include "cache/cache.h"
#include "vfs/zip_format.h"

/* Members of ZIP archives as objects of a store of their own, one for each archive that a path names; private to this
 * layer. Everything is read through the cache, as bytes of the archive's object. */

extern const ncr_store_class ncr_zip_class;

/* A store of an archive's members (keys are their names as ncr_zip_member_name() gives them). The archive is
 * referenced. NULL: out of memory. */
ncr_store *ncr_zip_store_new(ncr_object *archive);

/* The archive of such a store; NULL: it is another kind of store. */
ncr_object *ncr_zip_archive(const ncr_store *store);

void ncr_zip_store_clear(ncr_store *store); /* the class's free() */

/* --- zip_archive.c: the archive at a version, and its directory. --- */

/* Operations on members begin with this. Single-thread; rules as in store.h. */
typedef struct ncr_zip_ask ncr_zip_ask;
struct ncr_zip_ask {
    const ncr_object *member;   /* or a prefix; borrowed */
    ncr_call *call;             /* borrowed */
    const ncr_version *version; /* of a member: of that one's archive, without a proof; NULL: it is proven. Borrowed */
    unsigned needed_round;

    nacre_status status;
    nacre_error error;
    ncr_pin *pin; /* of the archive; the ask's, as is the directory */
    ncr_zip_directory *directory;
    unsigned round;

    void (*done)(ncr_zip_ask *ask);
    void *user;
    /* Its own. */
    ncr_task task;
    ncr_cache_open open;
    ncr_slice head; /* the archive's first bytes where it was proven */
    ncr_fetch fetch;
    ncr_zip_end end;
};
void ncr_zip_ask_start(ncr_zip_ask *ask);
void ncr_zip_ask_clear(ncr_zip_ask *ask);

/* The version of the archive's members, and the other way round: false where the text is none of ours. A version whose
 * archive cannot be told from it again is weak. */
ncr_version ncr_zip_member_version(const ncr_object_facts *archive);
bool ncr_zip_archive_facts(const ncr_version *member, ncr_object_facts *out);

/* Fails as the archive's error does, under the member's name. */
nacre_status ncr_zip_fail_as(const ncr_object *member, nacre_error *err, const nacre_error *source,
                             nacre_status status);

/* --- zip_member.c --- */
void ncr_zip_get(ncr_get *get);
/* What a member's entry says of it; archive: that of the pin. */
void ncr_zip_set_facts(const ncr_zip_entry *entry, const ncr_object_facts *archive, ncr_object_facts *out);
/* The member of a key; NACRE_ERROR_NOT_FOUND. */
nacre_status ncr_zip_look_up(const ncr_object *member, const ncr_zip_directory *directory, ncr_zip_entry **out,
                             nacre_error *err);

/* --- zip_inflate.c: members that must be made whole. --- */

/* A member's bytes; a cached value of the archive. */
typedef struct ncr_zip_bytes {
    ncr_value value;
    size_t size;
    uint8_t data[];
} ncr_zip_bytes;

/* Makes a member whole: from the cache, by one that is making it, or by fetching and unpacking it. Single-thread. */
typedef struct ncr_zip_make ncr_zip_make;
struct ncr_zip_make {
    const ncr_object *member; /* borrowed */
    ncr_call *call;           /* borrowed */
    ncr_pin *pin;             /* of the archive; borrowed */
    ncr_zip_entry *entry;     /* borrowed */
    unsigned needed_round;

    nacre_status status;
    nacre_error error;
    ncr_zip_bytes *bytes; /* the caller's */
    unsigned round;

    void (*done)(ncr_zip_make *make);
    void *user;
    /* Its own. */
    ncr_task task;
    ncr_zip_make *next;    /* of those that wait for room, or for another's work */
    ncr_zip_make *waiting; /* for this one's */
    ncr_zip_make *next_made;
    uint64_t room; /* bytes that are reserved for it */
    ncr_fetch fetch;
};
void ncr_zip_make_start(ncr_zip_make *make);

/* --- zip_queue.c: room for those that are being made, 256 MiB, or one that needs more. --- */

/* True: it has it. False: its task is run when it has, or when its call must end, then without room. */
bool ncr_zip_room_take(ncr_zip_make *make, uint64_t bytes);
void ncr_zip_room_give(ncr_zip_make *make);
void ncr_zip_set_room(uint64_t bytes); /* for tests */

#endif
