/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/pages.h"

enum { MIB = 1 << 20, COUNT = 48 };

static size_t in_use(void)
{
    size_t used, spare;
    ncr_pages_count(&used, &spare);
    assert_true(spare <= NCR_PAGES_SPARE);
    return used;
}

static bool is_mapped(uint8_t *data)
{
    unsigned char is_resident;
    return mincore(data, 1, &is_resident) == 0;
}

static void fill(uint8_t *data, size_t size, uint8_t value)
{
    memset(data, value, size);
}

static bool is_filled(const uint8_t *data, size_t size, uint8_t value)
{
    return data[0] == value && memcmp(data, data + 1, size - 1) == 0;
}

static void blocks_do_not_share_bytes(void **state)
{
    (void)state;
    uint8_t *blocks[COUNT];
    size_t sizes[COUNT], before = in_use();
    for (int turn = 0; turn < 3; turn++) { /* from regions, then from what was freed */
        for (size_t i = 0; i < COUNT; i++) {
            sizes[i] = NCR_PAGES_LEAST + i * i * 5001;
            blocks[i] = ncr_pages_new(sizes[i]);
            assert_non_null(blocks[i]);
            fill(blocks[i], sizes[i], (uint8_t)(i + 1));
        }
        for (size_t i = 0; i < COUNT; i++) {
            assert_true(is_filled(blocks[i], sizes[i], (uint8_t)(i + 1)));
            ncr_pages_free(blocks[i], sizes[i]);
        }
        assert_int_equal(in_use(), before);
    }
}

static void what_is_freed_goes_back_but_for_the_spares(void **state)
{
    (void)state;
    uint8_t *blocks[COUNT];
    size_t before = in_use(), mapped = 0;
    for (size_t i = 0; i < COUNT; i++)
        blocks[i] = ncr_pages_new(MIB);
    assert_int_equal(in_use(), before + COUNT * (size_t)MIB);
    for (size_t i = 0; i < COUNT; i++)
        ncr_pages_free(blocks[i], MIB);
    for (size_t i = 0; i < COUNT; i++)
        mapped += is_mapped(blocks[i]) ? MIB : 0;
    assert_true(mapped <= NCR_PAGES_SPARE);
    assert_int_equal(in_use(), before);
}

static void what_was_freed_is_used_again(void **state)
{
    (void)state;
    uint8_t *block = ncr_pages_new(8 * MIB), *first = block;
    for (int i = 0; i < 10; i++) {
        ncr_pages_free(block, 8 * MIB);
        block = ncr_pages_new(8 * MIB);
        assert_true(i == 0 || block == first);
        first = block;
    }
    ncr_pages_free(block, 8 * MIB);
}

static void largest_blocks_have_regions_of_their_own(void **state)
{
    (void)state;
    const size_t size = 70 * (size_t)MIB + 1;
    uint8_t *block = ncr_pages_new(size);
    assert_non_null(block);
    block[0] = block[size - 1] = 1;
    ncr_pages_free(block, size);
    assert_false(is_mapped(block));
    assert_null(ncr_pages_new(SIZE_MAX));
    assert_null(ncr_pages_new(SIZE_MAX - (3 << 20)));
    ncr_pages_free(NULL, 1);
}

static void end_of_a_block_can_be_freed_alone(void **state)
{
    (void)state;
    size_t before = in_use(), stays = ncr_pages_size(MIB / 2 + 1);
    uint8_t *block = ncr_pages_new(MIB);
    ncr_pages_free(block + stays, MIB - stays);
    assert_int_equal(in_use(), before + stays);
    fill(block, stays, 1);
    ncr_pages_free(block, stays);
    assert_int_equal(in_use(), before);
}

static void *take_and_free(void *user)
{
    uint8_t value = (uint8_t)(uintptr_t)user;
    for (size_t i = 0; i < 300; i++) {
        size_t size = NCR_PAGES_LEAST + (i * 7919 % 64) * 4096;
        uint8_t *data = ncr_pages_new(size);
        data[0] = data[size - 1] = value;
        usleep(0);
        if (data[0] != value || data[size - 1] != value)
            return NULL;
        ncr_pages_free(data, size);
    }
    return user;
}

static void threads_get_blocks_of_their_own(void **state)
{
    (void)state;
    pthread_t threads[4];
    size_t before = in_use();
    for (uintptr_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_free, (void *)(i + 1)), 0);
    for (uintptr_t i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_ptr_equal(result, (void *)(i + 1));
    }
    assert_int_equal(in_use(), before);
}

static void child_of_a_fork_goes_on(void **state)
{
    (void)state;
    uint8_t *block = ncr_pages_new(MIB);
    fill(block, MIB, 7);
    pid_t child = fork();
    if (child == 0) {
        bool is_kept = is_filled(block, MIB, 7);
        ncr_pages_free(block, MIB);
        uint8_t *other = ncr_pages_new(3 * MIB);
        _exit(is_kept && other ? 0 : 1);
    }
    int status = 1;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_true(is_filled(block, MIB, 7));
    ncr_pages_free(block, MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_do_not_share_bytes),
        cmocka_unit_test(what_is_freed_goes_back_but_for_the_spares),
        cmocka_unit_test(what_was_freed_is_used_again),
        cmocka_unit_test(largest_blocks_have_regions_of_their_own),
        cmocka_unit_test(end_of_a_block_can_be_freed_alone),
        cmocka_unit_test(threads_get_blocks_of_their_own),
        cmocka_unit_test(child_of_a_fork_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
