/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "tiff/index.h"
#include "tiff/layout.h"
#include "tiff_bytes.h"

static tiff_bytes t;

/* Parses with `head` bytes at hand at first; *rounds (may be NULL) counts the times that more was needed. */
static nacre_status parse_with(size_t size, size_t head, size_t limit, ncr_tiff_index **out, int *rounds,
                               nacre_error *err)
{
    ncr_tiff_parser *parser = NULL;
    nacre_status status = ncr_tiff_parser_new("f.tif", size, limit, &parser, err);
    assert_int_equal(status, NACRE_OK);
    assert_int_equal(ncr_tiff_parser_add(parser, 0, t.data, head < size ? head : size, err), NACRE_OK);
    *out = NULL;
    int steps = 0;
    for (; status == NACRE_OK && !*out; steps++) {
        const ncr_tiff_need *needs;
        size_t count;
        status = ncr_tiff_parser_step(parser, &needs, &count, out, err);
        assert_true(status != NACRE_OK || !count != !*out);
        for (size_t i = 0; i < count && status == NACRE_OK; i++) {
            assert_true(needs[i].length && needs[i].offset <= size && needs[i].length <= size - needs[i].offset);
            assert_int_equal(
                ncr_tiff_parser_add(parser, needs[i].offset, t.data + needs[i].offset, needs[i].length, err), NACRE_OK);
        }
    }
    if (rounds)
        *rounds = steps - 1;
    ncr_tiff_parser_free(parser);
    return status;
}

static ncr_tiff_index *must_parse(size_t head, int *rounds)
{
    ncr_tiff_index *index;
    nacre_error err;
    if (parse_with(t.size, head, 1 << 20, &index, rounds, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    return index;
}

static void must_fail(nacre_status expected, const char *part)
{
    ncr_tiff_index *index;
    nacre_error err;
    assert_int_equal(parse_with(t.size, t.size, 1 << 20, &index, NULL, &err), expected);
    assert_null(index);
    if (!strstr(err.message, part) || strncmp(err.message, "f.tif: ", 7))
        fail_msg("the message is \"%s\"", err.message);
}

static void both_orders_and_forms_are_read(void **state)
{
    (void)state;
    for (int form = 0; form < 4; form++) {
        tiff_begin(&t, form & 1, form & 2);
        tiff_image(&t, 300, 50, 0);
        tiff_image(&t, 150, 25, NCR_SUBFILE_REDUCED);
        tiff_image(&t, 300, 50, NCR_SUBFILE_MASK);
        tiff_image(&t, 150, 25, NCR_SUBFILE_MASK | NCR_SUBFILE_REDUCED);
        tiff_image(&t, 10, 10, NCR_SUBFILE_PAGE);
        ncr_tiff_index *index = must_parse(SIZE_MAX, NULL);
        assert_int_equal(index->big_endian, form & 1);
        assert_int_equal(index->is_big, !!(form & 2));
        assert_false(index->is_cog);
        static const ncr_tiff_role roles[] = {NCR_TIFF_ROLE_IMAGE, NCR_TIFF_ROLE_OVERVIEW, NCR_TIFF_ROLE_MASK,
                                              NCR_TIFF_ROLE_OVERVIEW_MASK, NCR_TIFF_ROLE_OTHER};
        assert_int_equal(index->directory_count, 5);
        for (size_t i = 0; i < 5; i++)
            assert_int_equal(index->directories[i].role, roles[i]);
        uint64_t value;
        const ncr_tiff_tag *offsets = ncr_tiff_tag_find(&index->directories[0], NCR_TAG_STRIP_OFFSETS);
        assert_true(ncr_tiff_tag_uint(offsets, 12, &value));
        assert_int_equal(value, 8 + 12 * 1200);
        assert_false(ncr_tiff_tag_uint(offsets, 13, &value));
        assert_int_equal(ncr_tiff_uint(&index->directories[1], NCR_TAG_IMAGE_WIDTH, 0), 150);
        ncr_value_unref(&index->value);
    }
}

static void every_field_type_is_read(void **state)
{
    (void)state;
    for (int big_endian = 0; big_endian < 2; big_endian++) {
        float one = 1.5F;
        double two = -2.25;
        uint32_t one_bits;
        uint64_t two_bits;
        memcpy(&one_bits, &one, 4);
        memcpy(&two_bits, &two, 8);
        tiff_begin(&t, big_endian, false);
        tiff_directory(&t, 8);
        tiff_tag1(&t, NCR_TAG_IMAGE_WIDTH, NCR_TYPE_BYTE, 200);
        tiff_tag1(&t, NCR_TAG_IMAGE_LENGTH, NCR_TYPE_LONG8, UINT64_C(1) << 40);
        tiff_tag1(&t, NCR_TAG_BITS_PER_SAMPLE, NCR_TYPE_SSHORT, (uint16_t)-3);
        tiff_tag1(&t, NCR_TAG_COMPRESSION, NCR_TYPE_SLONG, (uint32_t)-70000);
        tiff_tag1(&t, NCR_TAG_MIN_SAMPLE_VALUE, NCR_TYPE_FLOAT, one_bits);
        tiff_tag1(&t, NCR_TAG_MAX_SAMPLE_VALUE, NCR_TYPE_DOUBLE, two_bits);
        tiff_tag(&t, NCR_TAG_X_RESOLUTION, NCR_TYPE_LONG, (uint64_t[]){7, 2}, 2);
        tiff_tag(&t, NCR_TAG_SOFTWARE, NCR_TYPE_ASCII, (uint64_t[]){'n', 'a', 'c', 'r', 'e'}, 5);
        /* A rational is two LONGs. */
        tiff_put(&t, tiff_entry_at(&t, 6) + 2, NCR_TYPE_RATIONAL, 2);
        tiff_put(&t, tiff_entry_at(&t, 6) + 4, 1, 4);
        ncr_tiff_index *index = must_parse(SIZE_MAX, NULL);
        const ncr_tiff_directory *d = &index->directories[0];
        double value;
        assert_int_equal(ncr_tiff_uint(d, NCR_TAG_IMAGE_WIDTH, 0), 200);
        assert_true(ncr_tiff_uint(d, NCR_TAG_IMAGE_LENGTH, 0) == UINT64_C(1) << 40);
        assert_true(ncr_tiff_tag_double(ncr_tiff_tag_find(d, NCR_TAG_BITS_PER_SAMPLE), 0, &value) && value == -3);
        assert_true(ncr_tiff_tag_double(ncr_tiff_tag_find(d, NCR_TAG_COMPRESSION), 0, &value) && value == -70000);
        assert_true(ncr_tiff_tag_double(ncr_tiff_tag_find(d, NCR_TAG_MIN_SAMPLE_VALUE), 0, &value) && value == 1.5);
        assert_true(ncr_tiff_tag_double(ncr_tiff_tag_find(d, NCR_TAG_MAX_SAMPLE_VALUE), 0, &value) && value == -2.25);
        assert_true(ncr_tiff_tag_double(ncr_tiff_tag_find(d, NCR_TAG_X_RESOLUTION), 0, &value) && value == 3.5);
        assert_string_equal(ncr_tiff_text(d, NCR_TAG_SOFTWARE), "nacre"); /* though its NUL is missing */
        ncr_value_unref(&index->value);
    }
}

static void a_header_at_hand_needs_no_round(void **state)
{
    (void)state;
    int rounds;
    tiff_begin(&t, false, false);
    tiff_image(&t, 30, 20, 0);
    tiff_image(&t, 15, 10, NCR_SUBFILE_REDUCED);
    ncr_value_unref(&must_parse(SIZE_MAX, &rounds)->value);
    assert_int_equal(rounds, 0);
}

static void directories_at_the_end_take_a_round_each(void **state)
{
    (void)state;
    int rounds;
    tiff_begin(&t, false, false);
    t.size = 60000; /* pixels */
    tiff_image(&t, 30, 20, 0);
    ncr_value_unref(&must_parse(32768, &rounds)->value);
    assert_int_equal(rounds, 1);
    t.size = 100000;
    tiff_image(&t, 15, 10, NCR_SUBFILE_REDUCED);
    ncr_value_unref(&must_parse(32768, &rounds)->value);
    assert_int_equal(rounds, 2);
}

/* Values of many tags, and the next directory, are asked for together. */
static void values_out_of_reach_take_one_round(void **state)
{
    (void)state;
    int rounds;
    tiff_begin(&t, false, false);
    tiff_directory(&t, 3);
    size_t end = t.size;
    t.size = 50000;
    tiff_tag(&t, NCR_TAG_IMAGE_DESCRIPTION, NCR_TYPE_ASCII, (uint64_t[]){'a', 'b', 'c', 'd', 'e', 0}, 6);
    t.size = 70000;
    tiff_tag(&t, NCR_TAG_SOFTWARE, NCR_TYPE_ASCII, (uint64_t[]){'f', 'g', 'h', 'i', 'j', 0}, 6);
    tiff_tag1(&t, NCR_TAG_IMAGE_WIDTH, NCR_TYPE_SHORT, 7);
    t.size = 90000;
    tiff_image(&t, 15, 10, NCR_SUBFILE_REDUCED);
    assert_true(end < 1000);
    ncr_tiff_index *index = must_parse(1000, &rounds);
    assert_int_equal(rounds, 1);
    assert_string_equal(ncr_tiff_text(&index->directories[0], NCR_TAG_SOFTWARE), "fghij");
    ncr_value_unref(&index->value);
}

/* Arrays of blocks are left for later, and what was left looks absent, never sparse. */
static void arrays_out_of_reach_are_not_read(void **state)
{
    (void)state;
    int rounds;
    uint64_t offsets[20000] = {0}, value = 77;
    tiff_begin(&t, false, false);
    tiff_directory(&t, 1);
    size_t reach = t.size;
    tiff_tag(&t, NCR_TAG_TILE_OFFSETS, NCR_TYPE_LONG, offsets, 20000);
    ncr_tiff_index *index = must_parse(reach, &rounds);
    assert_int_equal(rounds, 0);
    const ncr_tiff_tag *tag = ncr_tiff_tag_find(&index->directories[0], NCR_TAG_TILE_OFFSETS);
    assert_null(tag->value);
    assert_int_equal(tag->count, 20000);
    assert_false(ncr_tiff_tag_uint(tag, 0, &value));
    assert_int_equal(value, 77);
    ncr_value_unref(&index->value);
}

static void tags_that_nobody_asks_for_stay_in_the_file(void **state)
{
    (void)state;
    tiff_begin(&t, false, false);
    tiff_directory(&t, 2);
    tiff_tag1(&t, NCR_TAG_IMAGE_WIDTH, NCR_TYPE_SHORT, 7);
    tiff_raw_tag(&t, 34377, NCR_TYPE_BYTE, UINT32_MAX, 4000000000U, 4); /* beyond the end: not our business */
    ncr_tiff_index *index = must_parse(SIZE_MAX, NULL);
    assert_null(ncr_tiff_tag_find(&index->directories[0], 34377)->value);
    ncr_value_unref(&index->value);
}

static void a_chain_that_loops_is_corrupt(void **state)
{
    (void)state;
    tiff_begin(&t, false, false);
    tiff_image(&t, 30, 20, 0);
    size_t first = t.count_at;
    tiff_image(&t, 15, 10, 1);
    tiff_put(&t, t.link_at, first, 4);
    must_fail(NACRE_ERROR_CORRUPT, "is directory 1 again");
}

static void a_long_chain_is_too_large(void **state)
{
    (void)state;
    tiff_begin(&t, false, false);
    for (int i = 0; i < NCR_TIFF_MAX_DIRECTORIES + 1; i++) {
        tiff_directory(&t, 1);
        tiff_tag1(&t, NCR_TAG_IMAGE_WIDTH, NCR_TYPE_SHORT, 7);
    }
    must_fail(NACRE_ERROR_TOO_LARGE, "more than 4096 directories");
}

static void huge_counts_are_refused_before_allocation(void **state)
{
    (void)state;
    for (int is_big = 0; is_big < 2; is_big++) {
        tiff_begin(&t, false, is_big);
        tiff_directory(&t, 1);
        tiff_raw_tag(&t, NCR_TAG_STRIP_OFFSETS, NCR_TYPE_LONG, is_big ? UINT64_MAX / 4 + 2 : UINT32_MAX, 8,
                     tiff_word(&t));
        must_fail(NACRE_ERROR_CORRUPT, "beyond the end of the file");
    }
    tiff_begin(&t, false, true);
    tiff_directory(&t, 1);
    tiff_put(&t, t.count_at, UINT64_C(1) << 61, 8);
    must_fail(NACRE_ERROR_CORRUPT, "tags");
}

static void memory_is_limited(void **state)
{
    (void)state;
    ncr_tiff_index *index;
    nacre_error err;
    uint64_t text[5000];
    for (size_t i = 0; i < 5000; i++)
        text[i] = 'x';
    tiff_begin(&t, false, false);
    tiff_directory(&t, 1);
    tiff_tag(&t, NCR_TAG_IMAGE_DESCRIPTION, NCR_TYPE_ASCII, text, 5000);
    assert_int_equal(parse_with(t.size, t.size, 4000, &index, NULL, &err), NACRE_ERROR_TOO_LARGE);
    assert_non_null(strstr(err.message, "limit.directories"));
    assert_int_equal(parse_with(t.size, 100, 4000, &index, NULL, &err), NACRE_ERROR_TOO_LARGE);
}

static void what_is_no_tiff_is_unsupported(void **state)
{
    (void)state;
    tiff_begin(&t, false, false);
    memcpy(t.data, "\x89PNG", 4);
    must_fail(NACRE_ERROR_UNSUPPORTED, "not a TIFF");
    assert_false(ncr_tiff_probe(t.data, 8));
    assert_false(ncr_tiff_probe((const uint8_t *)"II*\0", 4));
}

static void bytes_that_do_not_come_are_an_error(void **state)
{
    (void)state;
    ncr_tiff_parser *parser;
    ncr_tiff_index *index;
    const ncr_tiff_need *needs;
    size_t count;
    nacre_error err;
    tiff_begin(&t, false, false);
    t.size = 5000;
    tiff_image(&t, 30, 20, 0);
    assert_int_equal(ncr_tiff_parser_new("f.tif", t.size, 1 << 20, &parser, &err), NACRE_OK);
    assert_int_equal(ncr_tiff_parser_add(parser, 0, t.data, 100, &err), NACRE_OK);
    assert_int_equal(ncr_tiff_parser_step(parser, &needs, &count, &index, &err), NACRE_OK);
    assert_int_equal(count, 1);
    assert_int_equal(ncr_tiff_parser_step(parser, &needs, &count, &index, &err), NACRE_ERROR_CORRUPT);
    ncr_tiff_parser_free(parser);
}

/* Cut anywhere, a file is read whole or refused; and no block of it is ever taken for sparse. */
static void truncation_never_makes_a_block_sparse(void **state)
{
    (void)state;
    for (int form = 0; form < 4; form++) {
        tiff_begin(&t, form & 1, form & 2);
        tiff_image(&t, 30, 20, 0);
        tiff_image(&t, 15, 10, NCR_SUBFILE_REDUCED);
        size_t whole = t.size;
        for (size_t size = 0; size <= whole; size++)
            for (size_t head = 16; head <= 512; head *= 2) {
                ncr_tiff_index *index;
                nacre_error err;
                nacre_status status = parse_with(size, head, 1 << 20, &index, NULL, &err);
                assert_int_equal(status == NACRE_OK, size == whole);
                if (status != NACRE_OK)
                    continue;
                for (size_t i = 0; i < 2; i++) {
                    const ncr_tiff_tag *offsets = ncr_tiff_tag_find(&index->directories[i], NCR_TAG_STRIP_OFFSETS);
                    uint64_t value;
                    for (uint64_t j = 0; ncr_tiff_tag_uint(offsets, j, &value); j++)
                        assert_true(value >= 8);
                }
                ncr_value_unref(&index->value);
            }
    }
}

static void the_cog_marker_is_found(void **state)
{
    (void)state;
    static const char good[] = "GDAL_STRUCTURAL_METADATA_SIZE=000024 bytes\nLAYOUT=IFDS_BEFORE_DATA\n";
    static const char edited[] =
        "GDAL_STRUCTURAL_METADATA_SIZE=000056 bytes\nLAYOUT=IFDS_BEFORE_DATA\nKNOWN_INCOMPATIBLE_EDITION=YES\n ";
    static const char *const texts[] = {good, edited, "GDAL_STRUCTURAL_METADATA_SIZE=0000x4 bytes\nLAYOUT=COG\n"};
    for (int i = 0; i < 6; i++) {
        tiff_begin(&t, false, i & 1);
        memcpy(t.data + t.size, texts[i / 2], strlen(texts[i / 2]));
        t.size += strlen(texts[i / 2]);
        tiff_image(&t, 30, 20, 0);
        ncr_tiff_index *index = must_parse(SIZE_MAX, NULL);
        assert_int_equal(index->is_cog, i / 2 == 0);
        ncr_value_unref(&index->value);
    }
}

/* --- Layouts --- */

static nacre_status layout_with(unsigned id, unsigned type, uint64_t value, ncr_tiff_layout *out, nacre_error *err)
{
    tiff_begin(&t, false, false);
    tiff_directory(&t, 6);
    tiff_tag1(&t, id, type, value); /* the first of two counts */
    tiff_tag1(&t, NCR_TAG_IMAGE_WIDTH, NCR_TYPE_LONG, 100);
    tiff_tag1(&t, NCR_TAG_IMAGE_LENGTH, NCR_TYPE_LONG, 90);
    tiff_tag1(&t, NCR_TAG_BITS_PER_SAMPLE, NCR_TYPE_SHORT, 16);
    tiff_tag1(&t, NCR_TAG_COMPRESSION, NCR_TYPE_SHORT, 8);
    tiff_tag1(&t, NCR_TAG_ROWS_PER_STRIP, NCR_TYPE_LONG, 40);
    ncr_tiff_index *index = must_parse(SIZE_MAX, NULL);
    nacre_status status = ncr_tiff_layout_read("f.tif", &index->directories[0], out, err);
    ncr_value_unref(&index->value);
    return status;
}

static void the_layout_of_strips_is_read(void **state)
{
    (void)state;
    ncr_tiff_layout layout;
    assert_int_equal(layout_with(NCR_TAG_SAMPLES_PER_PIXEL, NCR_TYPE_SHORT, 3, &layout, NULL), NACRE_OK);
    assert_int_equal(layout.blocks_down, 3);
    assert_int_equal(layout.block_size, 100 * 40 * 3 * 2);
    assert_int_equal(layout.dtype, NACRE_DTYPE_UINT16);
    assert_int_equal(ncr_tiff_layout_block_rows(&layout, 1), 40);
    assert_int_equal(ncr_tiff_layout_block_rows(&layout, 2), 10);
}

static void impossible_layouts_are_refused(void **state)
{
    (void)state;
    static const struct row {
        unsigned id, type;
        uint64_t value;
        nacre_status status;
        const char *part;
    } rows[] = {
        {NCR_TAG_IMAGE_WIDTH, NCR_TYPE_LONG, 0, NACRE_ERROR_CORRUPT, "0 by 90"},
        {NCR_TAG_IMAGE_WIDTH, NCR_TYPE_LONG, UINT32_MAX, NACRE_ERROR_CORRUPT, "4294967295 by 90"},
        {NCR_TAG_SAMPLES_PER_PIXEL, NCR_TYPE_LONG, 70000, NACRE_ERROR_CORRUPT, "70000 samples"},
        {NCR_TAG_PLANAR_CONFIG, NCR_TYPE_SHORT, 3, NACRE_ERROR_CORRUPT, "PlanarConfiguration"},
        {NCR_TAG_ROWS_PER_STRIP, NCR_TYPE_LONG, 0, NACRE_ERROR_CORRUPT, "100 by 0"},
        {NCR_TAG_TILE_WIDTH, NCR_TYPE_LONG, 16, NACRE_ERROR_CORRUPT, "16 by 0"},
        {NCR_TAG_SAMPLE_FORMAT, NCR_TYPE_SHORT, 6, NACRE_ERROR_UNSUPPORTED, "16 bits with SampleFormat 6"},
        {NCR_TAG_BITS_PER_SAMPLE, NCR_TYPE_SHORT, 65, NACRE_ERROR_UNSUPPORTED, "65 bits"},
        {NCR_TAG_BITS_PER_SAMPLE, NCR_TYPE_LONG, UINT32_MAX, NACRE_ERROR_UNSUPPORTED, "4294967295 bits"},
        {NCR_TAG_PREDICTOR, NCR_TYPE_SHORT, 4, NACRE_ERROR_UNSUPPORTED, "predictor 4"},
        {NCR_TAG_COMPRESSION, NCR_TYPE_SHORT, 34712, NACRE_ERROR_UNSUPPORTED, "compression 34712 (jp2000) is not"},
        {NCR_TAG_COMPRESSION, NCR_TYPE_SHORT, 65000, NACRE_ERROR_UNSUPPORTED, "compression 65000 (unknown) is not"},
        {NCR_TAG_PHOTOMETRIC, NCR_TYPE_SHORT, 6, NACRE_ERROR_UNSUPPORTED, "YCbCr"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ncr_tiff_layout layout;
        nacre_error err;
        assert_int_equal(layout_with(rows[i].id, rows[i].type, rows[i].value, &layout, &err), rows[i].status);
        if (!strstr(err.message, rows[i].part))
            fail_msg("the message is \"%s\"", err.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_orders_and_forms_are_read),
        cmocka_unit_test(every_field_type_is_read),
        cmocka_unit_test(a_header_at_hand_needs_no_round),
        cmocka_unit_test(directories_at_the_end_take_a_round_each),
        cmocka_unit_test(values_out_of_reach_take_one_round),
        cmocka_unit_test(arrays_out_of_reach_are_not_read),
        cmocka_unit_test(tags_that_nobody_asks_for_stay_in_the_file),
        cmocka_unit_test(a_chain_that_loops_is_corrupt),
        cmocka_unit_test(a_long_chain_is_too_large),
        cmocka_unit_test(huge_counts_are_refused_before_allocation),
        cmocka_unit_test(memory_is_limited),
        cmocka_unit_test(what_is_no_tiff_is_unsupported),
        cmocka_unit_test(bytes_that_do_not_come_are_an_error),
        cmocka_unit_test(truncation_never_makes_a_block_sparse),
        cmocka_unit_test(the_cog_marker_is_found),
        cmocka_unit_test(impossible_layouts_are_refused),
        cmocka_unit_test(the_layout_of_strips_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
