/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/s3_fixture.h"

/* Changes without a condition, where the server decides conditions and where it is not known to. */

static void begin_decided(fixture *f, const step *steps, const char *decides)
{
    s3_open(f, steps, false, decides, "http.retries=1");
}

static nacre_status store_put(fixture *f, ncr_put *put)
{
    *put = (ncr_put){.object = f->object, .call = f->call, .data = "hello world", .size = 11};
    return ncr_store_put(put, &f->err);
}

static void a_put_whose_answer_is_lost_is_found_where_the_server_decides(void **state)
{
    (void)state;
    fixture f;
    ncr_put p;
    const step steps[] = {{"PUT " TARGET, "If-None-Match: *", 0, NULL, NULL},
                          {"PUT " TARGET, "If-None-Match: *", 412, NULL, ERROR("PreconditionFailed")},
                          {"HEAD " TARGET, NULL, 200, IS(OURS, "11"), NULL},
                          {0}};
    begin_decided(&f, steps, "s3.conditional_writes=yes");
    if (store_put(&f, &p) != NACRE_OK)
        fail_msg("%s", f.err.message);
    assert_int_equal(p.outcome, NCR_OUTCOME_DONE);
    end(&f);
}

static void a_put_replaces_only_what_was_seen_where_the_server_decides(void **state)
{
    (void)state;
    fixture f;
    ncr_put p;
    const step steps[] = {{"PUT " TARGET, "If-None-Match: *", 412, NULL, ERROR("PreconditionFailed")},
                          {"HEAD " TARGET, NULL, 200, IS(THEIRS, "9"), NULL},
                          {"PUT " TARGET, "If-Match: " THEIRS, 0, NULL, NULL},
                          {"PUT " TARGET, "If-Match: " THEIRS, 200, "ETag: " OURS "\r\n", NULL},
                          {0}};
    begin_decided(&f, steps, "s3.conditional_writes=yes");
    assert_int_equal(store_put(&f, &p), NACRE_OK);
    assert_int_equal(p.outcome, NCR_OUTCOME_DONE);
    end(&f);
}

static void a_put_is_sent_once_where_nobody_knows_what_the_server_decides(void **state)
{
    (void)state;
    static const char *const words[] = {"s3.conditional_writes=auto", "s3.conditional_writes=no"};
    for (int i = 0; i < 2; i++) {
        fixture f;
        ncr_put p;
        const step steps[] = {{"PUT " TARGET, "!If-None-Match", 0, NULL, NULL}, {0}};
        begin_decided(&f, steps, words[i]);
        assert_int_equal(store_put(&f, &p), NACRE_ERROR_UNAVAILABLE);
        assert_int_equal(p.outcome, NCR_OUTCOME_UNKNOWN);
        end(&f);
    }
}

/* A server that has no conditions after all, and one where another writes at the same moment each time. */
static void a_put_whose_condition_is_in_vain_is_made_without(void **state)
{
    (void)state;
    const step knows_none[] = {{"PUT " TARGET, "If-None-Match: *", 501, NULL, ERROR("NotImplemented")},
                               {"PUT " TARGET, "!If-None-Match", 200, "ETag: " OURS "\r\n", NULL},
                               {0}};
    const step is_busy[] = {{"PUT " TARGET, "If-None-Match: *", 409, NULL, ERROR("ConditionalRequestConflict")},
                            {"PUT " TARGET, "If-None-Match: *", 409, NULL, ERROR("ConditionalRequestConflict")},
                            {"PUT " TARGET, "If-None-Match: *", 409, NULL, ERROR("ConditionalRequestConflict")},
                            {"PUT " TARGET, "If-None-Match: *", 409, NULL, ERROR("ConditionalRequestConflict")},
                            {"PUT " TARGET, "!If-None-Match", 200, "ETag: " OURS "\r\n", NULL},
                            {0}};
    for (int i = 0; i < 2; i++) {
        fixture f;
        ncr_put p;
        begin_decided(&f, i ? is_busy : knows_none, "s3.conditional_writes=yes");
        if (store_put(&f, &p) != NACRE_OK)
            fail_msg("%d: %s", i, f.err.message);
        end(&f);
    }
}

static void a_delete_whose_answer_is_lost_is_done_once_where_the_server_decides(void **state)
{
    (void)state;
    static const int gone[] = {404, 412};
    for (int i = 0; i < 2; i++) {
        fixture f;
        const step steps[] = {{"HEAD " TARGET, NULL, 200, IS(OURS, "11"), NULL},
                              {"DELETE " TARGET, "If-Match: " OURS, 0, NULL, NULL},
                              {"DELETE " TARGET, "If-Match: " OURS, gone[i], NULL, NULL},
                              {i ? "HEAD " TARGET : NULL, NULL, 404, NULL, NULL}, /* what the condition is about */
                              {"HEAD " TARGET, NULL, 404, NULL, NULL},            /* what is there now */
                              {0}};
        begin_decided(&f, steps, "s3.conditional_writes=yes");
        ncr_delete op = {.object = f.object, .call = f.call};
        if (ncr_store_remove(&op, &f.err) != NACRE_OK)
            fail_msg("%s", f.err.message);
        assert_int_equal(op.outcome, NCR_OUTCOME_DONE);
        end(&f);
    }
}

static void a_copy_is_made_on_what_was_seen_where_the_server_decides(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{"HEAD /bkt/to", NULL, 404, NULL, NULL},
                          {"PUT /bkt/to", "If-None-Match: *", 200, NULL,
                           "<CopyObjectResult><ETag>\"7ac66c0f148de9519b8bd264312c4d64\"</ETag></CopyObjectResult>"},
                          {0}};
    begin_decided(&f, steps, "s3.conditional_writes=yes");
    ncr_object *to = ncr_object_new(f.store, "bkt", "to", "s3://bkt/to", false);
    ncr_copy copy = {.source = f.object, .destination = to, .call = f.call};
    if (ncr_store_copy(&copy, &f.err) != NACRE_OK)
        fail_msg("%s", f.err.message);
    assert_int_equal(copy.outcome, NCR_OUTCOME_DONE);
    ncr_object_unref(to);
    end(&f);
}

/* The source is of parts, so ETags do not tell, but the checksums that the store keeps do. */
static void a_copy_whose_answer_is_lost_is_found_where_the_server_decides(void **state)
{
    (void)state;
    for (int is_ours = 0; is_ours < 2; is_ours++) {
        fixture f;
        const char *there = is_ours ? IS(OURS, "11") "x-amz-checksum-crc64nvme: AAAAAAAAAAA=\r\n"
                                    : IS(OURS, "11") "x-amz-checksum-crc64nvme: BBBBBBBBBBA=\r\n";
        const step steps[] = {{"HEAD /bkt/to", "!x-amz-checksum-mode", 404, NULL, NULL},
                              {"PUT /bkt/to", "If-None-Match: *", 0, NULL, NULL},
                              {"PUT /bkt/to", "If-None-Match: *", 412, NULL, ERROR("PreconditionFailed")},
                              {"HEAD /bkt/to", "x-amz-checksum-mode: ENABLED", 200, there, NULL},
                              {"HEAD " TARGET, "x-amz-checksum-mode: ENABLED", 200,
                               IS("\"parts-2\"", "11") "x-amz-checksum-crc64nvme: AAAAAAAAAAA=\r\n", NULL},
                              {is_ours ? NULL : "HEAD /bkt/to", "!x-amz-checksum-mode", 200, IS(OURS, "11"), NULL},
                              {"HEAD " TARGET, "!x-amz-checksum-mode", 200, IS("\"parts-2\"", "11"), NULL},
                              {0}};
        begin_decided(&f, steps, "s3.conditional_writes=yes");
        ncr_object *to = ncr_object_new(f.store, "bkt", "to", "s3://bkt/to", false);
        ncr_copy copy = {.source = f.object, .destination = to, .call = f.call};
        nacre_status status = ncr_store_copy(&copy, &f.err);
        assert_int_equal(status, is_ours ? NACRE_OK : NACRE_ERROR_UNAVAILABLE);
        assert_int_equal(copy.outcome, is_ours ? NCR_OUTCOME_DONE : NCR_OUTCOME_UNKNOWN);
        ncr_object_unref(to);
        end(&f);
    }
}

static void amazons_own_servers_decide_conditions(void **state)
{
    (void)state;
    static const struct {
        const char *endpoint, *word;
        unsigned decides;
    } rows[] = {
        {"s3.region=eu-west-1", "s3.conditional_writes=auto", NCR_DECIDES_ALL},
        {"s3.endpoint=https://s3.eu-west-1.amazonaws.com", "s3.conditional_writes=auto", NCR_DECIDES_ALL},
        {"s3.endpoint=https://s3.cn-north-1.amazonaws.com.cn", "s3.conditional_writes=auto", NCR_DECIDES_ALL},
        {"s3.endpoint=https://s3.eu-west-1.amazonaws.com", "s3.conditional_writes=no", 0},
        {"s3.endpoint=https://s3.eu-west-1.amazonaws.com.example.org", "s3.conditional_writes=auto", 0},
        {"s3.endpoint=http://127.0.0.1:9000", "s3.conditional_writes=auto", 0},
        {"s3.endpoint=http://127.0.0.1:9000", "s3.conditional_writes=yes", NCR_DECIDES_ALL},
        {"s3.endpoint=http://127.0.0.1:9000", "s3.conditional_writes=true", NCR_DECIDES_ALL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ncr_call *call = test_call_new(rows[i].endpoint, rows[i].word, NULL);
        ncr_store *store = open_store("s3", NULL, true, call);
        if (store->decides != rows[i].decides)
            fail_msg("%s %s", rows[i].endpoint, rows[i].word);
        ncr_store_unref(store);
        ncr_call_unref(call);
    }
    nacre_error err;
    ncr_store *store;
    ncr_call *call = test_call_new("s3.conditional_writes=perhaps", NULL);
    assert_int_equal(ncr_store_open("s3", NULL, true, call->config, &store, &err), NACRE_ERROR_INVALID);
    assert_contains(err.message, "s3.conditional_writes: 'perhaps' is none of auto, yes and no");
    ncr_call_unref(call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_put_whose_answer_is_lost_is_found_where_the_server_decides),
        cmocka_unit_test(a_put_replaces_only_what_was_seen_where_the_server_decides),
        cmocka_unit_test(a_put_is_sent_once_where_nobody_knows_what_the_server_decides),
        cmocka_unit_test(a_put_whose_condition_is_in_vain_is_made_without),
        cmocka_unit_test(a_delete_whose_answer_is_lost_is_done_once_where_the_server_decides),
        cmocka_unit_test(a_copy_is_made_on_what_was_seen_where_the_server_decides),
        cmocka_unit_test(a_copy_whose_answer_is_lost_is_found_where_the_server_decides),
        cmocka_unit_test(amazons_own_servers_decide_conditions),
    };
    return cmocka_run_group_tests(tests, clear_environment, NULL);
}
