/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <nacre/batch.h>
#include <nacre/future.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/call.h"
#include "support/held_dataset.h"

/* Calls that are started, waited for, cancelled and let go of, while a store holds its answers back. */

static fake_store *store;
static ncr_object *object;
static held_dataset *dataset;
static uint8_t out[64];

static int set_up(void **state)
{
    (void)state;
    store = fake_store_new();
    fake_set(store, "a", "v1", true, NULL, 100000);
    fake_manners_of(store)->hold = true;
    object = fake_object(store, "a");
    dataset = held_dataset_new(object);
    memset(out, 0, sizeof out);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    nacre_dataset_close(&dataset->base);
    ncr_object_unref(object);
    fake_store_free(store);
    return 0;
}

static nacre_future *started(const nacre_io_options *io)
{
    nacre_future *future = NULL;
    nacre_error err;
    if (nacre_dataset_read_start(&dataset->base, NULL, io, out, sizeof out, &future, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    return future;
}

static void wait_until_asked(void)
{
    for (int i = 0; i < 5000 && !fake_held(store); i++)
        usleep(1000);
    assert_int_equal(fake_held(store), 1);
}

static bool is_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void a_read_goes_on_without_its_caller(void **state)
{
    (void)state;
    nacre_io_stats stats = {0};
    nacre_io_options io = NACRE_IO_OPTIONS_INIT;
    io.stats = &stats;
    nacre_future *future = started(&io);
    wait_until_asked();
    int fd;
    nacre_error err;
    assert_int_equal(nacre_future_fd(future, &fd, &err), NACRE_OK);
    assert_false(is_readable(fd));
    assert_false(nacre_future_wait(future, 0));
    assert_false(nacre_future_wait(future, 30));
    assert_int_equal(nacre_future_status(future, &err), NACRE_ERROR_INVALID);
    fake_release(store);
    while (!nacre_future_wait(future, 1000))
        continue;
    assert_true(is_readable(fd));
    assert_true(nacre_future_wait(future, 0));
    assert_true(nacre_future_wait(future, -1)); /* again */
    assert_int_equal(nacre_future_status(future, &err), NACRE_OK);
    assert_int_equal(stats.rounds, 1);
    for (size_t i = 0; i < sizeof out; i++)
        assert_int_equal(out[i], 7);
    size_t index;
    assert_false(nacre_future_next(future, &index));
    assert_true(is_readable(fd));
    nacre_future_free(future);
}

static void a_descriptor_asked_for_late_is_readable(void **state)
{
    (void)state;
    fake_manners_of(store)->hold = false;
    nacre_future *future = started(NULL);
    while (!nacre_future_wait(future, -1))
        continue;
    int fd;
    assert_int_equal(nacre_future_fd(future, &fd, NULL), NACRE_OK);
    assert_true(is_readable(fd));
    nacre_future_free(future);
}

static void wrong_arguments_are_told_at_once(void **state)
{
    (void)state;
    nacre_future *future = (nacre_future *)out;
    nacre_error err;
    assert_int_equal(nacre_dataset_read_start(&dataset->base, NULL, NULL, out, 63, &future, &err), NACRE_ERROR_INVALID);
    assert_string_equal(err.message, "held: the buffer has 63 bytes, and 64 are needed");
    assert_null(future);
    nacre_dataset *opened;
    assert_int_equal(nacre_dataset_open_start("", NULL, NULL, &opened, &future, &err), NACRE_ERROR_INVALID);
    assert_null(future);
    nacre_future_free(NULL);
}

static void the_dataset_may_be_closed_meanwhile(void **state)
{
    (void)state;
    nacre_future *future = started(NULL);
    wait_until_asked();
    nacre_dataset_close(&dataset->base);
    fake_release(store);
    while (!nacre_future_wait(future, -1))
        continue;
    assert_int_equal(nacre_future_status(future, NULL), NACRE_OK);
    nacre_future_free(future);
    dataset = held_dataset_new(object);
}

static void a_cancelled_one_ends_and_others_do_not(void **state)
{
    (void)state;
    nacre_io_options io = NACRE_IO_OPTIONS_INIT;
    io.cancel = nacre_cancel_new();
    nacre_future *first = started(&io);
    wait_until_asked();
    static uint8_t second_out[64];
    nacre_future *second = NULL;
    assert_int_equal(nacre_dataset_read_start(&dataset->base, NULL, &io, second_out, sizeof second_out, &second, NULL),
                     NACRE_OK);
    usleep(20000);
    nacre_future_cancel(second); /* it waits for the first one's answer, or for its own */
    fake_release_all(store);
    nacre_error err;
    while (!nacre_future_wait(second, -1) || !nacre_future_wait(first, -1))
        fake_release_all(store);
    assert_int_equal(nacre_future_status(second, &err), NACRE_ERROR_CANCELLED);
    assert_int_equal(nacre_future_status(first, &err), NACRE_OK);
    nacre_future_free(first);
    nacre_future_free(second);
    nacre_cancel_free(io.cancel);
}

static void the_callers_cancel_counts_too(void **state)
{
    (void)state;
    nacre_io_options io = NACRE_IO_OPTIONS_INIT;
    io.cancel = nacre_cancel_new();
    nacre_cancel_trigger(io.cancel);
    nacre_future *future = started(&io);
    nacre_cancel_free(io.cancel);
    while (!nacre_future_wait(future, -1))
        continue;
    assert_int_equal(nacre_future_status(future, NULL), NACRE_ERROR_CANCELLED);
    nacre_future_free(future);
}

static void *release_later(void *unused)
{
    usleep(50000);
    fake_release_all(store);
    return unused;
}

static void free_waits_until_nothing_writes_to_the_buffer(void **state)
{
    (void)state;
    nacre_future *future = started(NULL);
    wait_until_asked();
    pthread_t thread;
    pthread_create(&thread, NULL, release_later, NULL);
    nacre_future_free(future);
    assert_int_equal(fake_held(store), 0);
    pthread_join(thread, NULL);
}

static void ignore_signal(int number)
{
    (void)number;
}

static void *signal_main(void *thread)
{
    usleep(50000);
    pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

static void a_signal_ends_the_wait(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = ignore_signal}, before;
    sigaction(SIGUSR1, &action, &before);
    nacre_future *future = started(NULL);
    wait_until_asked();
    pthread_t self = pthread_self(), thread;
    pthread_create(&thread, NULL, signal_main, &self);
    assert_false(nacre_future_wait(future, -1));
    pthread_join(thread, NULL);
    sigaction(SIGUSR1, &before, NULL);
    fake_release_all(store);
    nacre_future_free(future);
}

static void in_the_child_of_a_fork_it_is_over(void **state)
{
    (void)state;
    nacre_future *future = started(NULL);
    wait_until_asked();
    int fd;
    assert_int_equal(nacre_future_fd(future, &fd, NULL), NACRE_OK);
    pid_t child = fork();
    if (child == 0) {
        bool good = nacre_future_wait(future, -1) && nacre_future_status(future, NULL) == NACRE_ERROR_CANCELLED;
        nacre_future_free(future);
        _exit(good ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_false(is_readable(fd));
    fake_release_all(store);
    while (!nacre_future_wait(future, -1))
        continue;
    assert_int_equal(nacre_future_status(future, NULL), NACRE_OK);
    nacre_future_free(future);
}

static void an_open_is_awaited_too(void **state)
{
    (void)state;
    static const char text[] = "<VRTDataset rasterXSize=\"3\" rasterYSize=\"2\"><VRTRasterBand dataType=\"Byte\"/>"
                               "</VRTDataset>";
    nacre_dataset *opened = NULL;
    nacre_future *future = NULL;
    nacre_error err = {0};
    assert_int_equal(nacre_dataset_open_start(text, NULL, NULL, &opened, &future, &err), NACRE_OK);
    while (!nacre_future_wait(future, -1))
        continue;
    if (nacre_future_status(future, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    nacre_future_free(future);
    nacre_dataset_info info;
    nacre_dataset_info_get(opened, &info);
    assert_int_equal(info.width, 3);
    nacre_dataset_close(opened);
    assert_int_equal(nacre_dataset_open_start("mem://none/a.tif", NULL, NULL, &opened, &future, &err), NACRE_OK);
    while (!nacre_future_wait(future, -1))
        continue;
    assert_int_equal(nacre_future_status(future, &err), NACRE_ERROR_NOT_FOUND);
    assert_null(opened);
    nacre_future_free(future);
}

static void a_batch_tells_its_items_as_they_end(void **state)
{
    (void)state;
    static uint8_t buffers[2][64];
    nacre_batch_item items[3] = {{0}};
    nacre_read_options wrong = NACRE_READ_OPTIONS_INIT;
    wrong.window = (nacre_window){100, 0, 1, 1};
    for (int i = 0; i < 3; i++)
        items[i].size = sizeof items[i];
    items[0].dataset = items[1].dataset = items[2].dataset = &dataset->base;
    items[0].buffer = buffers[0];
    items[2].buffer = buffers[1];
    items[0].buffer_size = items[2].buffer_size = 64;
    items[1].read_options = &wrong;
    nacre_future *future = NULL;
    assert_int_equal(nacre_dataset_read_batch_start(items, 3, NULL, NULL, &future, NULL), NACRE_OK);
    int fd;
    assert_int_equal(nacre_future_fd(future, &fd, NULL), NACRE_OK);
    assert_false(is_readable(fd));
    wait_until_asked();
    fake_release_all(store);
    bool seen[3] = {false};
    for (int told = 0; told < 3;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&p, 1, 10000), 1);
        size_t index;
        while (nacre_future_next(future, &index)) {
            assert_false(seen[index]);
            assert_true(items[index].is_done);
            seen[index] = true;
            told++;
        }
        fake_release_all(store);
    }
    while (!nacre_future_wait(future, -1))
        continue;
    assert_int_equal(nacre_future_status(future, NULL), NACRE_ERROR_INVALID);
    assert_int_equal(items[0].status, NACRE_OK);
    assert_int_equal(items[1].status, NACRE_ERROR_INVALID);
    assert_int_equal(items[2].status, NACRE_OK);
    assert_int_equal(buffers[1][63], 7);
    assert_true(is_readable(fd));
    nacre_future_free(future);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_read_goes_on_without_its_caller, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_descriptor_asked_for_late_is_readable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_arguments_are_told_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_dataset_may_be_closed_meanwhile, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cancelled_one_ends_and_others_do_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_callers_cancel_counts_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(free_waits_until_nothing_writes_to_the_buffer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_signal_ends_the_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(in_the_child_of_a_fork_it_is_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_open_is_awaited_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_batch_tells_its_items_as_they_end, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
