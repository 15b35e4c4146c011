/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NACRE_NACRE_H
#define NACRE_NACRE_H

/* Everything in libnacre, which includes everything in libnacre_io. */
#include "batch.h"
#include "crs.h"
#include "dataset.h"
#include "edit.h"
#include "future.h"
#include "io.h"
#include "measure.h"
#include "points.h"
#include "tile.h"
#include "types.h"
#include "validate.h"
#include "view.h"

#endif
