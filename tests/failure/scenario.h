/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef TEST_FAILURE_SCENARIO_H
#define TEST_FAILURE_SCENARIO_H

#include <nacre/nacre.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What users do, made to be done again and again: each time from the same beginning, with the same result. Paths are
 * relative to the working directory, which the driver makes: `in/` holds what is read, `out/` what is written, and
 * `store/b/` is the bucket "b" of the emulator with folders of the same names. */
typedef struct scenario {
    const char *name;
    const char *folder;                        /* that it changes, which is emptied before each run; NULL: none */
    const char *names[4];                      /* what an error's message begins with one of; NULL after the last */
    void (*prepare)(void);                     /* fills the folder before each run, without nacre; NULL: stays empty */
    nacre_status (*between)(nacre_error *err); /* leads to a state that may be left after a failure; NULL: none but the
                                                  old and the new */
    nacre_status (*run)(uint64_t *result, nacre_error *err);
    bool is_slow; /* a run takes long: the fast tier tries one site in SLOW_SHARE */
} scenario;

extern const scenario local_scenarios[], raster_scenarios[], store_scenarios[]; /* nameless after the last */

/* Makes what scenarios read: in/ and store/b/in/. In a process of its own, since it uses nacre. */
void scene_make(void);

/* Adds bytes to a result. */
void result_add(uint64_t *result, const void *data, size_t size);

/* A file with bytes that depend on seed; ends the process where that cannot be. */
void scene_file(const char *path, size_t size, unsigned seed);

#endif
