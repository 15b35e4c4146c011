/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef TEST_FAKE_DRIVER_H
#define TEST_FAKE_DRIVER_H

#include <stdatomic.h>

/* A driver for tests of opening: of files that begin with "FAKE", which it opens in a second round by reading four
 * bytes more ('!' there: damaged), and of the text of a VRT. Its datasets are of the kind of memory_dataset.h, without
 * pixels. */

/* A group's setup: registers it. */
int fake_driver_set_up(void **state);

/* How many datasets it has made. */
extern _Atomic int fake_driver_opened;

#endif
