/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_TESTS_CMOCKA_ALL_H
#define NCR_TESTS_CMOCKA_ALL_H

/* cmocka with what it needs before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
