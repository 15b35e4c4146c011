/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NACRE_IO_H
#define NACRE_IO_H

/* Everything in libnacre_io: paths, objects, and the coherent cache. */
#include "cache.h"
#include "config.h"
#include "error.h"
#include "file.h"
#include "probe.h"

#endif
