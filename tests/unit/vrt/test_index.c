/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <stdlib.h>

#include "vrt/index.h"

enum { COUNT = 3000 };
static nacre_window rects[COUNT];

static const nacre_window *rect_of(const void *user, size_t i)
{
    return (const nacre_window *)user + i;
}

static unsigned seed = 7;

static double next_number(double most)
{
    seed = seed * 1103515245u + 12345u;
    return (double)(seed >> 8) / (double)(1u << 24) * most;
}

static bool touch(const nacre_window *a, const nacre_window *b)
{
    return a->x < b->x + b->width && b->x < a->x + a->width && a->y < b->y + b->height && b->y < a->y + a->height;
}

static void a_window_finds_all_it_touches_ascending_and_once(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        double size = i % 100 == 0 ? 5000 : 40;
        rects[i] = (nacre_window){next_number(10000) - 100, next_number(8000), next_number(size), next_number(size)};
    }
    ncr_vrt_index *index = ncr_vrt_index_new(COUNT, rect_of, rects);
    assert_non_null(index);
    size_t most = 0;
    for (int n = 0; n < 300; n++) {
        nacre_window window = {next_number(11000) - 500, next_number(9000) - 500, next_number(300), next_number(300)};
        uint32_t *found;
        size_t count, at = 0;
        assert_true(ncr_vrt_index_find(index, &window, &found, &count));
        for (uint32_t i = 0; i < COUNT; i++) {
            while (at < count && found[at] < i)
                at++;
            if (touch(&rects[i], &window) && (at == count || found[at] != i))
                fail_msg("rectangle %u is not found", (unsigned)i);
        }
        for (size_t i = 1; i < count; i++)
            assert_true(found[i - 1] < found[i]);
        most = count > most ? count : most;
        free(found);
    }
    assert_true(most < COUNT / 4); /* near ones only */
    ncr_vrt_index_free(index);
}

static void rectangles_in_one_point_are_found(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        rects[i] = (nacre_window){5, 5, 0, 0};
    ncr_vrt_index *index = ncr_vrt_index_new(100, rect_of, rects);
    uint32_t *found;
    size_t count;
    assert_true(ncr_vrt_index_find(index, &(nacre_window){0, 0, 10, 10}, &found, &count));
    assert_int_equal(count, 100);
    free(found);
    ncr_vrt_index_free(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_finds_all_it_touches_ascending_and_once),
        cmocka_unit_test(rectangles_in_one_point_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
