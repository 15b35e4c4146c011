/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/answer.h"

static void give(ncr_answer *answer, const char *text)
{
    while (*text) {
        const char *end = strchr(text, '\n') + 1;
        assert_true(ncr_answer_line(answer, text, (size_t)(end - text)));
        text = end;
    }
}

static void content_range_is_read_exactly(void **state)
{
    (void)state;
    ncr_content_range range = ncr_content_range_parse("bytes 10-19/100");
    assert_true(range.is_known && !range.is_unsatisfied);
    assert_int_equal(range.first, 10);
    assert_int_equal(range.last, 19);
    assert_int_equal(range.total, 100);
    range = ncr_content_range_parse("bytes 0-0/*");
    assert_true(range.is_known && range.total == UINT64_MAX);
    range = ncr_content_range_parse("bytes */100");
    assert_true(range.is_known && range.is_unsatisfied && range.total == 100);
    range = ncr_content_range_parse("bytes 0-18446744073709551613/18446744073709551614");
    assert_true(range.is_known);
}

static void nonsense_is_no_content_range(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",           "bytes",        "bytes ",        "bytes 1",       "bytes 1-",
        "bytes -1/5", "bytes 5-4/10", "bytes 0-10/10", "bytes 0-9/10x", "bytes 0-9/",
        "bytes 0-9",  "items 0-9/10", "bytes */*",     "bytes +1-2/5",  "bytes 0-99999999999999999999999/*",
        NULL};
    for (const char *const *text = texts; *text; text++)
        if (ncr_content_range_parse(*text).is_known)
            fail_msg("'%s' was taken", *text);
}

static void headers_are_kept_in_lower_case(void **state)
{
    (void)state;
    ncr_answer answer;
    ncr_answer_init(&answer);
    give(&answer, "HTTP/1.1 206 Partial Content\r\nETag:  \"a:b\"  \r\nX-Empty:\r\nContent-Length: 12\r\n\r\n");
    assert_int_equal(answer.status, 206);
    assert_true(answer.is_complete);
    assert_int_equal(answer.content_length, 12);
    assert_string_equal((char *)answer.text.data, "etag: \"a:b\"\nx-empty: \ncontent-length: 12\n");
    char value[8];
    assert_true(ncr_answer_header(&answer, "etag", value, sizeof value));
    assert_string_equal(value, "\"a:b\"");
    assert_true(ncr_answer_header(&answer, "x-empty", value, sizeof value));
    assert_string_equal(value, "");
    assert_false(ncr_answer_header(&answer, "x-emp", value, sizeof value));
    ncr_answer_clear(&answer);
}

static void control_characters_do_not_break_lines(void **state)
{
    (void)state;
    ncr_answer answer;
    ncr_answer_init(&answer);
    give(&answer, "HTTP/1.1 200 x\r\n");
    static const char line[] = "A\0b: c\0\nETag: \"no\"\r\n";
    assert_true(ncr_answer_line(&answer, line, sizeof line - 1));
    give(&answer, "X: y\r\n\r\n");
    assert_string_equal((char *)answer.text.data, "a b: c  ETag: \"no\"\nx: y\n");
    ncr_answer_clear(&answer);
}

static void interim_answers_and_trailers_are_passed_over(void **state)
{
    (void)state;
    ncr_answer answer;
    ncr_answer_init(&answer);
    give(&answer, "HTTP/1.1 103 Early\r\nETag: \"wrong\"\r\nContent-Length: 1\r\n\r\n");
    assert_false(answer.is_complete);
    give(&answer, "HTTP/2 200\r\nETag: \"right\"\r\n\r\nETag: \"trailer\"\r\n");
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.content_length, UINT64_MAX);
    assert_string_equal(ncr_answer_identity(&answer).etag, "\"right\"");
    ncr_answer_clear(&answer);
}

static void a_head_without_end_is_refused(void **state)
{
    (void)state;
    ncr_answer answer;
    ncr_answer_init(&answer);
    char line[1024];
    memset(line, 'x', sizeof line);
    line[1] = ':';
    int taken = 0;
    while (taken < 1000 && ncr_answer_line(&answer, line, sizeof line))
        taken++;
    assert_in_range(taken, 200, 256);
    ncr_answer_clear(&answer);
}

static ncr_identity identity_of(const char *lines)
{
    ncr_answer answer;
    ncr_answer_init(&answer);
    give(&answer, "HTTP/1.1 206 x\r\nContent-Range: bytes 0-9/100\r\n");
    give(&answer, lines);
    give(&answer, "\r\n");
    ncr_identity identity = ncr_answer_identity(&answer);
    ncr_answer_clear(&answer);
    return identity;
}

static void only_strong_validators_join_answers(void **state)
{
    (void)state;
    ncr_identity weak = identity_of("ETag: W/\"a\"\r\n"), bare = identity_of("");
    ncr_identity a = identity_of("ETag: \"a\"\r\n"), b = identity_of("ETag: \"b\"\r\n");
    ncr_identity generation = identity_of("x-goog-generation: 7\r\n");
    ncr_identity version = identity_of("x-amz-version-id: v\r\n"), null = identity_of("x-amz-version-id: null\r\n");
    assert_false(ncr_identity_is_strong(&weak));
    assert_false(ncr_identity_is_strong(&bare));
    assert_false(ncr_identity_is_strong(&null));
    assert_true(ncr_identity_is_strong(&a));
    assert_true(ncr_identity_is_strong(&generation));
    assert_true(ncr_identity_is_strong(&version));
    assert_true(ncr_identity_same(&a, &a));
    assert_false(ncr_identity_same(&a, &b));
    assert_false(ncr_identity_same(&a, &bare)); /* a validator that vanished */
    ncr_identity grown = a;
    grown.total = 101;
    assert_false(ncr_identity_same(&a, &grown));
}

static void a_validator_that_was_cut_is_none(void **state)
{
    (void)state;
    char line[400] = "ETag: \"";
    memset(line + 7, 'a', 300);
    memcpy(line + 307, "\"\r\n", 4);
    ncr_identity identity = identity_of(line);
    assert_false(ncr_identity_is_strong(&identity));
}

static bool is_range(const char *content_range, const char *length, uint64_t first, uint64_t last)
{
    ncr_answer answer;
    ncr_answer_init(&answer);
    give(&answer, "HTTP/1.1 206 x\r\n");
    ncr_answer_line(&answer, content_range, strlen(content_range));
    if (length)
        ncr_answer_line(&answer, length, strlen(length));
    give(&answer, "\r\n");
    bool is = ncr_answer_is_range(&answer, first, last);
    ncr_answer_clear(&answer);
    return is;
}

static void another_range_is_told(void **state)
{
    (void)state;
    const char *ten = "Content-Length: 10";
    assert_true(is_range("Content-Range: bytes 10-19/100", ten, 10, 19));
    assert_true(is_range("Content-Range: bytes 10-19/100", NULL, 10, 19));
    assert_true(is_range("Content-Range: bytes 10-19/*", ten, 10, 19));
    assert_true(is_range("Content-Range: bytes 90-99/100", ten, 90, 199)); /* the object's end */
    assert_true(is_range("Content-Range: bytes 90-99/100", ten, 90, UINT64_MAX));
    assert_false(is_range("Content-Range: bytes 11-20/100", ten, 10, 19));
    assert_false(is_range("Content-Range: bytes 0-9/100", ten, 10, 19));
    assert_false(is_range("Content-Range: bytes 10-20/100", "Content-Length: 11", 10, 19)); /* longer */
    assert_false(is_range("Content-Range: bytes 10-18/100", "Content-Length: 9", 10, 19));  /* shorter */
    assert_false(is_range("Content-Range: bytes 10-18/*", "Content-Length: 9", 10, 19));
    assert_false(is_range("Content-Range: bytes 10-19/100", "Content-Length: 11", 10, 19));
    assert_false(is_range("Content-Type: multipart/byteranges", NULL, 10, 19));
    assert_false(is_range("Content-Range: bytes */100", NULL, 10, 19));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_range_is_read_exactly),
        cmocka_unit_test(nonsense_is_no_content_range),
        cmocka_unit_test(headers_are_kept_in_lower_case),
        cmocka_unit_test(control_characters_do_not_break_lines),
        cmocka_unit_test(interim_answers_and_trailers_are_passed_over),
        cmocka_unit_test(a_head_without_end_is_refused),
        cmocka_unit_test(only_strong_validators_join_answers),
        cmocka_unit_test(a_validator_that_was_cut_is_none),
        cmocka_unit_test(another_range_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
