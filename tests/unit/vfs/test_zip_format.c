/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "support/zip_maker.h"
#include "vfs/zip_format.h"

/* The ZIP format, sound and hostile. */

static nacre_error err;

/* Reads the directory of what was made. */
static nacre_status read_directory(const zip_maker *maker, int64_t limit, ncr_zip_directory **out)
{
    const ncr_buffer *a = &maker->archive;
    size_t tail = a->size < NCR_ZIP_TAIL ? a->size : NCR_ZIP_TAIL;
    ncr_zip_end end;
    *out = NULL;
    nacre_status status = ncr_zip_find_end("a.zip", a->data + a->size - tail, tail, a->size, &end, &err);
    if (status != NACRE_OK)
        return status;
    assert_true(end.offset + end.size <= a->size);
    return ncr_zip_parse_directory("a.zip", a->data + end.offset, &end, limit, out, &err);
}

static ncr_zip_directory *directory_of(const zip_maker *maker)
{
    ncr_zip_directory *directory;
    if (read_directory(maker, -1, &directory) != NACRE_OK)
        fail_msg("%s", err.message);
    return directory;
}

/* Reads a member, all checks included. */
static nacre_status read_member(const zip_maker *maker, ncr_zip_directory *directory, const char *name, uint8_t *out,
                                size_t size)
{
    ncr_zip_entry *entry = ncr_zip_find(directory, name);
    assert_non_null(entry);
    nacre_status status = ncr_zip_check_entry(name, entry, &err);
    if (status == NACRE_OK)
        status = ncr_zip_check_header(name, entry, maker->archive.data + entry->header,
                                      maker->archive.size - entry->header, &err);
    if (status != NACRE_OK)
        return status;
    assert_true(entry->data + entry->packed <= maker->archive.size);
    assert_true(entry->size <= size);
    return ncr_zip_unpack(name, entry, maker->archive.data + entry->data, out, &err);
}

static const char text[] = "the same, the same, the same, the same, and something else";

static void check_sound(const char *before, const char *comment)
{
    uint8_t out[256];
    zip_maker maker;
    zip_begin(&maker, before);
    zip_add(&maker, (zip_member){.name = "s", .data = text, .size = sizeof text});
    zip_add(&maker, (zip_member){.name = "d/", .data = "", .size = 0});
    zip_add(&maker, (zip_member){.name = "d/p", .data = text, .size = sizeof text, .method = 8});
    zip_add(&maker, (zip_member){.name = "empty", .data = "", .size = 0, .method = 8});
    zip_end(&maker, comment);
    ncr_zip_directory *directory = directory_of(&maker);
    assert_int_equal(directory->count, 4);
    assert_int_equal(read_member(&maker, directory, "s", out, sizeof out), NACRE_OK);
    assert_memory_equal(out, text, sizeof text);
    memset(out, 0, sizeof out);
    assert_int_equal(read_member(&maker, directory, "d/p", out, sizeof out), NACRE_OK);
    assert_memory_equal(out, text, sizeof text);
    assert_int_equal(read_member(&maker, directory, "empty", out, sizeof out), NACRE_OK);
    assert_null(ncr_zip_find(directory, "d/"));
    assert_null(ncr_zip_find(directory, ""));
    assert_null(ncr_zip_find(directory, "x"));
    assert_int_equal(directory->entries[0].modified_ms, 1704067200000);
    ncr_value_unref(&directory->value);
    zip_clear(&maker);
}

static void sound_archives_are_read(void **state)
{
    (void)state;
    char *comment = malloc(65536);
    assert_non_null(comment);
    memset(comment, 'c', 65535);
    comment[65535] = '\0';
    check_sound("", "");
    check_sound("", "a comment");
    check_sound("", comment);
    check_sound("#!/bin/sh\nexit 1\n", "");
    free(comment);
}

static void a_comment_may_look_like_an_end_record(void **state)
{
    (void)state;
    check_sound("", "PK\5\6 and no more than that is here, but long enough for one");
}

static void names_are_told_in_utf8(void **state)
{
    (void)state;
    /* Up: number 0x7075, 9 bytes, version 1, CRC of the name as it stands, the name. */
    char unicode[13] = "up\x0b\0\1....\xc3\xbc.t";
    uint32_t crc = (uint32_t)crc32(0, (const Bytef *)"raw", 3);
    zip_maker maker;
    zip_begin(&maker, "");
    unicode[2] = 9;
    for (int i = 0; i < 4; i++)
        unicode[5 + i] = (char)(crc >> 8 * i);
    zip_add(&maker, (zip_member){.name = "\x82.t", .data = "1", .size = 1});
    zip_add(&maker, (zip_member){.name = "\xc3\xa9", .data = "2", .size = 1, .flags = 1 << 11});
    zip_add(&maker, (zip_member){.name = "raw", .data = "3", .size = 1, .extra = unicode, .extra_length = 13});
    zip_add(&maker, (zip_member){.name = "not", .data = "3", .size = 1, .extra = unicode, .extra_length = 13});
    zip_add(&maker, (zip_member){.name = ".\\w\\x//./y", .data = "4", .size = 1});
    zip_end(&maker, "");
    ncr_zip_directory *directory = directory_of(&maker);
    assert_non_null(ncr_zip_find(directory, "\xc3\xa9.t"));
    assert_non_null(ncr_zip_find(directory, "\xc3\xa9"));
    assert_non_null(ncr_zip_find(directory, "\xc3\xbc.t"));
    assert_non_null(ncr_zip_find(directory, "not")); /* the Unicode name is of another one */
    assert_non_null(ncr_zip_find(directory, "w/x/y"));
    ncr_value_unref(&directory->value);
    zip_clear(&maker);
}

static void names_that_nobody_can_name_are_left_out(void **state)
{
    (void)state;
    zip_maker maker;
    zip_begin(&maker, "");
    zip_add(&maker, (zip_member){.name = "/etc/x", .data = "1", .size = 1});
    zip_add(&maker, (zip_member){.name = "\\x", .data = "1", .size = 1});
    zip_add(&maker, (zip_member){.name = "d/../../x", .data = "1", .size = 1});
    zip_add(&maker, (zip_member){.name = "..", .data = "1", .size = 1});
    zip_add(&maker, (zip_member){.name = "x\0y", .name_length = 3, .data = "1", .size = 1});
    zip_add(&maker, (zip_member){.name = "", .data = "1", .size = 1});
    zip_add(&maker, (zip_member){.name = "./", .data = "1", .size = 1});
    zip_add(&maker, (zip_member){.name = "kept", .data = "1", .size = 1});
    zip_end(&maker, "");
    ncr_zip_directory *directory = directory_of(&maker);
    assert_int_equal(directory->count, 1);
    assert_ptr_equal(ncr_zip_find(directory, ""), ncr_zip_find(directory, "kept"));
    ncr_value_unref(&directory->value);
    zip_clear(&maker);
}

static void the_first_of_one_name_is_read(void **state)
{
    (void)state;
    uint8_t out[4];
    zip_maker maker;
    zip_begin(&maker, "");
    zip_add(&maker, (zip_member){.name = "x", .data = "1", .size = 1});
    zip_add(&maker, (zip_member){.name = "x", .data = "2", .size = 1});
    zip_add(&maker, (zip_member){.name = "a", .data = "3", .size = 1});
    zip_end(&maker, "");
    ncr_zip_directory *directory = directory_of(&maker);
    assert_int_equal(directory->count, 2);
    assert_int_equal(read_member(&maker, directory, "x", out, sizeof out), NACRE_OK);
    assert_int_equal(out[0], '1');
    ncr_value_unref(&directory->value);
    zip_clear(&maker);
}

/* A member with something wrong, between two sound ones: what reading it says. */
static void assert_refused(zip_member member, nacre_status status, const char *message)
{
    uint8_t *out = malloc(1 << 20);
    zip_maker maker;
    assert_non_null(out);
    zip_begin(&maker, "");
    zip_add(&maker, (zip_member){.name = "a", .data = text, .size = sizeof text});
    zip_add(&maker, member);
    zip_add(&maker, (zip_member){.name = "z", .data = text, .size = sizeof text});
    zip_end(&maker, "");
    ncr_zip_directory *directory = directory_of(&maker);
    assert_int_equal(read_member(&maker, directory, member.name, out, 1 << 20), status);
    if (!strstr(err.message, message) || strncmp(err.message, member.name, strlen(member.name)) != 0)
        fail_msg("'%s' does not say '%s'", err.message, message);
    ncr_value_unref(&directory->value);
    zip_clear(&maker);
    free(out);
}

static void what_is_not_read_is_refused_by_name(void **state)
{
    (void)state;
    const struct {
        uint16_t method;
        const char *name;
    } methods[] = {{9, "Deflate64"}, {12, "bzip2"}, {14, "LZMA"}, {93, "zstd"}, {99, "AES"}, {77, "method 77"}};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        assert_refused((zip_member){.name = "m", .data = text, .size = 9, .method = methods[i].method},
                       NACRE_ERROR_UNSUPPORTED, methods[i].name);
    assert_refused((zip_member){.name = "m", .data = text, .size = 9, .flags = 1}, NACRE_ERROR_UNSUPPORTED,
                   "encrypted");
    assert_refused((zip_member){.name = "m", .data = text, .size = 9, .flags = 1 << 6}, NACRE_ERROR_UNSUPPORTED,
                   "encrypted");
}

static void headers_that_differ_are_refused(void **state)
{
    (void)state;
    assert_refused((zip_member){.name = "m", .data = text, .size = 9, .local_name = "n"}, NACRE_ERROR_CORRUPT,
                   "another name");
    assert_refused((zip_member){.name = "m", .data = text, .size = 9, .local_size = 8}, NACRE_ERROR_CORRUPT,
                   "other sizes");
    assert_refused((zip_member){.name = "m", .data = text, .size = 9, .header_plus1 = 1}, NACRE_ERROR_CORRUPT,
                   "shares bytes");
    assert_refused((zip_member){.name = "m", .data = text, .size = 9, .header_plus1 = 36}, NACRE_ERROR_CORRUPT,
                   "shares bytes");
    assert_refused((zip_member){.name = "m", .data = text, .size = 9, .header_plus1 = 0x7fffffff}, NACRE_ERROR_CORRUPT,
                   "beyond");
}

static void sizes_that_lie_are_refused(void **state)
{
    (void)state;
    enum { MANY = 500000 };
    char *zeros = calloc(1, MANY);
    assert_non_null(zeros);
    const zip_member bomb = {.name = "m", .data = zeros, .size = MANY, .method = 8};
    zip_member liar = bomb;
    liar.central_size = 100;
    assert_refused(liar, NACRE_ERROR_CORRUPT, "more bytes than it says");
    liar.central_size = MANY + 1;
    assert_refused(liar, NACRE_ERROR_CORRUPT, "fewer bytes than it says");
    liar.central_size = 0x7fffffff;
    assert_refused(liar, NACRE_ERROR_CORRUPT, "larger than its packed bytes can make");
    assert_refused((zip_member){.name = "m", .data = text, .size = 9, .central_size = 8}, NACRE_ERROR_CORRUPT,
                   "two sizes differ");
    assert_refused((zip_member){.name = "m", .data = text, .size = 9, .packed = 5000, .central_size = 5000},
                   NACRE_ERROR_CORRUPT, "beyond");
    assert_refused((zip_member){.name = "m", .data = text, .size = 9, .packed = 60, .central_size = 60},
                   NACRE_ERROR_CORRUPT, "shares bytes");
    assert_refused((zip_member){.name = "m", .data = text, .size = 9, .crc = 1}, NACRE_ERROR_CORRUPT, "checksum");
    assert_refused((zip_member){.name = "m", .data = text, .size = 50, .method = 8, .packed = 3}, NACRE_ERROR_CORRUPT,
                   "cannot be read");
    free(zeros);
}

static void a_directory_over_its_limit_is_too_large(void **state)
{
    (void)state;
    zip_maker maker;
    ncr_zip_directory *directory;
    zip_begin(&maker, "");
    for (int i = 0; i < 100; i++)
        zip_add(&maker, (zip_member){.name = "x", .data = "1", .size = 1});
    zip_end(&maker, "");
    assert_int_equal(read_directory(&maker, 1000, &directory), NACRE_ERROR_TOO_LARGE);
    assert_null(directory);
    zip_clear(&maker);
}

/* However it is cut, and whatever one byte of it says: an error or an archive, and nothing is read beyond it. */
static void damaged_archives_are_errors(void **state)
{
    (void)state;
    uint8_t out[256];
    zip_maker maker;
    ncr_zip_directory *directory;
    zip_begin(&maker, "");
    zip_add(&maker, (zip_member){.name = "a", .data = text, .size = sizeof text});
    zip_add(&maker, (zip_member){.name = "b", .data = text, .size = sizeof text, .method = 8});
    zip_end(&maker, "");
    size_t size = maker.archive.size;
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *exact = malloc(cut + 1);
        assert_non_null(exact);
        memcpy(exact, maker.archive.data, cut);
        zip_maker part = {.archive = {.data = exact, .size = cut}};
        assert_int_equal(read_directory(&part, -1, &directory), NACRE_ERROR_CORRUPT);
        free(exact);
    }
    for (size_t at = 0; at < size; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            maker.archive.data[at] ^= (uint8_t)(1u << bit);
            if (read_directory(&maker, -1, &directory) == NACRE_OK) {
                for (size_t i = 0; i < directory->count; i++)
                    if (directory->entries[i].size <= sizeof out && ncr_zip_find(directory, directory->entries[i].name))
                        read_member(&maker, directory, directory->entries[i].name, out, sizeof out);
                ncr_value_unref(&directory->value);
            }
            maker.archive.data[at] ^= (uint8_t)(1u << bit);
        }
    }
    zip_clear(&maker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_archives_are_read),
        cmocka_unit_test(a_comment_may_look_like_an_end_record),
        cmocka_unit_test(names_are_told_in_utf8),
        cmocka_unit_test(names_that_nobody_can_name_are_left_out),
        cmocka_unit_test(the_first_of_one_name_is_read),
        cmocka_unit_test(what_is_not_read_is_refused_by_name),
        cmocka_unit_test(headers_that_differ_are_refused),
        cmocka_unit_test(sizes_that_lie_are_refused),
        cmocka_unit_test(a_directory_over_its_limit_is_too_large),
        cmocka_unit_test(damaged_archives_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
