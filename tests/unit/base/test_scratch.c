/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/scratch.h"

enum { PIECE = 3 << 18, PIECES = 12, THREADS = 4 }; /* in all more than what stays in memory */

typedef struct part {
    ncr_scratch *scratch;
    uint8_t first;
    uint64_t places[PIECES];
} part;

static void *append_pieces(void *user)
{
    part *p = user;
    uint8_t *bytes = malloc(PIECE);
    for (int i = 0; i < PIECES; i++) {
        memset(bytes, p->first + i, PIECE);
        if (ncr_scratch_append(p->scratch, bytes, PIECE, &p->places[i], NULL) != NACRE_OK)
            abort();
    }
    free(bytes);
    return NULL;
}

static void what_threads_append_at_once_lies_where_they_were_told(void **state)
{
    (void)state;
    assert_true((uint64_t)PIECE * PIECES * THREADS > 2 * (uint64_t)NCR_SCRATCH_MEMORY);
    ncr_scratch scratch;
    ncr_scratch_init(&scratch);
    part parts[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        parts[i] = (part){.scratch = &scratch, .first = (uint8_t)(i * PIECES)};
        assert_int_equal(pthread_create(&threads[i], NULL, append_pieces, &parts[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(scratch.size, (uint64_t)PIECE * PIECES * THREADS);
    uint8_t *bytes = malloc(PIECE), *expected = malloc(PIECE);
    for (int i = 0; i < THREADS * PIECES; i++) {
        memset(expected, i, PIECE);
        assert_int_equal(ncr_scratch_read(&scratch, parts[i / PIECES].places[i % PIECES], bytes, PIECE, NULL),
                         NACRE_OK);
        assert_memory_equal(bytes, expected, PIECE);
    }
    free(bytes);
    free(expected);
    ncr_scratch_clear(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_threads_append_at_once_lies_where_they_were_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
