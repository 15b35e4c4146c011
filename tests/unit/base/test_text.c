/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static void numbers_are_whole_texts(void **state)
{
    (void)state;
    int i = 7;
    assert_true(ncr_text_to_int("-12", &i));
    assert_int_equal(i, -12);
    assert_false(ncr_text_to_int("12x", &i));
    assert_false(ncr_text_to_int("", &i));
    assert_false(ncr_text_to_int("99999999999", &i));
    assert_int_equal(i, -12);
    uint64_t u = 1;
    assert_true(ncr_text_to_uint64("18446744073709551615", &u));
    assert_true(u == UINT64_MAX);
    assert_false(ncr_text_to_uint64("18446744073709551616", &u));
    assert_false(ncr_text_to_uint64("-1", &u));
}

static void doubles_read_back_as_themselves(void **state)
{
    (void)state;
    const double values[] = {0,      -0.0,    0.1, 1.0 / 3, 300.0379266750948, 1e-300, 1.7976931348623157e308,
                             101985, INFINITY};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char text[NCR_TEXT_DOUBLE_SIZE];
        ncr_text_from_double(values[i], text);
        double back;
        assert_true(ncr_text_to_double(text, &back));
        assert_memory_equal(&back, &values[i], sizeof back);
    }
    char text[NCR_TEXT_DOUBLE_SIZE];
    ncr_text_from_double(0.1, text);
    assert_string_equal(text, "0.1");
    double nan_back = 0;
    ncr_text_from_double(NAN, text);
    assert_true(ncr_text_to_double(text, &nan_back));
    assert_true(isnan(nan_back));
}

static void a_locale_with_commas_changes_nothing(void **state)
{
    (void)state;
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8"))
        setlocale(LC_NUMERIC, "C");
    char text[NCR_TEXT_DOUBLE_SIZE];
    ncr_text_from_double(2.5, text);
    assert_string_equal(text, "2.5");
    double value;
    assert_true(ncr_text_to_double("2.5", &value));
    assert_true(value == 2.5);
    setlocale(LC_NUMERIC, "C");
}

static void comparisons_ignore_ascii_case_only(void **state)
{
    (void)state;
    assert_true(ncr_text_equal_nocase("GTiff", "gtIFF"));
    assert_false(ncr_text_equal_nocase("GTiff", "GTif"));
    assert_false(ncr_text_equal_nocase("\xc3\x84", "\xc3\xa4"));
    assert_true(ncr_text_ends_nocase("A.TIF", ".tif"));
    assert_false(ncr_text_ends_nocase("f", ".tif"));
}

static void everything_but_unreserved_is_escaped(void **state)
{
    (void)state;
    ncr_buffer buffer;
    ncr_buffer_init(&buffer, 1000);
    assert_true(ncr_text_append_escaped(&buffer, "d//k a%20b?#\xc3\xa9~", "/"));
    assert_string_equal((const char *)buffer.data, "d//k%20a%2520b%3F%23%C3%A9~");
    ncr_buffer_clear(&buffer);
}

static void a_buffer_never_passes_its_maximum(void **state)
{
    (void)state;
    ncr_buffer buffer;
    ncr_buffer_init(&buffer, 10);
    assert_true(ncr_buffer_append(&buffer, "123456789", 9));
    assert_false(ncr_buffer_append(&buffer, "ab", 2));
    assert_int_equal(buffer.size, 9);
    assert_true(ncr_buffer_append(&buffer, "a", 1));
    assert_null(ncr_buffer_reserve(&buffer, SIZE_MAX));
    ncr_buffer_clear(&buffer);
}

static void escapes_are_replaced_in_place(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"a%20b%2Fc", "a b/c"}, {"%C3%bc", "\xC3\xBC"}, {"%", "%"}, {"%4", "%4"},
                                           {"%zz%41", "%zzA"},     {"%%41", "%A"},         {"", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = ncr_text_copy(cases[i][0]);
        assert_true(ncr_text_unescape(text));
        assert_string_equal(text, cases[i][1]);
        free(text);
    }
    char zero[] = "a%00b";
    assert_false(ncr_text_unescape(zero));
}

static void signatures_of_urls_are_not_shown(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"http://h/a.tif?sig=SECRET: not a raster", "http://h/a.tif?sig=***: not a raster"},
        {"http://h/a?x=1&X-Amz-Signature=a:b%2F&y=2: no", "http://h/a?x=1&X-Amz-Signature=***&y=2: no"},
        {"http://h/a?token=SECRET", "http://h/a?token=***"},
        {"a?sig=S1 names b?SIG=S2: no", "a?sig=** names b?SIG=**: no"},
        {"http://h/a?sig=***: no", "http://h/a?sig=***: no"},
        {"http://h/a?sig=: no", "http://h/a?sig=: no"},
        {"http://h/a?signal=1&design=2&sig", "http://h/a?signal=1&design=2&sig"},
        {"set token=1?", "set token=1?"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = ncr_text_copy(cases[i][0]);
        ncr_text_hide_secrets(text);
        assert_string_equal(text, cases[i][1]);
        free(text);
    }
}

static void no_error_shows_a_signature(void **state)
{
    (void)state;
    nacre_error err;
    ncr_error_set(&err, NACRE_ERROR_CORRUPT, "%s: damaged", "http://h/a.tif?sig=SECRET");
    assert_string_equal(err.message, "http://h/a.tif?sig=***: damaged");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_whole_texts),
        cmocka_unit_test(doubles_read_back_as_themselves),
        cmocka_unit_test(a_locale_with_commas_changes_nothing),
        cmocka_unit_test(comparisons_ignore_ascii_case_only),
        cmocka_unit_test(everything_but_unreserved_is_escaped),
        cmocka_unit_test(escapes_are_replaced_in_place),
        cmocka_unit_test(signatures_of_urls_are_not_shown),
        cmocka_unit_test(no_error_shows_a_signature),
        cmocka_unit_test(a_buffer_never_passes_its_maximum),
    };
    return cmocka_run_group_tests_name("base/text", tests, NULL, NULL);
}
