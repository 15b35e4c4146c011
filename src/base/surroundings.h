/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_BASE_SURROUNDINGS_H
#define NCR_BASE_SURROUNDINGS_H

#include <stdbool.h>
#include <stdint.h>

/* What a snapshot of the configuration was made of, so that a call which would find the same takes the same snapshot:
 * looking 70 keys up takes longer than a read of cached pixels. Immutable. */
typedef struct ncr_surroundings ncr_surroundings;

/* What a program says itself. */
typedef struct ncr_settings {
    uint64_t own, global; /* numbers that change with every change of the call's and of the process's values */
    const char *cache;    /* the call's own value of `cache`; NULL: none */
} ncr_settings;

/* Notes the settings, the environment and what the configuration file is, of which no byte has been read yet.
 * path: of the configuration file, NULL where there is none to look for.
 * NULL: out of memory, or the file is so young that it may change without looking it. Freed by the caller. */
ncr_surroundings *ncr_surroundings_note(const ncr_settings *settings, const char *path);

/* Whether a snapshot made now would be the same. Looks at the file (one stat). */
bool ncr_surroundings_last(const ncr_surroundings *noted, const ncr_settings *settings);

void ncr_surroundings_free(ncr_surroundings *noted);

#endif
