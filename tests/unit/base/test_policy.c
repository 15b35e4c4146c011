/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/policy.h"
#include "base/witness.h"

static void a_policys_text_is_read_back_as_it_was(void **state)
{
    (void)state;
    static const char *const texts[][2] = {{"fresh", "fresh"},       {"ttl=60", "ttl=60"},
                                           {"ttl=0.5", "ttl=0.500"}, {"ttl=1e8", "ttl=100000000"},
                                           {"offline", "offline"},   {"immutable", "immutable"}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        ncr_policy policy = {0}, again = {0};
        char text[NCR_POLICY_TEXT];
        assert_true(ncr_policy_parse(texts[i][0], &policy));
        ncr_policy_text(&policy, text);
        assert_string_equal(text, texts[i][1]);
        assert_true(ncr_policy_parse(text, &again));
        assert_int_equal(again.kind, policy.kind);
        assert_int_equal(again.ttl_ms, policy.ttl_ms);
    }
}

static void a_witness_tells_each_answer_once(void **state)
{
    (void)state;
    ncr_seen seen = {.method = "GET", .status = 206, .is_tls = true}, out;
    ncr_witness *witness = ncr_witness_new();
    assert_non_null(witness);
    assert_false(ncr_witness_take(witness, &out));
    ncr_witness_tls(witness, "TLSv1.3");
    ncr_witness_tell(witness, &seen);
    assert_true(ncr_witness_take(witness, &out));
    assert_int_equal(out.status, 206);
    assert_string_equal(out.tls, "TLSv1.3");
    assert_false(ncr_witness_take(witness, &out));
    seen.is_tls = false;
    ncr_witness_tell(witness, &seen);
    assert_true(ncr_witness_take(witness, &out));
    assert_string_equal(out.tls, "");
    ncr_witness_unref(ncr_witness_ref(witness));
    ncr_witness_unref(witness);
    ncr_witness_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policys_text_is_read_back_as_it_was),
        cmocka_unit_test(a_witness_tells_each_answer_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
