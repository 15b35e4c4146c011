/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

#include "base/bytes.h"
#include "raster/dtype.h"
#include "tiff/codec.h"
#include "tiff/decode.h"
#include "tiff/encode.h"
#include "tiff/samples.h"

/* What libtiff or our encoder wrote is decoded by the header that is made from an index. */

enum { WIDTH = 32, HEIGHT = 16, SAMPLES_MAX = 5, BLOCK_MAX = WIDTH * HEIGHT * SAMPLES_MAX * 8 };

/* A directory and its index, made of what a test sets. */
typedef struct scene {
    ncr_tiff_index index;
    ncr_tiff_directory directory;
    ncr_tiff_tag tags[4];
    ncr_tiff_layout layout;
    uint16_t shorts[4];
} scene;

static void add_tag(scene *s, unsigned id, unsigned type, uint64_t count, void *value)
{
    s->tags[s->directory.tag_count++] =
        (ncr_tiff_tag){.id = (uint16_t)id, .type = (uint16_t)type, .count = count, .value = value};
    s->directory.tags = s->tags;
}

static void init_scene(scene *s, const ncr_tiff_format *format, bool big_endian)
{
    *s = (scene){0};
    s->index.big_endian = big_endian;
    s->layout = (ncr_tiff_layout){.width = WIDTH,
                                  .height = HEIGHT,
                                  .is_tiled = format->is_tiled,
                                  .block_width = WIDTH,
                                  .block_height = HEIGHT,
                                  .blocks_across = 1,
                                  .blocks_down = 1,
                                  .block_count = 1,
                                  .samples = format->samples,
                                  .stored_samples = format->samples,
                                  .bits = format->bits,
                                  .dtype = format->dtype,
                                  .compression = format->coding.codec->compression,
                                  .photometric = 1,
                                  .predictor = format->coding.predictor,
                                  .fill_order = 1};
    s->shorts[0] = (uint16_t)ncr_tiff_sample_format(format->dtype);
    add_tag(s, NCR_TAG_SAMPLE_FORMAT, NCR_TYPE_SHORT, 1, &s->shorts[0]);
}

static nacre_status decode(const scene *s, const uint8_t *encoded, size_t size, uint8_t *out, char *message)
{
    ncr_tiff_header header;
    assert_int_equal(ncr_tiff_header_init(&header, "f.tif", &s->index, &s->directory, &s->layout, HEIGHT, NULL),
                     NACRE_OK);
    assert_true(header.decoded_size <= BLOCK_MAX);
    nacre_status status = ncr_tiff_decode(&header, encoded, size, out, message);
    ncr_tiff_header_clear(&header);
    return status;
}

static void must_decode(const scene *s, const ncr_buffer *encoded, const void *expected, size_t size)
{
    static uint8_t out[BLOCK_MAX];
    char message[NCR_TIFF_MESSAGE_SIZE];
    uint8_t *before = malloc(encoded->size);
    memcpy(before, encoded->data, encoded->size);
    if (decode(s, encoded->data, encoded->size, out, message) != NACRE_OK)
        fail_msg("compression %u, predictor %u, %s: %s", s->layout.compression, s->layout.predictor,
                 ncr_dtype_name(s->layout.dtype), message);
    assert_memory_equal(out, expected, size);
    assert_memory_equal(before, encoded->data, encoded->size); /* it may be shared */
    free(before);
}

/* Smooth values with a few extremes. */
static size_t make_pixels(const ncr_tiff_format *format, uint8_t *out)
{
    size_t unit = ncr_dtype_size(format->dtype), count = (size_t)WIDTH * HEIGHT * format->samples;
    for (size_t i = 0; i < count; i++) {
        double value = i % 97 == 0 ? ncr_dtype_max(format->dtype) : (double)(i % 120);
        ncr_convert(&value, NACRE_DTYPE_FLOAT64, 0, out + i * unit, format->dtype, 0, 1);
    }
    return count * unit;
}

static void check_round_trip(const ncr_tiff_format *format)
{
    static uint8_t pixels[BLOCK_MAX], work[BLOCK_MAX];
    size_t size = make_pixels(format, pixels);
    memcpy(work, pixels, size);
    ncr_buffer encoded;
    nacre_error err;
    if (ncr_tiff_encode(format, "f.tif", HEIGHT, work, size, &encoded, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    scene s;
    init_scene(&s, format, false);
    must_decode(&s, &encoded, pixels, size);
    ncr_buffer_clear(&encoded);
}

static void every_codec_predictor_and_type_comes_back(void **state)
{
    (void)state;
    static const unsigned compressions[] = {COMPRESSION_NONE,     COMPRESSION_LZW,  COMPRESSION_ADOBE_DEFLATE,
                                            COMPRESSION_PACKBITS, COMPRESSION_ZSTD, COMPRESSION_LZMA};
    for (size_t i = 0; i < sizeof compressions / sizeof *compressions; i++)
        for (int dtype = NACRE_DTYPE_UINT8; dtype <= NACRE_DTYPE_FLOAT64; dtype++)
            for (unsigned predictor = 1; predictor <= 3; predictor++) {
                unsigned variants =
                    predictor == 2 && compressions[i] != COMPRESSION_LZMA ? 12 : 4; /* ours, libtiff's */
                for (unsigned variant = 0; variant < variants; variant++) {
                    bool is_float = dtype >= NACRE_DTYPE_FLOAT16;
                    bool takes = compressions[i] != COMPRESSION_NONE && compressions[i] != COMPRESSION_PACKBITS;
                    if (!ncr_tiff_codec_is_supported(compressions[i]) || (predictor == 3 && !is_float) ||
                        (predictor > 1 && !takes))
                        continue;
                    ncr_tiff_format format = {
                        .dtype = (nacre_dtype)dtype,
                        .bits = (unsigned)ncr_dtype_size((nacre_dtype)dtype) * 8,
                        .samples = variant < 4 ? 1 + (variant & 1) * 2 : variant / 2, /* 1, 3; then 2 to 5 */
                        .photometric = NCR_PHOTOMETRIC_MIN_IS_BLACK,
                        .coding = {.codec = ncr_tiff_codec_find(compressions[i]), .level = -1, .predictor = predictor},
                        .is_tiled = variant < 4 ? variant & 2 : variant & 1,
                        .block_width = WIDTH,
                        .block_height = HEIGHT};
                    check_round_trip(&format);
                }
            }
}

static void values_of_another_byte_order_are_turned(void **state)
{
    (void)state;
    static uint16_t pixels[WIDTH * HEIGHT], swapped[WIDTH * HEIGHT];
    for (size_t i = 0; i < WIDTH * HEIGHT; i++)
        pixels[i] = swapped[i] = (uint16_t)(i * 7);
    if (!ncr_machine_is_big_endian())
        ncr_swap_bytes(swapped, 2, WIDTH * HEIGHT);
    ncr_tiff_format format = {.dtype = NACRE_DTYPE_UINT16,
                              .bits = 16,
                              .samples = 1,
                              .coding = {.codec = ncr_tiff_codec_find(COMPRESSION_NONE), .level = -1, .predictor = 1},
                              .block_width = WIDTH,
                              .block_height = HEIGHT};
    scene s;
    init_scene(&s, &format, true);
    ncr_buffer encoded = {.data = (uint8_t *)swapped, .size = sizeof swapped};
    must_decode(&s, &encoded, pixels, sizeof pixels);
}

/* A long uncompressed strip: libtiff would cut it into short ones. */
static void a_strip_is_one_block(void **state)
{
    (void)state;
    static uint8_t pixels[WIDTH * HEIGHT * 4 * 8];
    ncr_tiff_format format = {.dtype = NACRE_DTYPE_FLOAT64,
                              .bits = 64,
                              .samples = 4,
                              .coding = {.codec = ncr_tiff_codec_find(COMPRESSION_NONE), .level = -1, .predictor = 1},
                              .block_width = WIDTH,
                              .block_height = HEIGHT};
    size_t size = make_pixels(&format, pixels);
    assert_true(size > 8192);
    scene s;
    init_scene(&s, &format, false);
    ncr_buffer encoded = {.data = pixels, .size = size};
    must_decode(&s, &encoded, pixels, size);
}

/* libtiff reverses the bits in its input; ours must not change. */
static void reversed_bits_are_decoded_from_a_copy(void **state)
{
    (void)state;
    static uint8_t pixels[WIDTH * HEIGHT], reversed[WIDTH * HEIGHT];
    for (size_t i = 0; i < sizeof pixels; i++) {
        pixels[i] = (uint8_t)i;
        for (int bit = 0; bit < 8; bit++)
            reversed[i] |= (uint8_t)((i >> bit & 1) << (7 - bit));
    }
    ncr_tiff_format format = {.dtype = NACRE_DTYPE_UINT8,
                              .bits = 8,
                              .samples = 1,
                              .coding = {.codec = ncr_tiff_codec_find(COMPRESSION_NONE), .level = -1, .predictor = 1},
                              .block_width = WIDTH,
                              .block_height = HEIGHT};
    scene s;
    init_scene(&s, &format, false);
    s.layout.fill_order = 2;
    ncr_buffer encoded = {.data = reversed, .size = sizeof reversed};
    must_decode(&s, &encoded, pixels, sizeof pixels);
    must_decode(&s, &encoded, pixels, sizeof pixels); /* nor the pooled handle */
}

static void damage_is_corrupt_and_leaves_no_trace(void **state)
{
    (void)state;
    static uint8_t pixels[BLOCK_MAX], work[BLOCK_MAX], out[BLOCK_MAX];
    static const unsigned compressions[] = {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE,
                                            COMPRESSION_PACKBITS};
    char message[NCR_TIFF_MESSAGE_SIZE];
    for (size_t i = 0; i < sizeof compressions / sizeof *compressions; i++) {
        ncr_tiff_format format = {
            .dtype = NACRE_DTYPE_UINT16,
            .bits = 16,
            .samples = 1,
            .coding = {.codec = ncr_tiff_codec_find(compressions[i]), .level = -1, .predictor = 1},
            .is_tiled = true,
            .block_width = WIDTH,
            .block_height = HEIGHT};
        size_t size = make_pixels(&format, pixels);
        memcpy(work, pixels, size);
        ncr_buffer encoded;
        assert_int_equal(ncr_tiff_encode(&format, "f.tif", HEIGHT, work, size, &encoded, NULL), NACRE_OK);
        scene s;
        init_scene(&s, &format, false);
        assert_int_equal(decode(&s, encoded.data, encoded.size / 2, out, message), NACRE_ERROR_CORRUPT);
        assert_true(*message);
        must_decode(&s, &encoded, pixels, size);
        ncr_buffer_clear(&encoded);
    }
}

static void bits_become_bytes(void **state)
{
    (void)state;
    static const uint8_t bits[] = {0xA0, 0x40, 0xFF, 0x80};
    static const uint8_t expected[] = {1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0};
    uint8_t out[20];
    ncr_tiff_layout layout = {.bits = 1, .dtype = NACRE_DTYPE_UINT8};
    ncr_tiff_samples_unpack(&layout, bits, 10, 2, out);
    assert_memory_equal(out, expected, sizeof out);
}

static void unknown_codecs_are_not_supported(void **state)
{
    (void)state;
    assert_false(ncr_tiff_codec_is_supported(COMPRESSION_JP2000));
    assert_false(ncr_tiff_codec_is_supported(COMPRESSION_OJPEG));
    assert_false(ncr_tiff_codec_is_supported(65000));
    assert_true(ncr_tiff_codec_is_supported(COMPRESSION_DEFLATE)); /* the old number */
    assert_non_null(ncr_tiff_codec_for_writing("deflate"));
    assert_null(ncr_tiff_codec_for_writing("JXL"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_codec_predictor_and_type_comes_back),
        cmocka_unit_test(values_of_another_byte_order_are_turned),
        cmocka_unit_test(a_strip_is_one_block),
        cmocka_unit_test(reversed_bits_are_decoded_from_a_copy),
        cmocka_unit_test(damage_is_corrupt_and_leaves_no_trace),
        cmocka_unit_test(bits_become_bytes),
        cmocka_unit_test(unknown_codecs_are_not_supported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
