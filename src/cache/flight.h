/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CACHE_FLIGHT_H
#define NCR_CACHE_FLIGHT_H

#include "base/memory.h"
#include "base/pool.h"
#include "cache/table.h"
#include "cache/tier.h"

/* A range of one version that is being asked for, and the readers who wait for parts of it. Private to this layer. */

typedef struct ncr_reader ncr_reader;
typedef struct ncr_piece ncr_piece;
typedef struct ncr_lookup ncr_lookup;

/* A part of a fetch: cached bytes, or what a flight will bring. */
struct ncr_piece {
    ncr_reader *reader;
    uint64_t offset; /* in the object */
    size_t length;
    const uint8_t *data; /* set when it is there */
    ncr_block *block;    /* referenced */
    ncr_flight *flight;  /* that it waits for; NULL: none */
    ncr_piece *next;     /* of those who wait for the flight */
};

/* A fetch under way. Guarded by the cache's lock while pieces are pending, then belongs to who saw the last arrive. */
struct ncr_reader {
    ncr_task task; /* to end it */
    ncr_fetch *fetch;
    ncr_piece *pieces;
    size_t piece_count, pending;
    nacre_status status; /* the first failure of a piece; its message is in the fetch */
    bool again;          /* a flight was given up by its own call: ask again */
    bool missed;         /* a request was needed */
    bool looked;         /* on disk: what is missing now is asked for */
    bool on_disk;        /* it waits for something that is being read from there; counted when that has come */
    unsigned round;
    ncr_reader *next;
};

struct ncr_flight {
    ncr_flight *next;          /* of a batch that is about to start */
    ncr_flight *newer, *older; /* of all flights */
    ncr_pin *pin;              /* referenced; its version is asked for */
    ncr_call *call;            /* referenced */
    uint64_t offset;
    size_t length;
    ncr_block *block;
    bool keep;
    uint64_t epoch; /* of the subject, when it was made */
    ncr_get *gets;  /* one, or several for a long range */
    size_t get_count;
    ncr_stat_op stat; /* tells what is there instead of the version */
    /* Guarded by the cache's lock. */
    size_t pending; /* gets */
    nacre_status status;
    nacre_error error;
    bool is_gone_or_changed;
    ncr_version now;  /* what the store says it is; "" not known */
    ncr_block *whole; /* the server sent the whole object; NULL: what was asked for, in block */
    unsigned round;
    ncr_piece *waiting;
    /* Where it is no request, but being read from disk. Then call is NULL, and block. */
    ncr_lookup *lookup;
    ncr_task task;
    ncr_found *found;
    size_t found_count;
};

/* What a batch of readers has missed in memory is looked for on disk, each flight by a worker. All land together, so
 * that what is not there either is asked for as one batch. */
struct ncr_lookup {
    ncr_flight *flights; /* linked by `next` */
    size_t pending;      /* guarded by the cache's lock */
};

/* Index of the first flight that ends after position. */
size_t ncr_flight_after_locked(const ncr_snapshot *snapshot, uint64_t position);
/* A flight of the pin and call of a fetch, listed in the snapshot but not started; NULL: out of memory. */
ncr_flight *ncr_flight_new_locked(const ncr_fetch *fetch, uint64_t offset, size_t length, bool keep,
                                  unsigned needed_round);
/* Lets a piece wait for a flight. */
void ncr_flight_join_locked(ncr_flight *flight, ncr_piece *piece);
/* Starts a batch, linked by `next`. */
void ncr_flights_start(ncr_flight *flights);

/* A flight that is read from disk; false: out of memory. */
bool ncr_lookup_add_locked(ncr_lookup *lookup, ncr_pin *pin, uint64_t offset, size_t length, bool keep);
/* Starts it (NULL: nothing to start), after which it is not the caller's. */
void ncr_lookup_start(ncr_lookup *lookup);

/* Ends readers all of whose pieces have come, linked by `next`; in fetch.c. */
void ncr_readers_end(ncr_reader *ready);
/* Plans them anew together; in fetch.c. */
void ncr_readers_plan(ncr_reader *readers);

#endif
