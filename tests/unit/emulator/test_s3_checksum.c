/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emulator/hash.h"
#include "emulator/s3_checksum.h"

static const char text[] = "123456789";

static void digests_are_the_known_ones(void **state)
{
    (void)state;
    static const struct {
        ncr_emu_checksum_kind kind;
        const char *base64;
    } known[] = {{NCR_EMU_CHECKSUM_CRC32, "y/Q5Jg=="},
                 {NCR_EMU_CHECKSUM_CRC32C, "4waSgw=="},
                 {NCR_EMU_CHECKSUM_CRC64NVME, "rosUhgp5mIg="},
                 {NCR_EMU_CHECKSUM_SHA1, "98O8HYCOBHMq32eZZczDTKeuNEE="},
                 {NCR_EMU_CHECKSUM_SHA256, "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        ncr_emu_checksum sum;
        uint8_t digest[NCR_EMU_CHECKSUM_SIZE], parsed[NCR_EMU_CHECKSUM_SIZE];
        char base64[NCR_EMU_CHECKSUM_BASE64_SIZE];
        assert_true(ncr_emu_checksum_init(&sum, known[i].kind));
        ncr_emu_checksum_add(&sum, text, 4);
        ncr_emu_checksum_add(&sum, text + 4, 5);
        ncr_emu_checksum_end(&sum, digest);
        ncr_emu_base64(digest, ncr_emu_checksum_length(known[i].kind), base64);
        assert_string_equal(base64, known[i].base64);
        assert_true(ncr_emu_checksum_parse(known[i].kind, base64, parsed));
        assert_memory_equal(parsed, digest, sizeof digest);
        assert_int_equal(ncr_emu_checksum_by_name(ncr_emu_checksum_name(known[i].kind)), known[i].kind);
    }
}

static void slices_give_what_single_bytes_give(void **state)
{
    (void)state;
    uint8_t data[300];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + 1);
    for (size_t size = 0; size <= sizeof data; size += 13) {
        uint64_t single = 0;
        for (size_t i = 0; i < size; i++)
            single = ncr_emu_crc64nvme(single, data + i, 1);
        assert_true(ncr_emu_crc64nvme(0, data, size) == single);
        for (size_t at = 0; at < 8 && at < size; at++) {
            uint32_t crc = ncr_emu_crc32c(7, data + at, size - at), single_crc = 7;
            for (size_t i = at; i < size; i++)
                single_crc = ncr_emu_crc32c(single_crc, data + i, 1);
            assert_int_equal(crc, single_crc);
            assert_int_equal(crc, ncr_emu_crc32c_by_tables(7, data + at, size - at));
        }
    }
}

static void what_is_no_digest_is_refused(void **state)
{
    (void)state;
    uint8_t digest[NCR_EMU_CHECKSUM_SIZE];
    static const char *const wrong[] = {"", "y/Q5Jg=", "y/Q5Jg", "AAAA", "rosUhgp5mIg=", "!!!!!!==", "===="};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(ncr_emu_checksum_parse(NCR_EMU_CHECKSUM_CRC32, wrong[i], digest));
    char longest[5000];
    memset(longest, 'A', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_false(ncr_emu_checksum_parse(NCR_EMU_CHECKSUM_SHA256, longest, digest));
    assert_int_equal(ncr_emu_checksum_by_name("MD5"), NCR_EMU_CHECKSUM_NONE);
    assert_int_equal(ncr_emu_checksum_by_name(NULL), NCR_EMU_CHECKSUM_NONE);
    assert_int_equal(ncr_emu_checksum_by_name("sha256"), NCR_EMU_CHECKSUM_SHA256);
}

static void a_short_file_has_no_digest(void **state)
{
    (void)state;
    char base64[NCR_EMU_CHECKSUM_BASE64_SIZE];
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, 9, file), 9);
    assert_int_equal(fflush(file), 0);
    assert_true(ncr_emu_checksum_of_file(fileno(file), 9, NCR_EMU_CHECKSUM_CRC32, base64));
    assert_string_equal(base64, "y/Q5Jg==");
    assert_false(ncr_emu_checksum_of_file(fileno(file), 10, NCR_EMU_CHECKSUM_SHA256, base64));
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_the_known_ones),
        cmocka_unit_test(slices_give_what_single_bytes_give),
        cmocka_unit_test(what_is_no_digest_is_refused),
        cmocka_unit_test(a_short_file_has_no_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
