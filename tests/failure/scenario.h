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
    const char *folder;    /* that it changes, which is emptied before each run; NULL: none */
    const char *names[4];  /* what an error's message begins with one of; NULL after the last */
    void (*prepare)(void); /* before each run, without nacre: fills the folder, sets variables of the
                              environment; NULL: nothing */
    nacre_status (*between)(nacre_error *err); /* leads to a state that may be left after a failure; NULL: none but the
                                                  old and the new */
    nacre_status (*run)(uint64_t *result, nacre_error *err);
    unsigned marks;
} scenario;

enum {
    SCENARIO_SLOW = 1,     /* a run takes long: the fast tier tries one site in SLOW_SHARE */
    SCENARIO_WHOLE = 2,    /* only with --all */
    SCENARIO_ONCE = 4,     /* so long that even then each call fails the first time only, and of a slow one's a share */
    SCENARIO_REPORT = 8,   /* what fails is told in what it gives, so that may differ */
    SCENARIO_OFFLINE = 16, /* what cannot be had from the folder may not be asked for, so that status is right too */
};

/* Nameless after the last. */
extern const scenario local_scenarios[], raster_scenarios[], store_scenarios[], web_scenarios[], cache_scenarios[],
    source_scenarios[];

/* Of the place that was entered: "http://127.0.0.1:PORT" of the server in server.h, and the same over TLS. */
const char *scene_web(void);
const char *scene_tls(void);

/* Makes what scenarios read: in/, store/b/in/ and az/b/in/. In a process of its own, since it uses nacre. */
void scene_make(void);

/* Rasters that it makes: this large, of two bands of bytes. */
enum { SCENE_WIDTH = 300, SCENE_HEIGHT = 200 };

/* Opens one and reads a half of it at half the size, and a window. */
nacre_status scene_read_raster(const char *path, uint64_t *result, nacre_error *err);
nacre_status scene_read_and_close(nacre_dataset *dataset, uint64_t *result, nacre_error *err);

/* Removes all that is in a folder, at any depth. */
void scene_empty_deep(const char *folder);

/* Adds bytes to a result. */
void result_add(uint64_t *result, const void *data, size_t size);

/* A file with bytes that depend on seed; ends the process where that cannot be. */
void scene_file(const char *path, size_t size, unsigned seed);

#endif
