/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NACRE_EXPORT_H
#define NACRE_EXPORT_H

/* What the libraries export is listed in the version scripts beside src/meson.build; this attribute makes the same
 * functions visible to the linker. */
#if defined(__GNUC__)
#define NACRE_API __attribute__((visibility("default")))
#else
#define NACRE_API
#endif

#endif
