/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <string.h>

#include "base/latch.h"
#include "cmocka_all.h"
#include "support/call.h"
#include "support/mem_file.h"

/* What lies beside an object. */

static void list_done(ncr_list_op *op)
{
    ncr_latch_down(op->user);
}

static void list_beside(const char *path, ncr_call *call, ncr_list_op *op)
{
    nacre_error err;
    ncr_object *object;
    ncr_latch latch;
    if (ncr_vfs_resolve(path, NULL, call, &object, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    ncr_latch_init(&latch, 1);
    *op = (ncr_list_op){.object = object, .call = call, .done = list_done, .user = &latch};
    ncr_vfs_list_beside_start(op);
    ncr_latch_wait(&latch);
    ncr_latch_clear(&latch);
    ncr_object_unref(object);
}

static void what_begins_with_the_name_lies_beside_it(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    ncr_list_op op;
    mem_put(call, "mem://beside/a.tif", "1", 1);
    mem_put(call, "mem://beside/a.tif.ovr", "1", 1);
    mem_put(call, "mem://beside/b.tif", "1", 1);
    list_beside("mem://beside/a.tif", call, &op);
    assert_int_equal(op.status, NACRE_OK);
    assert_int_equal(op.entry_count, 2);
    assert_string_equal(op.entries[1].key, "beside/a.tif.ovr");
    ncr_list_op_clear(&op);
    ncr_call_unref(call);
}

static void a_url_with_a_query_has_nothing_beside_it(void **state)
{
    (void)state;
    ncr_call *call = test_call_new(NULL);
    ncr_list_op op;
    list_beside("http://127.0.0.1:1/a.tif?x=1", call, &op);
    assert_int_equal(op.status, NACRE_OK);
    assert_int_equal(op.entry_count, 0);
    ncr_list_op_clear(&op);
    list_beside("http://127.0.0.1:1/a.tif", call, &op);
    assert_int_equal(op.status, NACRE_ERROR_UNSUPPORTED); /* but single names may be tried */
    ncr_list_op_clear(&op);
    mem_put(call, "mem://beside/a?b", "1", 1); /* a key like any other */
    list_beside("mem://beside/a?b", call, &op);
    assert_int_equal(op.entry_count, 1);
    ncr_list_op_clear(&op);
    ncr_call_unref(call);
}

static void offline_asks_no_store(void **state)
{
    (void)state;
    ncr_call *call = test_call_new("cache=offline", NULL);
    ncr_list_op op;
    list_beside("gs://bucket/a.tif", call, &op);
    assert_int_equal(op.status, NACRE_ERROR_OFFLINE);
    assert_int_equal(call->counters.requests, 0);
    ncr_list_op_clear(&op);
    ncr_call_unref(call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_begins_with_the_name_lies_beside_it),
        cmocka_unit_test(a_url_with_a_query_has_nothing_beside_it),
        cmocka_unit_test(offline_asks_no_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
