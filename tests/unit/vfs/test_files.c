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

static nacre_error error;
static nacre_error *const err = &error;

#define check(call)                                  \
    do {                                             \
        if ((call) != NACRE_OK)                      \
            fail_msg("%s: %s", #call, err->message); \
    } while (0)

static nacre_status write_text(const char *path, const char *text, const nacre_write_options *options)
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
        check(write_text(paths[i], "one", NULL));
        assert_text(paths[i], "one");
        check(write_text(paths[i], "three", NULL));
        assert_text(paths[i], "three");
        check(nacre_delete(paths[i], NULL, err));
        nacre_file *file;
        assert_int_equal(nacre_file_open(paths[i], NULL, &file, err), NACRE_ERROR_NOT_FOUND);
        assert_null(file);
    }
}

/* --- Listings. --- */

static char listed[1024];

static bool add_name(void *user, const nacre_object_info *info)
{
    size_t *most = user;
    size_t length = strlen(listed);
    snprintf(listed + length, sizeof listed - length, "%s%s ", info->path, info->is_prefix ? "*" : "");
    return !most || --*most;
}

static nacre_status list(const char *path, bool recursive)
{
    nacre_list_options options = NACRE_LIST_OPTIONS_INIT;
    options.recursive = recursive;
    listed[0] = '\0';
    return nacre_list(path, &options, NULL, add_name, NULL, err);
}

static void listings_name_entries_as_they_were_asked_for(void **state)
{
    (void)state;
    const char *names[] = {"mem://list/a", "mem://list/d/b", "mem://list/d/c", "mem://listen"};
    for (int i = 0; i < 4; i++)
        check(write_text(names[i], "x", NULL));
    const char *const spellings[] = {"mem://list/", "mem://list", "/vsimem/list/"};
    const char *const expected[] = {"mem://list/a mem://list/d/* ", "mem://list/a mem://list/d/* ",
                                    "/vsimem/list/a /vsimem/list/d/* "};
    for (int i = 0; i < 3; i++) {
        check(list(spellings[i], false));
        assert_string_equal(listed, expected[i]);
    }
    check(list("mem://list", true));
    assert_string_equal(listed, "mem://list/a mem://list/d/b mem://list/d/c ");
    check(list("mem://listen", false));
    assert_string_equal(listed, "mem://listen ");
    assert_int_equal(list("mem://lis", false), NACRE_ERROR_NOT_FOUND);
    assert_int_equal(list("mem://list/x/", false), NACRE_ERROR_NOT_FOUND);
}

static void listing_can_be_stopped(void **state)
{
    (void)state;
    size_t most = 2;
    listed[0] = '\0';
    nacre_list_options options = NACRE_LIST_OPTIONS_INIT;
    options.recursive = true;
    check(nacre_list("mem://list", &options, NULL, add_name, &most, err));
    assert_string_equal(listed, "mem://list/a mem://list/d/b ");
}

static bool add_one(void *user, const nacre_object_info *info)
{
    (void)info;
    ++*(size_t *)user;
    return true;
}

static void listing_of_many_pages_is_whole(void **state)
{
    (void)state;
    size_t count = 0;
    char path[64];
    for (int i = 0; i < 2500; i++) {
        snprintf(path, sizeof path, "mem://pages/%05d", i);
        check(write_text(path, "", NULL));
    }
    check(nacre_list("mem://pages/", NULL, NULL, add_one, &count, err));
    assert_int_equal(count, 2500);
}

static void local_directories_are_listed(void **state)
{
    (void)state;
    assert_int_equal(mkdir(at("dir"), 0777), 0);
    assert_int_equal(list(at("dir"), false), NACRE_OK); /* empty, and there */
    assert_string_equal(listed, "");
    assert_int_equal(list(at("dir/"), false), NACRE_OK);
    assert_int_equal(list(at("no-dir"), false), NACRE_ERROR_NOT_FOUND);
    check(write_text(at("dir/a"), "x", NULL));
    assert_int_equal(mkdir(at("dir/e"), 0777), 0);
    check(list(at("dir"), false));
    char expected[600];
    snprintf(expected, sizeof expected, "%s/dir/a %s/dir/e/* ", directory, directory);
    assert_string_equal(listed, expected);
    assert_int_equal(chdir(directory), 0);
    check(list("dir", false));
    assert_string_equal(listed, "dir/a dir/e/* ");
    check(list("./dir/", false));
    assert_string_equal(listed, "./dir/a ./dir/e/* ");
    check(list("dir/a", false));
    assert_string_equal(listed, "dir/a ");
}

/* --- Copies and renames. --- */

static void copies_go_across_stores(void **state)
{
    (void)state;
    nacre_write_options options = NACRE_WRITE_OPTIONS_INIT;
    check(write_text(at("source"), "content", NULL));
    check(nacre_copy(at("source"), "mem://copied", NULL, NULL, err));
    assert_text("mem://copied", "content");
    check(nacre_copy("mem://copied", at("back"), NULL, NULL, err));
    assert_text(at("back"), "content");
    check(nacre_copy(at("back"), at("again"), NULL, NULL, err));
    assert_text(at("again"), "content");
    options.no_clobber = true;
    assert_int_equal(nacre_copy("mem://copied", at("back"), &options, NULL, err), NACRE_ERROR_EXISTS);
    assert_int_equal(nacre_copy(at("back"), "mem://copied", &options, NULL, err), NACRE_ERROR_EXISTS);
    assert_int_equal(nacre_copy(at("back"), at("back"), NULL, NULL, err), NACRE_ERROR_INVALID);
    assert_int_equal(nacre_copy(at("missing"), at("x"), NULL, NULL, err), NACRE_ERROR_NOT_FOUND);
}

static void renames_move(void **state)
{
    (void)state;
    nacre_file *file;
    nacre_write_options options = NACRE_WRITE_OPTIONS_INIT;
    struct stat before, after;
    check(write_text(at("old"), "content", NULL));
    assert_int_equal(stat(at("old"), &before), 0);
    check(nacre_rename(at("old"), at("new"), NULL, NULL, err));
    assert_int_equal(stat(at("new"), &after), 0);
    assert_int_equal(before.st_ino, after.st_ino); /* the file itself, in one step */
    assert_text(at("new"), "content");
    assert_int_equal(nacre_file_open(at("old"), NULL, &file, err), NACRE_ERROR_NOT_FOUND);
    check(nacre_rename(at("new"), "mem://moved", NULL, NULL, err));
    assert_text("mem://moved", "content");
    assert_int_equal(nacre_file_open(at("new"), NULL, &file, err), NACRE_ERROR_NOT_FOUND);
    check(write_text(at("other"), "x", NULL));
    check(write_text(at("there"), "y", NULL));
    options.no_clobber = true;
    assert_int_equal(nacre_rename(at("other"), at("there"), &options, NULL, err), NACRE_ERROR_EXISTS);
    assert_text(at("there"), "y");
    assert_text(at("other"), "x");
}

static void two_names_of_one_file_are_not_moved(void **state)
{
    (void)state;
    const char *a = at("hard-a"), *b = at("hard-b"), *soft = at("soft");
    check(write_text(a, "text", NULL));
    assert_int_equal(link(a, b), 0);
    assert_int_equal(symlink(a, soft), 0);
    assert_int_equal(nacre_rename(a, b, NULL, NULL, err), NACRE_ERROR_INVALID);
    assert_non_null(strstr(err->message, "same file"));
    assert_int_equal(nacre_rename(a, soft, NULL, NULL, err), NACRE_ERROR_INVALID);
    assert_int_equal(access(a, F_OK), 0);
}

static void replacing_a_version_fails_when_it_is_another(void **state)
{
    (void)state;
    nacre_write_options options = NACRE_WRITE_OPTIONS_INIT;
    nacre_object_info info;
    check(write_text("mem://versioned", "one", NULL));
    check(nacre_stat("mem://versioned", NULL, &info, err));
    assert_int_equal(info.size, 3);
    assert_true(info.version_is_strong);
    options.if_version = info.version;
    check(write_text("mem://versioned", "two", &options));
    assert_int_equal(write_text("mem://versioned", "three", &options), NACRE_ERROR_CHANGED);
    assert_text("mem://versioned", "two");
    nacre_object_info_free(&info);
    options.if_version = "etag=W/\"1\"";
    assert_int_equal(write_text("mem://versioned", "three", &options), NACRE_ERROR_INVALID);
}

static void local_file_that_was_overwritten_is_changed_for_its_reader(void **state)
{
    (void)state;
    enum { SIZE = 100000 };
    char *text = calloc(1, SIZE + 1);
    memset(text, 'a', SIZE);
    check(write_text(at("big"), text, NULL));
    nacre_file *file;
    check(nacre_file_open(at("big"), NULL, &file, err));
    assert_int_equal(nacre_file_size(file), SIZE);
    nacre_range range = {50000, 10, text, 0};
    check(nacre_file_read(file, &range, 1, NULL, err));
    memset(text, 'b', SIZE);
    check(write_text(at("big"), text, NULL));
    assert_int_equal(nacre_file_read(file, &range, 1, NULL, err), NACRE_ERROR_CHANGED);
    assert_int_equal(range.got, 0);
    assert_non_null(strstr(err->message, "/big: changed since it was opened: was file="));
    assert_non_null(strstr(err->message, ", now file="));
    nacre_file_close(file);
    free(text);
}

/* --- Streams. --- */

typedef struct heard {
    uint64_t next;         /* where it is in the object */
    uint64_t stop;         /* no more is wanted from here on */
    const char *overwrite; /* once bytes have come; NULL: nothing */
} heard;

static uint8_t byte_at(uint64_t place)
{
    return (uint8_t)(place * 2654435761U >> 13);
}

static bool hear(void *user, const void *data, size_t size)
{
    heard *h = user;
    const uint8_t *bytes = data;
    assert_true(size > 0);
    for (size_t i = 0; i < size; i += i + 997 < size ? 997 : size - i)
        assert_int_equal(bytes[i], byte_at(h->next + i));
    assert_int_equal(bytes[size - 1], byte_at(h->next + size - 1));
    h->next += size;
    if (h->overwrite)
        check(write_text(h->overwrite, "new", NULL));
    h->overwrite = NULL;
    return h->next < h->stop;
}

static void make_large(const char *path, size_t size)
{
    nacre_writer *writer;
    uint8_t *bytes = malloc(size);
    for (size_t i = 0; i < size; i++)
        bytes[i] = byte_at(i);
    check(nacre_writer_open(path, NULL, NULL, &writer, err));
    check(nacre_writer_write(writer, bytes, size, err));
    check(nacre_writer_commit(writer, err));
    nacre_writer_close(writer);
    free(bytes);
}

static void a_stream_gives_all_bytes_in_their_order_once(void **state)
{
    (void)state;
    enum { STEP = 8 << 20, SIZE = 6 * STEP + 5 };
    static const struct {
        uint64_t offset, length, begin, end;
    } cases[] = {{0, UINT64_MAX, 0, SIZE},
                 {0, SIZE, 0, SIZE},
                 {7, UINT64_MAX, 7, SIZE},
                 {100, 10, 100, 110},
                 {SIZE - 3, 10, SIZE - 3, SIZE},
                 {SIZE, 1, SIZE, SIZE},
                 {UINT64_MAX, 1, 0, 0},
                 {5, 0, 5, 5},
                 {STEP - 1, 2 * STEP, STEP - 1, 3 * STEP - 1}};
    const char *paths[] = {at("stream"), "mem://files/stream"};
    for (int k = 0; k < 2; k++) {
        nacre_file *file;
        make_large(paths[k], SIZE);
        check(nacre_file_open(paths[k], NULL, &file, err));
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            heard h = {.next = cases[i].begin, .stop = UINT64_MAX};
            check(nacre_file_stream(file, cases[i].offset, cases[i].length, NULL, hear, &h, err));
            assert_int_equal(h.next, cases[i].end);
        }
        nacre_file_close(file);
        check(nacre_delete(paths[k], NULL, err));
    }
}

static void a_stream_ends_when_no_more_is_wanted_or_the_object_changed(void **state)
{
    (void)state;
    enum { STEP = 8 << 20, SIZE = 6 * STEP };
    const char *paths[] = {at("stream"), "mem://files/stream"};
    for (int k = 0; k < 2; k++) {
        nacre_file *file;
        heard h = {.stop = STEP + 1};
        make_large(paths[k], SIZE);
        check(nacre_file_open(paths[k], NULL, &file, err));
        check(nacre_file_stream(file, 0, UINT64_MAX, NULL, hear, &h, err));
        assert_int_equal(h.next, 2 * STEP);
        h = (heard){.stop = UINT64_MAX, .overwrite = paths[k]};
        assert_int_equal(nacre_file_stream(file, 0, UINT64_MAX, NULL, hear, &h, err), NACRE_ERROR_CHANGED);
        assert_true(h.next >= STEP && h.next < SIZE);
        nacre_file_close(file);
        check(nacre_delete(paths[k], NULL, err));
    }
}

static void wrong_arguments_are_invalid(void **state)
{
    (void)state;
    nacre_file *file;
    nacre_object_info info;
    assert_int_equal(nacre_stat(NULL, NULL, &info, err), NACRE_ERROR_INVALID);
    assert_int_equal(nacre_file_open("x", NULL, NULL, err), NACRE_ERROR_INVALID);
    assert_int_equal(nacre_file_open("ftp://b/k", NULL, &file, err), NACRE_ERROR_UNSUPPORTED);
    assert_null(file);
    assert_int_equal(nacre_list("mem://x", NULL, NULL, NULL, NULL, err), NACRE_ERROR_INVALID);
    assert_int_equal(nacre_copy("x", NULL, NULL, NULL, err), NACRE_ERROR_INVALID);
    assert_int_equal(nacre_file_stream(NULL, 0, 1, NULL, hear, NULL, err), NACRE_ERROR_INVALID);
    nacre_file_close(NULL);
    nacre_writer_close(NULL);
    nacre_object_info_free(NULL);
}

static void cache_is_invalidated_by_path(void **state)
{
    (void)state;
    check(nacre_cache_invalidate("mem://list/a", NULL, err));
    check(nacre_cache_invalidate("gs://bucket/", NULL, err));
    assert_int_equal(nacre_cache_invalidate("ftp://b/k", NULL, err), NACRE_ERROR_UNSUPPORTED);
    nacre_cache_invalidate_all();
    nacre_cache_stats stats;
    nacre_cache_stats_get(&stats);
    assert_int_equal(stats.entries, 0);
    assert_true(stats.budget_bytes > 0);
}

static void a_refused_argument_gives_nothing(void **state)
{
    (void)state;
    nacre_file *file = (nacre_file *)&file;
    nacre_writer *writer = (nacre_writer *)&writer;
    nacre_object_info info = {.path = "not set"};
    assert_int_equal(nacre_file_open(NULL, NULL, &file, err), NACRE_ERROR_INVALID);
    assert_null(file);
    assert_int_equal(nacre_writer_open(NULL, NULL, NULL, &writer, err), NACRE_ERROR_INVALID);
    assert_null(writer);
    assert_int_equal(nacre_stat(NULL, NULL, &info, err), NACRE_ERROR_INVALID);
    assert_null(info.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_at_once),
        cmocka_unit_test(listings_name_entries_as_they_were_asked_for),
        cmocka_unit_test(listing_can_be_stopped),
        cmocka_unit_test(listing_of_many_pages_is_whole),
        cmocka_unit_test(local_directories_are_listed),
        cmocka_unit_test(copies_go_across_stores),
        cmocka_unit_test(renames_move),
        cmocka_unit_test(two_names_of_one_file_are_not_moved),
        cmocka_unit_test(replacing_a_version_fails_when_it_is_another),
        cmocka_unit_test(local_file_that_was_overwritten_is_changed_for_its_reader),
        cmocka_unit_test(a_stream_gives_all_bytes_in_their_order_once),
        cmocka_unit_test(a_stream_ends_when_no_more_is_wanted_or_the_object_changed),
        cmocka_unit_test(wrong_arguments_are_invalid),
        cmocka_unit_test(cache_is_invalidated_by_path),
        cmocka_unit_test(a_refused_argument_gives_nothing),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
