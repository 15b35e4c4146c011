/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <nacre/io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmocka_all.h"

/* Files, writers, copies and listings through the public interface, on local files and memory. */

static char directory[] = "/tmp/nacre-files-XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    char command[256];
    snprintf(command, sizeof command, "rm -r '%s'", directory);
    return system(command);
}

static const char *at(const char *name)
{
    static char paths[4][256];
    static int turn;
    char *path = paths[turn++ % 4];
    snprintf(path, 256, "%s/%s", directory, name);
    return path;
}

#define check(call)                                  \
    do {                                             \
        nacre_error err_;                            \
        nacre_error *err = &err_;                    \
        if ((call) != NACRE_OK)                      \
            fail_msg("%s: %s", #call, err->message); \
    } while (0)

static nacre_status write_text(const char *path, const char *text, const nacre_write_options *options, nacre_error *err)
{
    nacre_writer *writer;
    nacre_status status = nacre_writer_open(path, options, NULL, &writer, err);
    if (status == NACRE_OK)
        status = nacre_writer_write(writer, text, strlen(text), err);
    if (status == NACRE_OK)
        status = nacre_writer_commit(writer, err);
    nacre_writer_close(writer);
    return status;
}

static void assert_text(const char *path, const char *expected)
{
    nacre_file *file;
    char buffer[256] = "";
    nacre_range range = {0, sizeof buffer - 1, buffer, 99};
    check(nacre_file_open(path, NULL, &file, err));
    check(nacre_file_read(file, &range, 1, NULL, err));
    assert_int_equal(range.got, strlen(expected));
    assert_string_equal(buffer, expected);
    nacre_file_close(file);
}

static void what_was_written_is_read_at_once(void **state)
{
    (void)state;
    const char *paths[] = {at("a.txt"), "mem://files/a.txt"};
    for (int i = 0; i < 2; i++) {
        check(write_text(paths[i], "one", NULL, err));
        assert_text(paths[i], "one");
        check(write_text(paths[i], "three", NULL, err));
        assert_text(paths[i], "three");
        check(nacre_delete(paths[i], NULL, err));
        nacre_file *file;
        nacre_error err;
        assert_int_equal(nacre_file_open(paths[i], NULL, &file, &err), NACRE_ERROR_NOT_FOUND);
        assert_null(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_at_once),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
