/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cache/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <nacre/config.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cmocka_all.h"
#include "support/disk_folder.h"

/* The folder of the disk tier: killed, failing and lied to. What it gives is always what was put in, or nothing. */

static int calls_left; /* until the hook does what it is for; -1: never */

/* --- Keeping. --- */

static void exactly_what_was_written_is_there(void **state)
{
    (void)state;
    put(1, 1000, 500);
    assert_int_equal(count(1, 1000, 500), 500);
    assert_int_equal(count(1, 0, 100000), 500);
    assert_int_equal(count(1, 1100, 10), 10);
    assert_int_equal(count(2, 0, 100000), 0);
    put(1, 60000, 200000); /* over chunks */
    assert_int_equal(count(1, 60000, 200000), 200000);
    assert_int_equal(count(1, 0, 300000), 200500);
    put(1, 1400, 300); /* overlaps */
    put(1, 900, 100);  /* touches */
    assert_int_equal(count(1, 900, 800), 800);
    put(1, 0, 2000); /* covers */
    assert_int_equal(count(1, 0, 2000), 2000);
    look_at_files();
    assert_int_equal(found_files, 4);
}

static void more_runs_than_a_file_holds_are_let_go(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 140; i++)
        put(1, i * 100, 10);
    assert_true(count(1, 0, 65536) >= 100);
    assert_int_equal(count(1, 13900, 10), 10);
}

static void size_tells_versions_apart(void **state)
{
    (void)state;
    ncr_object_facts facts = {.size = 1, .version = {.strong = true, .token = "t"}};
    ncr_disk_key a, b;
    assert_true(ncr_disk_key_of("i", &facts, &a));
    facts.size = 2;
    assert_true(ncr_disk_key_of("i", &facts, &b));
    assert_memory_not_equal(&a, &b, sizeof a);
}

static void the_last_proof_is_kept_with_its_credentials(void **state)
{
    (void)state;
    ncr_disk_proof first = proof_of(1, "anonymous"), out = {.id = first.id, .credentials = "anonymous"};
    assert_false(ncr_disk_proof_read(disk, &out));
    ncr_disk_proof_write(disk, &first);
    assert_true(ncr_disk_proof_read(disk, &out));
    assert_string_equal(out.facts.version.token, "v=1");
    assert_int_equal(out.facts.size, 77);
    assert_int_equal(out.wall_ms, first.wall_ms);
    assert_false(out.public_only);
    out.credentials = "somebody";
    assert_false(ncr_disk_proof_read(disk, &out));
    out.credentials = NULL;
    assert_true(ncr_disk_proof_read(disk, &out));
    ncr_disk_proof older = proof_of(9, "anonymous");
    older.wall_ms = first.wall_ms - 1;
    ncr_disk_proof_write(disk, &older);
    assert_true(ncr_disk_proof_read(disk, &out));
    assert_string_equal(out.facts.version.token, "v=1");
    ncr_disk_proof_drop(disk, first.id);
    assert_false(ncr_disk_proof_read(disk, &out));
}

static void no_name_or_secret_is_on_the_disk(void **state)
{
    (void)state;
    ncr_disk_proof proof = proof_of(1, "token-of-somebody");
    ncr_disk_proof_write(disk, &proof);
    look_at_files();
    uint8_t bytes[4096];
    size_t size = read_file(found_path, bytes, sizeof bytes);
    assert_null(memmem(bytes, size, "somebody", 8));
    assert_null(memmem(bytes, size, "fake:1", 6));
}

/* --- Damage. --- */

static void expect_dropped(void)
{
    uint64_t errors = stats().disk_errors;
    assert_int_equal(count(1, 0, 65536), 0);
    assert_int_equal(stats().disk_errors, errors + 1);
    look_at_files();
    assert_int_equal(found_files, 0);
}

static void each_flipped_bit_drops_the_file(void **state)
{
    (void)state;
    uint8_t bytes[512];
    put(1, 100, 40);
    put(1, 200, 20);
    look_at_files();
    size_t size = read_file(found_path, bytes, sizeof bytes);
    assert_in_range(size, 100, 200);
    for (size_t i = 0; i < size; i++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] ^= (uint8_t)(1U << bit);
            write_file(found_path, bytes, size);
            bytes[i] ^= (uint8_t)(1U << bit);
            expect_dropped();
        }
    write_file(found_path, bytes, size);
    assert_int_equal(count(1, 0, 65536), 60);
}

static void a_file_cut_or_lengthened_anywhere_is_dropped(void **state)
{
    (void)state;
    uint8_t bytes[512] = {0};
    put(1, 100, 40);
    look_at_files();
    size_t size = read_file(found_path, bytes, sizeof bytes);
    for (size_t cut = 0; cut <= size + 3; cut++) {
        if (cut == size)
            continue;
        write_file(found_path, bytes, cut);
        expect_dropped();
    }
}

static void a_file_under_another_name_is_dropped(void **state)
{
    (void)state;
    uint8_t bytes[512];
    put(2, 100, 40);
    look_at_files();
    size_t size = read_file(found_path, bytes, sizeof bytes);
    remove(found_path);
    put(1, 100, 40);
    look_at_files();
    write_file(found_path, bytes, size);
    expect_dropped();
}

static void a_damaged_proof_is_none(void **state)
{
    (void)state;
    uint8_t bytes[512];
    ncr_disk_proof proof = proof_of(1, "anonymous"), out = {.id = proof.id};
    ncr_disk_proof_write(disk, &proof);
    look_at_files();
    size_t size = read_file(found_path, bytes, sizeof bytes);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 0x10;
        write_file(found_path, bytes, size);
        bytes[i] ^= 0x10;
        assert_false(ncr_disk_proof_read(disk, &out));
    }
}

static void a_damaged_size_is_counted_anew(void **state)
{
    (void)state;
    char path[128];
    uint8_t bytes[64];
    snprintf(path, sizeof path, "%s/size", folder);
    put(1, 0, 1000);
    size_t size = read_file(path, bytes, sizeof bytes);
    for (size_t i = 0; i <= size; i++) {
        bytes[i] ^= 0xff;
        write_file(path, bytes, i < size ? size : 0);
        bytes[i] ^= 0xff;
        put(2, i * 100000, 1000);
        assert_int_equal(count(2, i * 100000, 1000), 1000);
    }
    read_file(path, bytes, sizeof bytes);
    look_at_files();
    assert_int_equal(bytes[5] | bytes[6] << 8 | bytes[7] << 16, found_bytes >> 8);
}

/* --- System calls that fail, and kills. --- */

static int fail_once(const char *call, size_t *length)
{
    (void)call;
    (void)length;
    return calls_left-- == 0 ? EIO : 0;
}

static int fail_from_then(const char *call, size_t *length)
{
    (void)length;
    bool writes = strcmp(call, "pwrite") == 0 || strcmp(call, "mkdirat") == 0;
    return calls_left-- <= 0 && writes ? ENOSPC : 0;
}

static int kill_then(const char *call, size_t *length)
{
    (void)call;
    if (calls_left-- == 0)
        kill(getpid(), SIGKILL);
    if (calls_left == 0 && length && *length > 1)
        *length /= 2; /* what is cut short here ends there */
    return 0;
}

/* New files, additions, a replacement, a proof; with a small limit also an eviction. */
static void work(void)
{
    put(1, 1000, 500);
    put(1, 5000, 62000);
    put(1, 1200, 3000);
    count(1, 0, 100000);
    ncr_disk_proof proof = proof_of(1, "anonymous");
    ncr_disk_proof_write(disk, &proof);
    put(2, 0, 70000);
    ncr_disk_proof_drop(disk, proof.id);
    ncr_disk_proof_write(disk, &proof);
    for (int ended = 0; ended < 2; ended++)
        ncr_disk_change(disk, proof.id, 1, ended);
    put(3, 0, 70000);
}

static void check_after_harm(void)
{
    count(1, 0, 100000);
    count(2, 0, 200000);
    count(3, 0, 200000);
    put(4, 1000, 2000);
    assert_int_equal(count(4, 1000, 2000), 2000);
}

static unsigned open_files(void)
{
    unsigned count_of = 0;
    DIR *list = opendir("/proc/self/fd");
    while (readdir(list))
        count_of++;
    closedir(list);
    return count_of;
}

static void each_call_that_fails_does_no_harm(void **state)
{
    (void)state;
    ncr_disk_hook hooks[] = {fail_once, fail_from_then};
    for (int h = 0; h < 2; h++)
        for (int n = 0, reached = 0; !reached; n++) {
            empty_folder("160 KiB");
            unsigned before = open_files();
            calls_left = n;
            ncr_disk_set_hook(hooks[h]);
            work();
            ncr_disk_set_hook(NULL);
            reached = calls_left >= 0;
            assert_int_equal(open_files(), before);
            check_after_harm();
            assert_true(n < 2000);
        }
}

static void each_call_that_is_the_last_does_no_harm(void **state)
{
    (void)state;
    int status = 0, n = 0;
    do {
        empty_folder("160 KiB");
        pid_t child = fork();
        if (child == 0) {
            calls_left = n;
            ncr_disk_set_hook(kill_then);
            work();
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        check_after_harm();
        look_at_files();
        assert_true(found_bytes <= 160 * 1024 + 65536 + 4096); /* one that was being written */
        assert_true(++n < 2000);
    } while (WIFSIGNALED(status));
    assert_int_equal(status, 0);
    assert_true(n > 100);
}

static void kills_at_random_moments_do_no_harm(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    empty_folder("512 KiB");
    for (int turn = 0; turn < 40; turn++) {
        pid_t children[2];
        for (int i = 0; i < 2; i++) {
            children[i] = fork();
            for (unsigned v = 5 + (unsigned)(turn + i) % 3; children[i] == 0; v = 5 + (v + 1) % 5)
                put(v, (v * 7919U + (unsigned)turn * 65536U) % 900000, 100000);
        }
        usleep((unsigned)rand() % 8000);
        for (int i = 0; i < 2; i++) {
            kill(children[i], SIGKILL);
            waitpid(children[i], NULL, 0);
        }
        for (unsigned v = 5; v < 10; v++)
            count(v, 0, 1000000);
        put(11, 1000, 2000);
        assert_int_equal(count(11, 1000, 2000), 2000);
    }
}

/* --- The bound. --- */

static void the_bound_holds_and_the_oldest_goes_first(void **state)
{
    (void)state;
    empty_folder("1 MiB");
    for (unsigned i = 0; i < 14; i++)
        put(1, i * 65536, 60000);
    assert_int_equal(count(1, 0, 60000), 60000);
    look_at_files();
    assert_true(found_bytes <= 1 << 20);
    uint64_t evictions = stats().disk_evictions;
    for (unsigned i = 0; i < 14; i++) {
        put(2, i * 65536, 60000);
        look_at_files();
        assert_true(found_bytes <= 1 << 20);
        assert_int_equal(count(2, i * 65536, 60000), 60000);
    }
    assert_true(stats().disk_evictions > evictions);
    assert_int_equal(count(1, 0, 60000), 0);
}

static void what_was_used_stays_longer(void **state)
{
    (void)state;
    empty_folder("1 MiB");
    const struct timespec old[2] = {{.tv_sec = time(NULL) - 100000}, {.tv_sec = time(NULL) - 100000}};
    put(1, 0, 60000);
    look_at_files();
    assert_int_equal(utimensat(AT_FDCWD, found_path, old, 0), 0);
    assert_int_equal(count(1, 0, 60000), 60000); /* its time is set anew */
    struct stat facts;
    assert_int_equal(stat(found_path, &facts), 0);
    assert_true(facts.st_mtim.tv_sec > old[0].tv_sec + 90000);
}

static void processes_together_keep_to_the_bound(void **state)
{
    (void)state;
    enum { CHILDREN = 3 };
    empty_folder("1 MiB");
    pid_t children[CHILDREN];
    for (unsigned c = 0; c < CHILDREN; c++) {
        children[c] = fork();
        if (children[c])
            continue;
        for (unsigned i = 0; i < 60; i++)
            put(c, i * 65536, 60000);
        _exit(0);
    }
    for (int left = CHILDREN; left;) {
        look_at_files();
        assert_true(found_bytes <= (1 << 20) + CHILDREN * 65536);
        left -= waitpid(-1, NULL, WNOHANG) > 0;
    }
}

static void more_than_the_bound_is_not_kept(void **state)
{
    (void)state;
    empty_folder("32 KiB");
    uint64_t dropped = stats().disk_bytes_dropped;
    put(1, 0, 60000);
    assert_int_equal(count(1, 0, 60000), 0);
    assert_true(stats().disk_bytes_dropped >= dropped + 60000);
}

static void what_was_left_half_written_is_taken_away(void **state)
{
    (void)state;
    char path[128];
    put(1, 0, 1000);
    snprintf(path, sizeof path, "%s/%s", folder, "size");
    remove(path); /* so that the next write looks at all files */
    look_at_files();
    char *name = strrchr(found_path, '/');
    snprintf(path, sizeof path, "%.*s/t-0123456789abcdef", (int)(name - found_path), found_path);
    write_file(path, (const uint8_t *)"x", 1);
    const struct timespec old[2] = {{.tv_sec = time(NULL) - 10000}, {.tv_sec = time(NULL) - 10000}};
    utimensat(AT_FDCWD, path, old, 0);
    put(2, 0, 1000);
    assert_int_not_equal(access(path, F_OK), 0);
}

/* --- Who may. --- */

static void folders_that_others_could_write_to_are_refused(void **state)
{
    (void)state;
    nacre_error err;
    assert_int_equal(chmod(folder, 0777), 0);
    assert_null(open_as(folder, "1 MiB", NACRE_ERROR_REFUSED, &err));
    assert_non_null(strstr(err.message, folder));
    assert_non_null(strstr(err.message, "777"));
    assert_int_equal(chmod(folder, 0770), 0);
    assert_null(open_as(folder, "1 MiB", NACRE_ERROR_REFUSED, &err));
    assert_int_equal(chmod(folder, 0755), 0); /* to be looked into is not to be written to */
    assert_non_null(open_as(folder, "1 MiB", NACRE_OK, &err));
    if (geteuid() != 0)
        return;
    assert_int_equal(chown(folder, 12345, (gid_t)-1), 0);
    assert_null(open_as(folder, "1 MiB", NACRE_ERROR_REFUSED, &err));
    assert_non_null(strstr(err.message, "another user"));
    assert_int_equal(chown(folder, 0, (gid_t)-1), 0);
}

static void a_folder_is_made_for_its_user_alone(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/a/b", folder);
    mode_t old = umask(0);
    assert_non_null(open_as(path, "1 MiB", NACRE_OK, NULL));
    umask(old);
    struct stat facts;
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0700);
}

static void what_is_no_folder_is_done_without(void **state)
{
    (void)state;
    char path[128];
    uint64_t errors = stats().disk_errors;
    snprintf(path, sizeof path, "%s/file", folder);
    write_file(path, (const uint8_t *)"x", 1);
    assert_null(open_as(path, "1 MiB", NACRE_OK, NULL));
    assert_int_equal(stats().disk_errors, errors + 1);
}

static void a_folder_that_was_removed_is_made_again(void **state)
{
    (void)state;
    put(1, 0, 1000);
    remove_folder();
    put(1, 0, 1000); /* nowhere */
    assert_int_equal(count(1, 0, 1000), 0);
    disk = open_as(folder, "1 MiB", NACRE_OK, NULL);
    put(1, 0, 1000);
    assert_int_equal(count(1, 0, 1000), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(exactly_what_was_written_is_there, begin, end),
        cmocka_unit_test_setup_teardown(more_runs_than_a_file_holds_are_let_go, begin, end),
        cmocka_unit_test_setup_teardown(size_tells_versions_apart, begin, end),
        cmocka_unit_test_setup_teardown(the_last_proof_is_kept_with_its_credentials, begin, end),
        cmocka_unit_test_setup_teardown(no_name_or_secret_is_on_the_disk, begin, end),
        cmocka_unit_test_setup_teardown(each_flipped_bit_drops_the_file, begin, end),
        cmocka_unit_test_setup_teardown(a_file_cut_or_lengthened_anywhere_is_dropped, begin, end),
        cmocka_unit_test_setup_teardown(a_file_under_another_name_is_dropped, begin, end),
        cmocka_unit_test_setup_teardown(a_damaged_proof_is_none, begin, end),
        cmocka_unit_test_setup_teardown(a_damaged_size_is_counted_anew, begin, end),
        cmocka_unit_test_setup_teardown(each_call_that_fails_does_no_harm, begin, end),
        cmocka_unit_test_setup_teardown(each_call_that_is_the_last_does_no_harm, begin, end),
        cmocka_unit_test_setup_teardown(kills_at_random_moments_do_no_harm, begin, end),
        cmocka_unit_test_setup_teardown(the_bound_holds_and_the_oldest_goes_first, begin, end),
        cmocka_unit_test_setup_teardown(what_was_used_stays_longer, begin, end),
        cmocka_unit_test_setup_teardown(processes_together_keep_to_the_bound, begin, end),
        cmocka_unit_test_setup_teardown(more_than_the_bound_is_not_kept, begin, end),
        cmocka_unit_test_setup_teardown(what_was_left_half_written_is_taken_away, begin, end),
        cmocka_unit_test_setup_teardown(folders_that_others_could_write_to_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(a_folder_is_made_for_its_user_alone, begin, end),
        cmocka_unit_test_setup_teardown(what_is_no_folder_is_done_without, begin, end),
        cmocka_unit_test_setup_teardown(a_folder_that_was_removed_is_made_again, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
