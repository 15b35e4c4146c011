/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/crc32c.h"

#include <string.h>

#include "cmocka_all.h"

/* Values of RFC 3720, appendix B.4. */
static const struct {
    uint8_t first, step;
    uint32_t crc;
} published[] = {{0, 0, 0x8a9136aa}, {0xff, 0, 0x62a8ab43}, {0, 1, 0x46dd794e}, {31, 0xff, 0x113fdb5c}};

static void check_published(ncr_crc32c_function *function)
{
    uint8_t bytes[32];
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (uint8_t)(published[i].first + k * published[i].step);
        assert_int_equal(function(0, bytes, sizeof bytes), published[i].crc);
    }
    assert_int_equal(function(0, "123456789", 9), 0xe3069283);
    assert_int_equal(function(7, NULL, 0), 7);
}

static void every_way_gives_the_published_values(void **state)
{
    (void)state;
    check_published(ncr_crc32c);
    check_published(ncr_crc32c_by_tables);
    if (ncr_crc32c_machine())
        check_published(ncr_crc32c_machine());
}

static void the_instruction_gives_what_the_tables_give(void **state)
{
    (void)state;
    enum { SIZE = 300 };
    uint8_t bytes[SIZE + 8];
    ncr_crc32c_function *machine = ncr_crc32c_machine();
    uint32_t random = 1;
    if (!machine)
        skip();
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
    for (size_t begin = 0; begin < 8; begin++)
        for (size_t size = 0; size <= SIZE; size++)
            assert_int_equal(machine(random, bytes + begin, size), ncr_crc32c_by_tables(random, bytes + begin, size));
}

static void pieces_give_what_the_whole_gives(void **state)
{
    (void)state;
    const char text[] = "one two three four five six seven";
    for (size_t cut = 0; cut < sizeof text; cut++)
        assert_int_equal(ncr_crc32c(ncr_crc32c(0, text, cut), text + cut, sizeof text - cut),
                         ncr_crc32c(0, text, sizeof text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_gives_the_published_values),
        cmocka_unit_test(the_instruction_gives_what_the_tables_give),
        cmocka_unit_test(pieces_give_what_the_whole_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
