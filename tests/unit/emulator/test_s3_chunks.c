/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "emulator/s3_chunks.h"

typedef struct fixture {
    char path[64];
    int directory;
} fixture;

static int make_directory(void **state)
{
    fixture *self = calloc(1, sizeof *self);
    assert_non_null(self);
    snprintf(self->path, sizeof self->path, "/tmp/nacre-chunks-XXXXXX");
    assert_non_null(mkdtemp(self->path));
    self->directory = open(self->path, O_RDONLY | O_DIRECTORY);
    *state = self;
    return 0;
}

static int remove_directory(void **state)
{
    fixture *self = *state;
    close(self->directory);
    rmdir(self->path); /* fails, and the next run shows it, when a draft was left */
    free(self);
    return 0;
}

/* Reads a body; the result is the error, and what was decoded is compared with wanted. */
static const char *decode(void **state, const char *body, size_t size, const char *wanted, json_t *trailer)
{
    fixture *self = *state;
    ncr_emu_signature none = {0};
    ncr_emu_draft *source = ncr_emu_draft_new(self->directory), *draft = ncr_emu_draft_new(self->directory);
    json_t *own = json_object();
    assert_true(source && draft && ncr_emu_draft_write(source, body, size));
    const ncr_emu_chunks chunks = {.draft = draft, .trailer = trailer ? trailer : own, .signature = &none};
    const char *error = ncr_emu_chunks_read(&chunks, source->fd, source->size);
    if (!error) {
        char *text = ncr_emu_draft_text(draft, 1 << 20);
        assert_non_null(text);
        assert_string_equal(text, wanted);
        free(text);
    }
    json_decref(own);
    ncr_emu_draft_free(source);
    ncr_emu_draft_free(draft);
    return error;
}

static void chunks_become_one_body(void **state)
{
    static const char plain[] = "5\r\nhello\r\n2;chunk-signature=abc\r\n, \r\nA\r\n0123456789\r\n0\r\n\r\n";
    assert_null(decode(state, plain, strlen(plain), "hello, 0123456789", NULL));
    assert_null(decode(state, "0\r\n", 3, "", NULL)); /* the end without its empty line, as some clients send it */
}

static void trailers_are_kept_in_lower_case(void **state)
{
    static const char body[] = "1\r\nx\r\n0\r\nX-Amz-Checksum-CRC32: AAAA\r\nb:c\n\r\n";
    json_t *trailer = json_object();
    assert_null(decode(state, body, strlen(body), "x", trailer));
    assert_string_equal(json_string_value(json_object_get(trailer, "x-amz-checksum-crc32")), "AAAA");
    assert_string_equal(json_string_value(json_object_get(trailer, "b")), "c");
    json_decref(trailer);
}

static void every_cut_is_an_error(void **state)
{
    static const char body[] = "5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n";
    for (size_t size = 0; size < strlen("5\r\nhello\r\n3\r\nabc\r\n0\r\n") - 1; size++)
        assert_non_null(decode(state, body, size, "", NULL));
}

static void sizes_are_numbers_that_fit(void **state)
{
    static const char *const wrong[] = {"\r\n\r\n",
                                        "-1\r\nx\r\n0\r\n\r\n",
                                        "0x1\r\nx\r\n0\r\n\r\n",
                                        "1 \r\nx\r\n0\r\n\r\n",
                                        "fffffffffffffff\r\nx\r\n0\r\n\r\n",
                                        "ffffffffffffffff\r\nx\r\n0\r\n\r\n",
                                        "00000000000000000000000001\r\nx\r\n0\r\n\r\n",
                                        "2\r\nx\r\n0\r\n\r\n",
                                        "1\nxx0\r\n\r\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_non_null(decode(state, wrong[i], strlen(wrong[i]), "", NULL));
    char endless[5000];
    memset(endless, ';', sizeof endless);
    endless[0] = '1';
    assert_non_null(decode(state, endless, sizeof endless, "", NULL));
    assert_non_null(decode(state, "1\0\r\nx\r\n0\r\n\r\n", 12, "", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(chunks_become_one_body, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(trailers_are_kept_in_lower_case, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(every_cut_is_an_error, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(sizes_are_numbers_that_fit, make_directory, remove_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
