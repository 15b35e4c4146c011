/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_BASE_LOOPS_H
#define NCR_BASE_LOOPS_H

/* Before a function whose loops are to be made vectors of, also where the number of turns is not known. clang does so
 * by itself, gcc at -O2 only where it costs no code. */
#if defined(__GNUC__) && !defined(__clang__)
#define NCR_VECTOR_LOOPS __attribute__((optimize("tree-vectorize", "vect-cost-model=dynamic")))
#else
#define NCR_VECTOR_LOOPS
#endif

#endif
