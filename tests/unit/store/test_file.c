/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/ops.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/file/file.h"

static ncr_call *call;
static ncr_store *store;
static char directory[40];

/* The wall clock of the tests: an hour ahead, so that every file is old. */
static int64_t old_files(int wall)
{
    struct timespec now;
    clock_gettime(wall ? CLOCK_REALTIME : CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + (wall ? 3600000 : 0);
}

static ncr_object *object(const char *name)
{
    char key[512];
    snprintf(key, sizeof key, "%s/%s", directory, name);
    ncr_object *o = ncr_object_new(store, "", key, name, false);
    assert_non_null(o);
    return o;
}

static void write_file(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void run(const char *command)
{
    char line[512];
    snprintf(line, sizeof line, "cd %s && %s", directory, command);
    FILE *shell = popen(line, "w");
    assert_non_null(shell);
    assert_int_equal(pclose(shell), 0);
}

/* How many names are in the directory, temporary ones too. */
static int count_names(void)
{
    char command[256];
    int count = -1;
    snprintf(command, sizeof command, "ls -A %s | wc -l", directory);
    FILE *pipe = popen(command, "r");
    assert_int_equal(fscanf(pipe, "%d", &count), 1);
    pclose(pipe);
    return count;
}

static int setup(void **state)
{
    (void)state;
    ncr_clock_replace(old_files);
    snprintf(directory, sizeof directory, "/tmp/nacre-file-XXXXXX");
    assert_non_null(mkdtemp(directory));
    call = test_call_new(NULL);
    store = open_store("file", NULL, false, call);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ncr_clock_replace(NULL);
    run("rm -rf $PWD");
    ncr_store_unref(store);
    ncr_call_unref(call);
    return 0;
}

static void ranges_and_whole_files_are_read(void **state)
{
    (void)state;
    write_file("f", "hello world");
    ncr_object *o = object("f");
    char buffer[8];
    ncr_get get = {.object = o, .call = call, .offset = 6, .length = 8, .buffer = (uint8_t *)buffer};
    assert_int_equal(run_get(&get), NACRE_OK);
    assert_int_equal(get.got, 5);
    assert_memory_equal(buffer, "world", 5);
    assert_int_equal(get.facts.size, 11);
    assert_true(get.facts.version.strong);
    assert_true(ncr_text_starts(get.facts.version.token, "file="));
    ncr_get beyond = {.object = o, .call = call, .offset = 100, .length = 8, .buffer = (uint8_t *)buffer};
    assert_int_equal(run_get(&beyond), NACRE_OK);
    assert_int_equal(beyond.got, 0);
    assert_text(o, call, "hello world");
    ncr_object_unref(o);
}

static int64_t file_age_ms, file_time_ms;

static int64_t clock_by_age(int wall)
{
    return wall ? file_time_ms + file_age_ms : 0;
}

static void a_young_file_has_a_weak_version(void **state)
{
    (void)state;
    static const struct {
        int64_t age_ms;
        bool strong;
    } cases[] = {{0, false}, {9, false}, {10, true}, {-1000, false}};
    struct stat st;
    write_file("young", "x");
    ncr_object *o = object("young");
    assert_int_equal(stat(o->key, &st), 0);
    file_time_ms = (int64_t)st.st_ctim.tv_sec * 1000 + st.st_ctim.tv_nsec / 1000000;
    ncr_clock_replace(clock_by_age);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        file_age_ms = cases[i].age_ms;
        ncr_stat_op op = {.object = o, .call = call};
        assert_int_equal(run_stat(&op), NACRE_OK);
        assert_int_equal(op.facts.version.strong, cases[i].strong);
    }
    ncr_object_unref(o);
}

static void a_pinned_file_that_changed_gives_no_byte(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "printf new > f",                                     /* written in place */
        "printf old > g && mv g f",                           /* the same bytes in another file */
        "printf longer >> f",                                 /* grown */
        "touch -d '2001-01-01' f",                            /* its time set back */
        "touch -r f ref && printf XXX > f && touch -r ref f", /* changed, and its time restored */
        "rm f",
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char buffer[4] = "zzz";
        write_file("f", "old");
        ncr_object *o = object("f");
        ncr_stat_op op = {.object = o, .call = call};
        assert_int_equal(run_stat(&op), NACRE_OK);
        usleep(20000); /* the kernel's clock for files ticks only every few milliseconds */
        run(changes[i]);
        ncr_get get = {.object = o, .call = call, .length = 3, .buffer = (uint8_t *)buffer};
        get.match = NCR_MATCH_VERSION;
        get.version = &op.facts.version;
        assert_int_equal(run_get(&get), NACRE_ERROR_CHANGED);
        assert_memory_equal(buffer, "zzz", 3);
        assert_contains(get.error.message, "f: changed");
        assert_contains(get.error.message, op.facts.version.token);
        ncr_object_unref(o);
    }
}

static void a_proof_compares_the_stat_only(void **state)
{
    (void)state;
    write_file("f", "old");
    ncr_object *o = object("f");
    char buffer[4] = "zzz";
    ncr_stat_op op = {.object = o, .call = call};
    assert_int_equal(run_stat(&op), NACRE_OK);
    ncr_get get = {.object = o, .call = call, .length = 3, .buffer = (uint8_t *)buffer};
    get.match = NCR_MATCH_MODIFIED;
    get.version = &op.facts.version;
    assert_int_equal(run_get(&get), NACRE_OK);
    assert_true(get.not_modified);
    assert_memory_equal(buffer, "zzz", 3);
    usleep(20000);
    write_file("f", "new");
    assert_int_equal(run_get(&get), NACRE_OK);
    assert_false(get.not_modified);
    assert_memory_equal(buffer, "new", 3);
    ncr_object_unref(o);
}

static const char *change_between; /* a command, run once when the clock is read */

/* The clock is read when a file's stat is turned into a version: after the first look at it, before its bytes. */
static int64_t clock_that_changes_files(int wall)
{
    const char *command = change_between;
    change_between = NULL;
    if (command)
        run(command);
    return old_files(wall);
}

static void a_change_while_reading_is_noticed(void **state)
{
    (void)state;
    static const char *const changes[] = {"printf NEW > w", "printf lon >> w", "truncate -s 1 w"};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char text[3];
        write_file("w", "old");
        ncr_object *o = object("w");
        ncr_get part = {.object = o, .call = call, .length = 3, .buffer = (uint8_t *)text};
        ncr_get whole = {.object = o, .call = call, .length = SIZE_MAX};
        ncr_clock_replace(clock_that_changes_files);
        usleep(20000);
        change_between = changes[i];
        assert_int_equal(run_get(&part), NACRE_ERROR_CHANGED);
        write_file("w", "old");
        usleep(20000);
        change_between = changes[i];
        assert_int_equal(run_get(&whole), NACRE_ERROR_CHANGED);
        ncr_clock_replace(old_files);
        ncr_object_unref(o);
    }
}

static void what_is_no_file_is_said_clearly(void **state)
{
    (void)state;
    run("mkdir d && mkfifo pipe && ln -s nowhere dangling");
    static const struct {
        const char *name;
        nacre_status status;
        const char *message;
    } cases[] = {
        {"d", NACRE_ERROR_NOT_FOUND, "d: is a directory, not a file"},
        {"pipe", NACRE_ERROR_UNSUPPORTED, "pipe: is not a regular file"},
        {"dangling", NACRE_ERROR_NOT_FOUND, "dangling: not found: no such file"},
        {"none", NACRE_ERROR_NOT_FOUND, "none: not found: no such file"},
        {"none/x", NACRE_ERROR_NOT_FOUND, "none/x: not found: no such file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ncr_object *o = object(cases[i].name);
        char byte;
        ncr_get get = {.object = o, .call = call, .length = 1, .buffer = (uint8_t *)&byte};
        ncr_stat_op op = {.object = o, .call = call};
        assert_int_equal(run_get(&get), cases[i].status);
        assert_string_equal(get.error.message, cases[i].message);
        assert_int_equal(run_stat(&op), cases[i].status);
        assert_string_equal(op.error.message, cases[i].message);
        ncr_object_unref(o);
    }
}

static void listings_have_the_rules_of_a_store(void **state)
{
    (void)state;
    run("mkdir -p s/a/deep s/empty && touch s/b s/a/2 s/a/1 s/a.x s/a-x s/a/deep/f s/.hidden"
        " && ln -s .. s/loop && ln -s b s/link && ln -s nowhere s/gone && mkfifo s/pipe"
        " && touch s/.b.nacre-part-0123456789abcdef");
    ncr_object *below = object("s/"), *beginning = object("s/a"), *none = object("nodir/x"), *base = object("");
    size_t skip = strlen(base->key);
    for (size_t page = 0; page < 5; page++) {
        char expected[1024];
        char *one = list_keys(below, call, false, page), *all = list_keys(below, call, true, page);
        char *part = list_keys(beginning, call, false, page), *nothing = list_keys(none, call, true, page);
        const char *d = directory;
        snprintf(expected, sizeof expected,
                 "%s/s/.hidden %s/s/a-x %s/s/a.x %s/s/a/ %s/s/b %s/s/empty/ %s/s/link %s/s/loop/ ", d, d, d, d, d, d, d,
                 d);
        assert_string_equal(one, expected);
        snprintf(expected, sizeof expected,
                 "%s/s/.hidden %s/s/a-x %s/s/a.x %s/s/a/1 %s/s/a/2 %s/s/a/deep/f %s/s/b %s/s/link ", d, d, d, d, d, d,
                 d, d);
        assert_string_equal(all, expected);
        snprintf(expected, sizeof expected, "%s/s/a-x %s/s/a.x %s/s/a/ ", d, d, d);
        assert_string_equal(part, expected);
        assert_string_equal(nothing, "");
        free(one);
        free(all);
        free(part);
        free(nothing);
    }
    assert_true(skip > 0);
    ncr_object_unref(below);
    ncr_object_unref(beginning);
    ncr_object_unref(none);
    ncr_object_unref(base);
}

static void a_put_replaces_at_once_and_leaves_nothing_else(void **state)
{
    (void)state;
    ncr_object *o = object("f");
    ncr_object_facts facts;
    nacre_error err;
    assert_int_equal(put_text(o, call, "one", NULL, &facts, &err), NACRE_OK);
    ncr_stat_op op = {.object = o, .call = call};
    assert_int_equal(run_stat(&op), NACRE_OK);
    assert_string_equal(op.facts.version.token, facts.version.token);
    run("chmod 640 f");
    assert_int_equal(put_text(o, call, "three", NULL, &facts, &err), NACRE_OK);
    assert_text(o, call, "three");
    struct stat st;
    assert_int_equal(stat(o->key, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(count_names(), 1);
    ncr_object_unref(o);
}

static void a_link_is_written_through(void **state)
{
    (void)state;
    write_file("real", "old");
    run("ln -s real link");
    ncr_object *link = object("link"), *real = object("real");
    assert_int_equal(put_text(link, call, "new", NULL, NULL, NULL), NACRE_OK);
    assert_text(real, call, "new");
    run("test -L link");
    ncr_object_unref(link);
    ncr_object_unref(real);
}

static void conditions_are_kept(void **state)
{
    (void)state;
    ncr_object *o = object("c");
    ncr_object_facts first, second;
    nacre_error err;
    ncr_condition absent = {.absent = true};
    assert_int_equal(put_text(o, call, "1", &absent, &first, &err), NACRE_OK);
    assert_int_equal(put_text(o, call, "2", &absent, NULL, &err), NACRE_ERROR_EXISTS);
    assert_string_equal(err.message, "c: exists already");
    ncr_condition same = {.version = &first.version};
    assert_int_equal(put_text(o, call, "2", &same, &second, &err), NACRE_OK);
    assert_int_equal(put_text(o, call, "3", &same, NULL, &err), NACRE_ERROR_CHANGED);
    assert_int_equal(remove_object(o, call, &first.version, &err), NACRE_ERROR_CHANGED);
    assert_text(o, call, "2");
    assert_int_equal(remove_object(o, call, &second.version, &err), NACRE_OK);
    assert_int_equal(remove_object(o, call, NULL, &err), NACRE_ERROR_NOT_FOUND);
    assert_int_equal(put_text(o, call, "3", &same, NULL, &err), NACRE_ERROR_CHANGED);
    assert_int_equal(count_names(), 0);
    ncr_object_unref(o);
}

static void absent_is_decided_when_the_name_is_taken(void **state)
{
    (void)state;
    ncr_object *o = object("late");
    ncr_upload *upload;
    ncr_outcome outcome;
    ncr_object_facts facts;
    nacre_error err;
    ncr_condition absent = {.absent = true};
    const ncr_store_class *c = store->class;
    assert_int_equal(c->upload_begin(o, call, &absent, NULL, &upload, &err), NACRE_OK);
    assert_int_equal(c->upload_part(upload, 1, "mine", 4, &err), NACRE_OK);
    write_file("late", "theirs");
    assert_int_equal(c->upload_finish(upload, &outcome, &facts, &err), NACRE_ERROR_EXISTS);
    assert_int_equal(outcome, NCR_OUTCOME_NOT_DONE);
    assert_text(o, call, "theirs");
    assert_int_equal(count_names(), 1);
    ncr_object_unref(o);
}

static void *put_if_absent(void *user)
{
    ncr_object *o = object("race");
    ncr_condition absent = {.absent = true};
    if (put_text(o, call, "mine", &absent, NULL, NULL) == NACRE_OK)
        __atomic_fetch_add((int *)user, 1, __ATOMIC_RELAXED);
    ncr_object_unref(o);
    return NULL;
}

static void one_of_many_racing_writers_wins(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        pthread_t threads[8];
        int winners = 0;
        for (int i = 0; i < 8; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, put_if_absent, &winners), 0);
        for (int i = 0; i < 8; i++)
            pthread_join(threads[i], NULL);
        assert_int_equal(winners, 1);
        assert_int_equal(count_names(), 1);
        run("rm race");
    }
}

static void an_abandoned_upload_leaves_nothing(void **state)
{
    (void)state;
    write_file("f", "old");
    ncr_object *o = object("f");
    ncr_upload *upload;
    nacre_error err;
    const ncr_store_class *c = store->class;
    assert_int_equal(c->upload_begin(o, call, NULL, NULL, &upload, &err), NACRE_OK);
    assert_int_equal(c->upload_part(upload, 1, "new", 3, &err), NACRE_OK);
    assert_text(o, call, "old");
    c->upload_abort(upload);
    assert_text(o, call, "old");
    assert_int_equal(count_names(), 1);
    c->upload_abort(NULL);
    ncr_object_unref(o);
}

static void a_writer_that_is_killed_leaves_nothing(void **state)
{
    (void)state;
    int probe = open(directory, O_TMPFILE | O_RDWR, 0600);
    if (probe < 0)
        skip(); /* files without names are the file system's business */
    close(probe);
    write_file("f", "old");
    pid_t child = fork();
    if (child == 0) {
        ncr_object *o = object("f");
        ncr_upload *upload;
        const ncr_store_class *c = store->class;
        if (c->upload_begin(o, call, NULL, NULL, &upload, NULL) == NACRE_OK &&
            c->upload_part(upload, 1, "new", 3, NULL) == NACRE_OK)
            raise(SIGKILL);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(count_names(), 1);
    ncr_object *o = object("f");
    assert_text(o, call, "old");
    ncr_object_unref(o);
}

static void no_space_left_removes_what_was_written(void **state)
{
    (void)state;
    /* A limit on the size of files stands in for a full disk: both end a write() with an errno. */
    struct rlimit old, small = {.rlim_cur = 8192};
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    write_file("f", "old");
    ncr_object *o = object("f");
    char *text = malloc(20000);
    nacre_error err;
    memset(text, 'x', 19999);
    text[19999] = '\0';
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    nacre_status status = put_text(o, call, text, NULL, NULL, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(status, NACRE_ERROR_IO);
    assert_contains(err.message, "f: cannot write");
    assert_text(o, call, "old");
    assert_int_equal(count_names(), 1);
    free(text);
    ncr_object_unref(o);
}

static void destinations_that_cannot_be_are_said_clearly(void **state)
{
    (void)state;
    run("mkdir d && mkfifo pipe");
    ncr_object *no_parent = object("no/such/f"), *dir = object("d"), *pipe = object("pipe");
    nacre_error err;
    assert_int_equal(put_text(no_parent, call, "x", NULL, NULL, &err), NACRE_ERROR_NOT_FOUND);
    assert_contains(err.message, "no/such/f: the directory ");
    assert_contains(err.message, "no/such does not exist");
    assert_int_equal(put_text(dir, call, "x", NULL, NULL, &err), NACRE_ERROR_IO);
    assert_string_equal(err.message, "d: is a directory");
    /* Where the system takes no files it says that there is no such file: the directory is there all the same. */
    ncr_object *proc = ncr_object_new(store, "", "/proc/x.vrt", "/proc/x.vrt", false);
    assert_int_equal(put_text(proc, call, "x", NULL, NULL, &err), NACRE_ERROR_DENIED);
    assert_string_equal(err.message, "/proc/x.vrt: the directory /proc takes no new files; write elsewhere");
    ncr_object_unref(proc);
    ncr_object *in_file = ncr_object_new(store, "", "/proc/version/x", "/proc/version/x", false);
    assert_int_equal(put_text(in_file, call, "x", NULL, NULL, &err), NACRE_ERROR_NOT_FOUND);
    assert_string_equal(err.message, "/proc/version/x: the directory /proc/version does not exist; make it first");
    ncr_object_unref(in_file);
    assert_int_equal(put_text(pipe, call, "x", NULL, NULL, &err), NACRE_ERROR_UNSUPPORTED);
    ncr_object_unref(no_parent);
    ncr_object_unref(dir);
    ncr_object_unref(pipe);
}

static void files_are_copied_under_their_version(void **state)
{
    (void)state;
    write_file("from", "some text");
    ncr_object *from = object("from"), *to = object("to"), *none = object("none");
    ncr_stat_op op = {.object = from, .call = call};
    nacre_error err;
    assert_int_equal(run_stat(&op), NACRE_OK);
    ncr_copy copy = {.source = from, .destination = to, .call = call, .source_version = &op.facts.version};
    assert_int_equal(store->class->copy(&copy, &err), NACRE_OK);
    assert_int_equal(copy.outcome, NCR_OUTCOME_DONE);
    assert_int_equal(copy.facts.size, 9);
    assert_text(to, call, "some text");
    copy.condition.absent = true;
    assert_int_equal(store->class->copy(&copy, &err), NACRE_ERROR_EXISTS);
    usleep(20000);
    write_file("from", "other");
    copy.condition.absent = false;
    assert_int_equal(store->class->copy(&copy, &err), NACRE_ERROR_CHANGED);
    assert_int_equal(copy.outcome, NCR_OUTCOME_NOT_DONE);
    assert_text(to, call, "some text");
    ncr_copy of_none = {.source = none, .destination = to, .call = call};
    assert_int_equal(store->class->copy(&of_none, &err), NACRE_ERROR_NOT_FOUND);
    assert_int_equal(count_names(), 2);
    ncr_object_unref(from);
    ncr_object_unref(to);
    ncr_object_unref(none);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ranges_and_whole_files_are_read),
        TEST(a_young_file_has_a_weak_version),
        TEST(a_pinned_file_that_changed_gives_no_byte),
        TEST(a_proof_compares_the_stat_only),
        TEST(a_change_while_reading_is_noticed),
        TEST(what_is_no_file_is_said_clearly),
        TEST(listings_have_the_rules_of_a_store),
        TEST(a_put_replaces_at_once_and_leaves_nothing_else),
        TEST(a_link_is_written_through),
        TEST(conditions_are_kept),
        TEST(absent_is_decided_when_the_name_is_taken),
        TEST(one_of_many_racing_writers_wins),
        TEST(an_abandoned_upload_leaves_nothing),
        TEST(a_writer_that_is_killed_leaves_nothing),
        TEST(no_space_left_removes_what_was_written),
        TEST(destinations_that_cannot_be_are_said_clearly),
        TEST(files_are_copied_under_their_version),
    };
    return cmocka_run_group_tests(tests, clear_environment, NULL);
}
