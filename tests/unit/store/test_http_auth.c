/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "store/http/auth.h"

#include <unistd.h>

#include "store/script.h"

/* Who asks an HTTP server, and with which headers. */

#define LINE   "GET /d/x"
#define ANSWER 206, "Content-Range: bytes 0-3/10\r\nETag: \"a\"\r\n", "abcd"
/* "user:secret" and "u@v:p:q" */
#define BASIC_USER "Authorization: Basic dXNlcjpzZWNyZXQ="
#define BASIC_ODD  "Authorization: Basic dUB2OnA6cQ=="

static char file_name[40];

/* A file with this text, which is gone at the end of the test. */
static const char *write_file(const char *text)
{
    snprintf(file_name, sizeof file_name, "/tmp/nacre-auth-XXXXXX");
    int file = mkstemp(file_name);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), (ssize_t)strlen(text));
    close(file);
    return file_name;
}

/* The fixture's object at `key` on a server with a script; user NULL: none in the URL. */
static void begin_at(fixture *f, const step *steps, const char *user, const char *key, const char *a, const char *b,
                     const char *c, bool anonymous)
{
    char location[96], first[512];
    unsigned port = fixture_start(f, steps);
    snprintf(location, sizeof location, "http://%s%s127.0.0.1:%u", user ? user : "", user ? "@" : "", port);
    snprintf(first, sizeof first, a ? a : "http.retries=0", port);
    fixture_open(f, test_call_new("http.netrc=no", first, b ? b : "http.retries=0", c ? c : "http.retries=0", NULL),
                 "http", location, anonymous);
    fixture_set_object(f, "", key, "http://host/d/x");
}

static void begin(fixture *f, const step *steps, const char *a, const char *b)
{
    begin_at(f, steps, NULL, "/d/x", a, b, NULL, false);
}

static void check_sent(const step *steps, const char *user, const char *a, const char *b, const char *c)
{
    fixture f;
    begin_at(&f, steps, user, "/d/x", a, b, c, false);
    if (run_get(&f.get) != NACRE_OK)
        fail_msg("%s", f.get.error.message);
    assert_string_not_equal(f.store->credentials, "none");
    assert_null(strstr(f.store->credentials, "secret"));
    assert_null(strstr(f.store->id, "secret"));
    assert_null(strstr(f.object->id, "secret"));
    end(&f);
}

static void users_and_tokens_are_sent(void **state)
{
    (void)state;
    const step basic[] = {{LINE, BASIC_USER, ANSWER, NULL}, {0}}, odd[] = {{LINE, BASIC_ODD, ANSWER, NULL}, {0}};
    const step bearer[] = {{LINE, "Authorization: Bearer secret", ANSWER, NULL}, {0}};
    check_sent(basic, NULL, "http.userpwd=user:secret", NULL, NULL);
    check_sent(basic, "user:secret", NULL, NULL, NULL);
    check_sent(odd, "u%40v:p:q", NULL, NULL, NULL);
    check_sent(bearer, NULL, "http.bearer=secret", NULL, NULL);
    check_sent(bearer, NULL, "http.bearer=secret", "http.userpwd=user:no", NULL);
    check_sent(basic, "user:secret", "http.bearer=no", "http.userpwd=no:no", NULL);
    check_sent(basic, NULL, "http.bearer=no", "http.userpwd=user:secret", "http.auth=BASIC");
    check_sent(bearer, "no:no", "http.bearer=secret", "http.userpwd=user:no", "http.auth=bearer");
}

static void nothing_is_sent_where_nothing_is_meant(void **state)
{
    (void)state;
    const step steps[] = {{LINE, "!Authorization", ANSWER, NULL}, {0}};
    static const char *const configured[][2] = {
        {NULL, NULL}, {"http.auth=none", "http.bearer=secret"}, {"http.auth=bearer", "http.userpwd=user:secret"}};
    for (size_t i = 0; i < 3; i++) {
        fixture f;
        begin(&f, steps, configured[i][0], configured[i][1]);
        assert_int_equal(run_get(&f.get), NACRE_OK);
        assert_string_equal(f.store->credentials, "none");
        end(&f);
    }
}

static void a_document_elsewhere_gets_no_credentials(void **state)
{
    (void)state;
    fixture f;
    const step steps[] = {{LINE, "!Authorization", ANSWER, NULL}, {LINE, "!X-Key", 401, NULL, NULL, NULL}, {0}};
    begin_at(&f, steps, "user:secret", "/d/x", "http.bearer=secret", "http.headers=X-Key: secret", NULL, true);
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_string_equal(f.store->credentials, "none");
    assert_int_equal(run_get(&f.get), NACRE_ERROR_DENIED);
    assert_string_equal(f.get.error.message,
                        "http://host/d/x: denied (401): it is not public, and what a document names "
                        "in another place is read without credentials");
    end(&f);
}

/* --- netrc. --- */

static void netrc_lines_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host, *user;
    } rows[] = {
        {"machine h login u password p", "h", "u:p"},
        {"machine h\n\tpassword p\n\tlogin u\n\taccount a\n", "h", "u:p"},
        {"machine H login u password p", "h", "u:p"},
        {"machine a login u password p machine h login v password q", "h", "v:q"},
        {"machine h login u password p machine h login v password q", "h", "u:p"},
        {"# machine h login no password no\nmachine h login u password p#1", "h", "u:p#1"},
        {"macdef init\nmachine h login no password no\n\nmachine h login u password p", "h", "u:p"},
        {"machine h login \"u v\" password \"p\\\"q\\\\\"", "h", "u v:p\"q\\"},
        {"machine h login u", "h", "u:"},
        {"machine h.evil login u password p", "h", NULL},
        {"machine evil.h login u password p", "h", NULL},
        {"default login u password p", "h", NULL},
        {"machine a login u password p default login v password q", "h", NULL},
        {"machine h", "h", NULL},
        {"machine", "h", NULL},
        {"", "h", NULL},
        {"machine h login", "h", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *user;
        assert_true(ncr_netrc_find(rows[i].text, rows[i].host, &user));
        if ((user && rows[i].user) ? strcmp(user, rows[i].user) != 0 : user != rows[i].user)
            fail_msg("%s: %s", rows[i].text, user ? user : "none");
        free(user);
    }
}

static void netrc_is_for_its_host_only(void **state)
{
    (void)state;
    char key[64];
    const step basic[] = {{LINE, BASIC_USER, ANSWER, NULL}, {0}},
               none[] = {{LINE, "!Authorization", ANSWER, NULL}, {0}};
    for (int i = 0; i < 4; i++) {
        fixture f;
        bool has = i < 1;
        snprintf(key, sizeof key, "http.netrc_file=%s",
                 write_file(i < 2 ? "machine 127.0.0.1 login user password secret\n"
                                  : "machine localhost login user password secret\ndefault login a password secret\n"));
        begin_at(&f, has ? basic : none, NULL, "/d/x", i == 1 ? "http.netrc=no" : "http.netrc=yes", key, NULL, false);
        if (i == 3)
            unlink(file_name); /* it was read at the open */
        assert_int_equal(run_get(&f.get), NACRE_OK);
        end(&f);
        unlink(file_name);
    }
    const step nothing[] = {{LINE, "!Authorization", ANSWER, NULL}, {0}};
    fixture f;
    begin(&f, nothing, "http.netrc=yes", "http.netrc_file=/proc/none");
    assert_int_equal(run_get(&f.get), NACRE_OK);
    end(&f);
}

static void the_users_own_netrc_is_read(void **state)
{
    (void)state;
    char folder[] = "/tmp/nacre-home-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/.netrc", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("machine 127.0.0.1 login user password secret", file);
    fclose(file);
    setenv("HOME", folder, 1);
    const step basic[] = {{LINE, BASIC_USER, ANSWER, NULL}, {LINE, NULL, 401, NULL, NULL, NULL}, {0}};
    fixture f;
    begin(&f, basic, "http.netrc=yes", NULL);
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_int_equal(run_get(&f.get), NACRE_ERROR_DENIED);
    assert_contains(f.get.error.message, ".netrc were refused");
    end(&f);
    unlink(path);
    rmdir(folder);
}

/* --- Headers. --- */

static void headers_are_sent(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "http.headers=X-Key: secret,X-Other:2",
        "http.headers=\"X-Key: secret\",\"X-Other: 2\"",
        "http.headers=X-Key: secret\nX-Other: 2\n# X-Key: no",
        "http.headers={\"X-Key\": \"secret\", \"X-Other\": \"2\"}",
    };
    for (size_t i = 0; i < 4; i++) {
        const step steps[] = {{LINE, "X-Key: secret", ANSWER, NULL}, {LINE, "X-Other: 2", ANSWER, NULL}, {0}};
        fixture f;
        begin(&f, steps, texts[i], NULL);
        assert_int_equal(run_get(&f.get), NACRE_OK);
        assert_int_equal(run_get(&f.get), NACRE_OK);
        end(&f);
    }
    char key[64];
    snprintf(key, sizeof key, "http.header_file=%s", write_file("X-Key: secret, with comma\n\n# no\nX-Other: 2\n"));
    const step steps[] = {{LINE, "X-Key: secret, with comma", ANSWER, NULL}, {0}};
    check_sent(steps, NULL, key, NULL, NULL);
    unlink(file_name);
}

static void headers_of_a_folder_go_nowhere_else(void **state)
{
    (void)state;
    static const struct {
        const char *map, *key, *line, *header;
    } rows[] = {
        {"http.headers={\"http://127.0.0.1:%u/d/\": {\"X-Key\": \"1\"}}", "/d/x", "GET /d/x", "X-Key: 1"},
        {"http.headers={\"HTTP://127.0.0.1:%u/d\": {\"X-Key\": \"1\"}}", "/d/x", "GET /d/x", "X-Key: 1"},
        {"http.headers={\"http://127.0.0.1:%u/\": {\"X-Key\": \"1\"}}", "/d/x", "GET /d/x", "X-Key: 1"},
        {"http.headers={\"http://127.0.0.1:%u\": {\"X-Key\": \"1\"}}", "/d/x", "GET /d/x", "X-Key: 1"},
        {"http.headers={\"http://127.0.0.1:%u/d\": {\"X-Key\": \"1\"}}", "/dd/x", "GET /dd/x", "!X-Key"},
        {"http.headers={\"http://127.0.0.1:%u/e/\": {\"X-Key\": \"1\"}}", "/d/x", "GET /d/x", "!X-Key"},
        {"http.headers={\"http://127.0.0.1:%u/d/\": {\"X-Key\": \"1\"}}", "/d/../x", "GET /d/../x", "!X-Key"},
        {"http.headers={\"http://127.0.0.1:%u/d/\": {\"X-Key\": \"1\"}}", "/d/%2F../x", "GET /d/%2F../x", "!X-Key"},
        {"http.headers={\"https://127.0.0.1:%u/\": {\"X-Key\": \"1\"}}", "/d/x", "GET /d/x", "!X-Key"},
        {"http.headers={\"http://127.0.0.1:1/\": {\"X-Key\": \"1\"}}", "/d/x", "GET /d/x", "!X-Key"},
        {"http.headers={\"http://127.0.0.1/\": {\"X-Key\": \"1\"}}", "/d/x", "GET /d/x", "!X-Key"},
        {"http.headers={\"X-Key\": \"2\", \"http://127.0.0.1:%u/d/\": {\"x-key\": \"1\"}}", "/d/x", "GET /d/x",
         "X-Key: 1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fixture f;
        const step steps[] = {{rows[i].line, rows[i].header, ANSWER, NULL}, {0}};
        begin_at(&f, steps, NULL, rows[i].key, rows[i].map, NULL, NULL, false);
        if (run_get(&f.get) != NACRE_OK)
            fail_msg("%s: %s", rows[i].map, f.get.error.message);
        end(&f);
    }
}

static void a_header_for_a_folder_stands_for_the_user(void **state)
{
    (void)state;
    const step steps[] = {{LINE, "Authorization: Token secret", ANSWER, NULL}, {0}};
    check_sent(steps, NULL, "http.headers={\"http://127.0.0.1:%u/d/\": {\"Authorization\": \"Token secret\"}}",
               "http.bearer=no", NULL);
    const step other[] = {{LINE, "Authorization: Bearer secret", ANSWER, NULL}, {0}};
    check_sent(other, NULL, "http.headers={\"http://127.0.0.1:%u/e/\": {\"Authorization\": \"Token no\"}}",
               "http.bearer=secret", NULL);
}

static void what_makes_no_sense_is_said_without_its_secret(void **state)
{
    (void)state;
    static const struct {
        const char *key, *message;
        nacre_status status;
    } rows[] = {
        {"http.headers=Range: secret", "http.headers: 'Range' is a header that nacre sets itself", NACRE_ERROR_INVALID},
        {"http.headers=if-match: secret", "nacre sets itself", NACRE_ERROR_INVALID},
        {"http.headers=Cache-Control: secret", "nacre sets itself", NACRE_ERROR_INVALID},
        {"http.headers=secret", "http.headers: a line is not NAME: VALUE", NACRE_ERROR_INVALID},
        {"http.headers=X Y: secret", "'X Y' is no name of a header", NACRE_ERROR_INVALID},
        {"http.headers={\"X\": 1}", "neither a text nor an object", NACRE_ERROR_INVALID},
        {"http.headers={\"X\": \"secret\"", "begins like a JSON object", NACRE_ERROR_INVALID},
        {"http.headers={\"X\": \"secret\\r\\nY: 1\"}", "control character", NACRE_ERROR_INVALID},
        {"http.headers={\"ftp://h/\": {\"X\": \"secret\"}}", "neither a header nor an http", NACRE_ERROR_INVALID},
        {"http.header_file=/proc/none", "/proc/none: not found", NACRE_ERROR_NOT_FOUND},
        {"http.bearer=secret\nX: 1", "http.bearer: has a line break", NACRE_ERROR_INVALID},
        {"http.auth=NTLM", "http.auth: 'NTLM' is not supported; nacre knows auto, basic, bearer and none",
         NACRE_ERROR_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ncr_call *call = test_call_new(rows[i].key, NULL);
        ncr_store *store;
        nacre_error err;
        assert_int_equal(ncr_store_open("http", "http://h", false, call->config, &store, &err), rows[i].status);
        assert_contains(err.message, rows[i].message);
        assert_null(strstr(err.message, "secret"));
        /* What is read without credentials does not need them to be right. */
        assert_int_equal(ncr_store_open("http", "http://h", true, call->config, &store, &err), NACRE_OK);
        ncr_store_unref(store);
        ncr_call_unref(call);
    }
}

static void gdals_names_are_known(void **state)
{
    (void)state;
    setenv("GDAL_HTTP_HEADERS", "X-Key: secret", 1);
    setenv("GDAL_HTTP_USERPWD", "user:secret", 1);
    const step steps[] = {{LINE, BASIC_USER, ANSWER, NULL}, {LINE, "X-Key: secret", ANSWER, NULL}, {0}};
    fixture f;
    begin(&f, steps, NULL, NULL);
    assert_int_equal(run_get(&f.get), NACRE_OK);
    assert_int_equal(run_get(&f.get), NACRE_OK);
    end(&f);
    unsetenv("GDAL_HTTP_HEADERS");
    unsetenv("GDAL_HTTP_USERPWD");
}

/* --- Refusals. --- */

static void refusals_say_what_to_do(void **state)
{
    (void)state;
    static const struct {
        const char *user, *key, *config, *message;
    } rows[] = {
        {NULL, "/d/x", NULL,
         "denied (403): it is not public, and no credentials were found (looked in the URL, http.bearer, http.userpwd, "
         "http.headers, ~/.netrc)"},
        {NULL, "/d/x", "http.bearer=secret", "denied (403): the credentials from http.bearer were refused"},
        {"user:secret", "/d/x", NULL, "denied (403): the credentials from the URL were refused"},
        {NULL, "/d/x", "http.headers=authorization: secret",
         "denied (403): the credentials from http.headers were refused"},
        {NULL, "/d/x?a=1&X-Amz-Signature=secret", NULL,
         "denied (403): the signature in the URL is wrong or has ended; get a new one"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char get[64], head[64];
        snprintf(get, sizeof get, "GET %s", rows[i].key);
        snprintf(head, sizeof head, "HEAD %s", rows[i].key);
        const step steps[] = {
            {get, NULL, 403, NULL, "secret"}, {head, NULL, 403, NULL, NULL}, {get, NULL, 403, NULL, ""}, {0}};
        fixture f;
        begin_at(&f, steps, rows[i].user, rows[i].key, rows[i].config, NULL, NULL, false);
        ncr_stat_op op = {.object = f.object, .call = f.call};
        assert_int_equal(run_get(&f.get), NACRE_ERROR_DENIED);
        assert_int_equal(f.get.error.http_status, 403);
        assert_contains(f.get.error.message, rows[i].message);
        assert_int_equal(run_stat(&op), NACRE_ERROR_DENIED);
        assert_string_equal(op.error.message, f.get.error.message);
        assert_null(strstr(op.error.message, "secret"));
        end(&f);
    }
}

static void a_redirect_elsewhere_that_is_denied_is_told(void **state)
{
    (void)state;
    script other;
    const step there[] = {{"GET /y", "!Authorization", 403, NULL, NULL, NULL}, {0}};
    char location[96];
    snprintf(location, sizeof location, "Location: http://localhost:%u/y\r\n", script_start(&other, there));
    const step steps[] = {{LINE, "Authorization: Bearer secret", 302, location, NULL, NULL}, {0}};
    fixture f;
    begin(&f, steps, "http.bearer=secret", NULL);
    assert_int_equal(run_get(&f.get), NACRE_ERROR_DENIED);
    assert_contains(f.get.error.message, "it was redirected to localhost, which gets no credentials of 127.0.0.1");
    end(&f);
    script_end(&other);
}

static void what_is_missing_is_said_with_a_cure(void **state)
{
    (void)state;
    const step steps[] = {{LINE, NULL, 404, NULL, NULL, NULL}, {0}};
    fixture f;
    begin(&f, steps, NULL, NULL);
    assert_int_equal(run_get(&f.get), NACRE_ERROR_NOT_FOUND);
    assert_string_equal(f.get.error.message,
                        "http://host/d/x: not found (404): the server has nothing at this path; check its spelling");
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_and_tokens_are_sent),
        cmocka_unit_test(nothing_is_sent_where_nothing_is_meant),
        cmocka_unit_test(a_document_elsewhere_gets_no_credentials),
        cmocka_unit_test(netrc_lines_are_read),
        cmocka_unit_test(netrc_is_for_its_host_only),
        cmocka_unit_test(the_users_own_netrc_is_read),
        cmocka_unit_test(headers_are_sent),
        cmocka_unit_test(headers_of_a_folder_go_nowhere_else),
        cmocka_unit_test(a_header_for_a_folder_stands_for_the_user),
        cmocka_unit_test(what_makes_no_sense_is_said_without_its_secret),
        cmocka_unit_test(gdals_names_are_known),
        cmocka_unit_test(refusals_say_what_to_do),
        cmocka_unit_test(a_redirect_elsewhere_that_is_denied_is_told),
        cmocka_unit_test(what_is_missing_is_said_with_a_cure),
    };
    return cmocka_run_group_tests(tests, clear_environment, NULL);
}
