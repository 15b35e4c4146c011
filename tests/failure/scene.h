/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef TEST_FAILURE_SCENE_H
#define TEST_FAILURE_SCENE_H

#include <stdint.h>

/* The working directory, the servers and the environment that scenarios find. */

enum { SCENE_PLACES = 2 }; /* so that as many processes do not meet */

/* Makes places: folders of their own with what is read, and servers, which are processes of their own. Ends the process
 * where that cannot be. */
void scene_begin(void);

/* Goes to a place; in the environment are its servers from here on. */
void scene_enter(unsigned place);

/* Ends the servers and removes the folder. */
void scene_end(void);

/* Empties a folder; files only. */
void scene_empty(const char *folder);

/* A number for all names and bytes in a folder. */
uint64_t scene_look(const char *folder);

#endif
