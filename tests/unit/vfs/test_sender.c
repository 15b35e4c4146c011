/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cache/block.h"
#include "cmocka_all.h"
#include "vfs/sender.h"

/* Parts of an upload that go out beside one another. */

enum { PART = 1000, MOST = 16 };

/* A store that notes the parts it is given, and may hold them back until several are there. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t came;
    unsigned inside, highest, expected; /* waits until so many parts are inside */
    unsigned count;
    uint8_t first_byte[MOST + 1];
    size_t size[MOST + 1];
    unsigned failing; /* this part fails */
} server = {.lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};

static nacre_status upload_part(ncr_upload *upload, unsigned number, const void *data, size_t size, nacre_error *err)
{
    (void)upload;
    pthread_mutex_lock(&server.lock);
    server.inside++;
    server.highest = server.inside > server.highest ? server.inside : server.highest;
    pthread_cond_broadcast(&server.came);
    while (server.highest < server.expected)
        pthread_cond_wait(&server.came, &server.lock);
    server.first_byte[number] = *(const uint8_t *)data;
    server.size[number] = size;
    server.count++;
    server.inside--;
    bool fails = number == server.failing;
    pthread_mutex_unlock(&server.lock);
    return fails ? ncr_error_set(err, NACRE_ERROR_IO, "k: part %u failed", number) : NACRE_OK;
}

static ncr_sender *one_sender(unsigned at_once, unsigned expected, unsigned failing, ncr_upload *upload)
{
    static ncr_store_class class;
    static ncr_store store;
    static ncr_object object;
    static char name[] = "k";
    class = (ncr_store_class){.part_size = PART, .parts_at_once = at_once, .upload_part = upload_part};
    store.class = &class;
    object = (ncr_object){.store = &store, .name = name};
    *upload = (ncr_upload){.object = &object};
    server.inside = server.highest = server.count = 0;
    server.expected = expected;
    server.failing = failing;
    memset(server.size, 0, sizeof server.size);
    return ncr_sender_new(upload);
}

static nacre_status send_parts(ncr_sender *sender, unsigned count, size_t size, nacre_error *error)
{
    nacre_status status = NACRE_OK;
    for (unsigned i = 1; i <= count && status == NACRE_OK; i++) {
        ncr_block *block = ncr_block_new(size);
        memset(block->data, (int)i, size);
        ncr_slice bytes = ncr_slice_of(block, block->data, size);
        ncr_block_unref(block);
        status = ncr_sender_send(sender, &bytes, error);
        assert_true(status != NACRE_OK || !bytes.data);
        ncr_slice_clear(&bytes);
    }
    return status;
}

static void as_many_parts_as_the_store_takes_go_out_together(void **state)
{
    (void)state;
    ncr_upload upload;
    nacre_error error = {0};
    /* The store answers nobody before four are there: with fewer at once this would never end. */
    ncr_sender *sender = one_sender(4, 4, 0, &upload);
    assert_int_equal(send_parts(sender, MOST, PART, &error), NACRE_OK);
    assert_int_equal(ncr_sender_wait(sender, &error), NACRE_OK);
    ncr_sender_free(sender);
    assert_int_equal(server.highest, 4);
    assert_int_equal(server.count, MOST);
    for (unsigned i = 1; i <= MOST; i++) {
        assert_int_equal(server.first_byte[i], i);
        assert_int_equal(server.size[i], PART);
    }
}

static void a_store_of_one_part_at_once_gets_them_one_after_another(void **state)
{
    (void)state;
    ncr_upload upload;
    nacre_error error = {0};
    ncr_sender *sender = one_sender(1, 0, 0, &upload);
    assert_int_equal(send_parts(sender, MOST, PART, &error), NACRE_OK);
    assert_int_equal(ncr_sender_wait(sender, &error), NACRE_OK);
    ncr_sender_free(sender);
    assert_int_equal(server.highest, 1);
}

static void large_parts_are_fewer_at_once(void **state)
{
    (void)state;
    ncr_upload upload;
    nacre_error error = {0};
    ncr_sender *sender = one_sender(4, 0, 0, &upload);
    assert_int_equal(send_parts(sender, 4, NCR_SENDER_MEMORY, &error), NACRE_OK);
    assert_int_equal(ncr_sender_wait(sender, &error), NACRE_OK);
    ncr_sender_free(sender);
    assert_int_equal(server.highest, 1);
}

static void failure_of_a_part_is_told_and_ends_the_sending(void **state)
{
    (void)state;
    ncr_upload upload;
    nacre_error error = {0};
    ncr_sender *sender = one_sender(1, 0, 2, &upload);
    assert_int_equal(send_parts(sender, MOST, PART, &error), NACRE_ERROR_IO);
    assert_string_equal(error.message, "k: part 2 failed");
    assert_int_equal(ncr_sender_wait(sender, &error), NACRE_ERROR_IO);
    ncr_sender_free(sender);
    assert_int_equal(server.count, 2);
}

static void failure_of_the_last_part_is_told_by_the_wait(void **state)
{
    (void)state;
    ncr_upload upload;
    nacre_error error = {0};
    ncr_sender *sender = one_sender(4, 0, 3, &upload);
    assert_int_equal(send_parts(sender, 3, PART, &error), NACRE_OK);
    assert_int_equal(ncr_sender_wait(sender, &error), NACRE_ERROR_IO);
    ncr_sender_free(sender);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_parts_as_the_store_takes_go_out_together),
        cmocka_unit_test(a_store_of_one_part_at_once_gets_them_one_after_another),
        cmocka_unit_test(large_parts_are_fewer_at_once),
        cmocka_unit_test(failure_of_a_part_is_told_and_ends_the_sending),
        cmocka_unit_test(failure_of_the_last_part_is_told_by_the_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
