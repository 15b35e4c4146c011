/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/aws/source.h"
#include "store/process.h"

/* Amazon's configuration files, and what is told of sources without asking anybody. */

#define assert_has(text, part)                                      \
    do {                                                            \
        if (!strstr(text, part))                                    \
            fail_msg("'%s' does not contain '%s'", (text), (part)); \
    } while (0)

static ncr_aws_ini *parse(const char *text, bool is_config)
{
    ncr_aws_ini *ini;
    nacre_error err;
    if (ncr_aws_ini_parse(text, strlen(text), "FILE", is_config, &ini, &err) != NACRE_OK)
        fail_msg("%s", err.message);
    return ini;
}

static void assert_value(const ncr_aws_ini *ini, const char *name, const char *key, const char *expected)
{
    const char *value = ncr_aws_ini_get(ini, "profile", name, key, NULL);
    if (!value || !expected)
        assert_true(!value && !expected);
    else
        assert_string_equal(value, expected);
}

static void values_are_read_as_amazon_writes_them(void **state)
{
    (void)state;
    ncr_aws_ini *ini = parse("\xef\xbb\xbf# a comment\r\n"
                             "[default]\r\n"
                             "region=eu-west-1\r\n"
                             "  \r\n"
                             "; another\n"
                             "[ profile   some one ]\n"
                             "Role_ARN = arn:aws:iam::1:role/a#b   # behind it\n"
                             "output =\n"
                             "twice = first\n"
                             "twice = second\n"
                             "s3 =\n"
                             "    endpoint_url = http://h ; behind it\n"
                             "\tmax = 3\n"
                             "[services local]\n"
                             "s3 = \n"
                             "  endpoint_url = http://local\n"
                             "[unknown kind]\n"
                             "not = counted\n"
                             "neither this\n"
                             "[default]\n"
                             "added=1",
                             true);
    assert_value(ini, "default", "region", "eu-west-1");
    assert_value(ini, "default", "added", "1");
    assert_value(ini, "some one", "role_arn", "arn:aws:iam::1:role/a#b");
    assert_value(ini, "some one", "output", NULL);
    assert_value(ini, "some one", "twice", "second");
    assert_value(ini, "some one", "endpoint_url", NULL);
    assert_value(ini, "kind", "not", NULL);
    assert_string_equal(ncr_aws_ini_get(ini, "profile", "some one", "s3", "endpoint_url"), "http://h");
    assert_string_equal(ncr_aws_ini_get(ini, "profile", "some one", "s3", "max"), "3");
    assert_string_equal(ncr_aws_ini_get(ini, "services", "local", "s3", "endpoint_url"), "http://local");
    assert_true(ncr_aws_ini_has(ini, "profile", "some one"));
    assert_false(ncr_aws_ini_has(ini, "profile", "some"));
    assert_false(ncr_aws_ini_has(NULL, "profile", "some one"));
    assert_null(ncr_aws_ini_get(NULL, "profile", "default", "region", NULL));
    ncr_aws_ini_unref(ini);
}

static void sections_are_named_otherwise_in_the_file_of_keys(void **state)
{
    (void)state;
    ncr_aws_ini *ini = parse("[some one]\naws_access_key_id = A\n[profile x]\nkey = v\n", false);
    assert_value(ini, "some one", "aws_access_key_id", "A");
    assert_value(ini, "profile x", "key", "v");
    assert_value(ini, "x", "key", NULL);
    ncr_aws_ini_unref(ini);
    ini = parse("[some one]\nkey = v\n[sso-session]\nkey = v\n", true);
    assert_false(ncr_aws_ini_has(ini, "profile", "some one"));
    assert_false(ncr_aws_ini_has(ini, "sso-session", ""));
    ncr_aws_ini_unref(ini);
}

static void broken_lines_are_told_without_what_is_in_them(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"[default\nkey = v\n", "FILE: line 1: a section without its ']'"},
        {"\nsecret = v\n", "FILE: line 2: a value before the first section"},
        {"[default]\n\nsecret\n", "FILE: line 3: a line without '='"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ncr_aws_ini *ini;
        nacre_error err;
        assert_int_equal(ncr_aws_ini_parse(cases[i].text, strlen(cases[i].text), "FILE", true, &ini, &err),
                         NACRE_ERROR_INVALID);
        assert_null(ini);
        assert_string_equal(err.message, cases[i].says);
    }
    ncr_aws_ini_unref(NULL);
}

static void assert_words(const char *command, const char *joined)
{
    bool lacks_memory;
    char text[128] = "", **words = ncr_process_words(command, &lacks_memory);
    if (!words) {
        assert_null(joined);
        return;
    }
    for (char **at = words; *at; at++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s|", *at);
    assert_non_null(joined);
    assert_string_equal(text, joined);
    ncr_process_words_free(words);
}

static void commands_are_split_as_a_shell_does(void **state)
{
    (void)state;
    assert_words("a b  c", "a|b|c|");
    assert_words("  '/a b/c' \"d e\"f 'g\"h' \"i'j\" ", "/a b/c|d ef|g\"h|i'j|");
    assert_words("a\\ b \"c\\\"d\" 'e\\f' ''", "a b|c\"d|e\\f||");
    assert_words("$HOME `x` ; | &", "$HOME|`x`|;|||&|");
    assert_words("", NULL);
    assert_words("   ", NULL);
    assert_words("a 'b", NULL);
    assert_words("a \"b", NULL);
}

static void credentials_are_asked_for_at_safe_places_only(void **state)
{
    (void)state;
    static const char *const safe[] = {"https://example.com/x",    "http://localhost:1/x",   "http://127.0.0.1/x",
                                       "http://127.9.8.7:80/x",    "http://[::1]:80/x",      "http://169.254.170.2/x",
                                       "http://169.254.170.23/v1", "http://[fd00:ec2::23]/x"};
    static const char *const unsafe[] = {
        "http://example.com/x", "http://169.254.169.254/x",  "http://127.0.0.1.example.com/",
        "ftp://127.0.0.1/x",    "http://user@example.com/x", "127.0.0.1/x",
        "http://10.0.0.1/x"};
    for (size_t i = 0; i < sizeof safe / sizeof safe[0]; i++)
        if (!ncr_aws_container_url_is_safe(safe[i]))
            fail_msg("%s is refused", safe[i]);
    for (size_t i = 0; i < sizeof unsafe / sizeof unsafe[0]; i++)
        if (ncr_aws_container_url_is_safe(unsafe[i]))
            fail_msg("%s is not refused", unsafe[i]);
}

static void sources_differ_where_their_secrets_do(void **state)
{
    (void)state;
    ncr_aws_source *a = ncr_aws_source_new(NCR_AWS_KEYS), *b = ncr_aws_source_new(NCR_AWS_KEYS);
    a->id = strdup("AKIA");
    b->id = strdup("AKIA");
    a->key = strdup("verysecret");
    b->key = strdup("verysecret");
    char *first = ncr_aws_source_id(a), *second = ncr_aws_source_id(b);
    assert_string_equal(first, second);
    assert_null(strstr(first, "AKIA"));
    assert_null(strstr(first, "secret"));
    free(second);
    b->token = strdup("token");
    second = ncr_aws_source_id(b);
    assert_string_not_equal(first, second);
    free(second);
    ncr_aws_source *role = ncr_aws_source_new(NCR_AWS_ROLE);
    role->from = b;
    second = ncr_aws_source_id(role);
    assert_has(second, "aws-role:");
    free(first);
    free(second);
    ncr_aws_source_free(role);
    ncr_aws_source_free(a);
    ncr_aws_source_free(NULL);
}

static void a_service_is_where_its_region_or_the_environment_says(void **state)
{
    (void)state;
    static const char *const names[] = {"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL",
                                        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"};
    for (size_t i = 0; i < 3; i++)
        unsetenv(names[i]);
    static const struct {
        const char *service, *region, *expected;
    } cases[] = {{"sts", "eu-west-1", "https://sts.eu-west-1.amazonaws.com"},
                 {"sts", "cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn"},
                 {"sso", "eu-west-1", "https://portal.sso.eu-west-1.amazonaws.com"}};
    for (size_t i = 0; i < 3; i++) {
        char *url = ncr_aws_service_url(cases[i].service, cases[i].region);
        assert_string_equal(url, cases[i].expected);
        free(url);
    }
    setenv("AWS_ENDPOINT_URL", "http://all/", 1);
    char *url = ncr_aws_service_url("sts", "r");
    assert_string_equal(url, "http://all");
    free(url);
    setenv("AWS_ENDPOINT_URL_STS", "http://sts//", 1);
    url = ncr_aws_service_url("sts", "r");
    assert_string_equal(url, "http://sts");
    free(url);
    for (size_t i = 0; i < 3; i++)
        unsetenv(names[i]);
}

static void secrets_of_json_are_whole_or_an_error(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        nacre_status expected;
        int64_t expires_ms;
    } cases[] = {
        {"{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\"}", NACRE_OK, INT64_MAX},
        {"{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\",\"Token\":\"T\",\"Expiration\":\"2020-11-01T10:00:00Z\"}",
         NACRE_OK, 1604224800000},
        {"{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\",\"Expiration\":\"soon\"}", NACRE_ERROR_DENIED, 0},
        {"{\"AccessKeyId\":\"A\"}", NACRE_ERROR_DENIED, 0},
        {"{\"AccessKeyId\":\"\",\"SecretAccessKey\":\"S\"}", NACRE_ERROR_DENIED, 0},
        {"[]", NACRE_ERROR_DENIED, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ncr_secret *secret;
        nacre_error err;
        json_t *root = json_loads(cases[i].text, 0, NULL);
        assert_int_equal(ncr_aws_secret_from_json(root, "Token", "the service", &secret, &err), cases[i].expected);
        if (secret)
            assert_int_equal(secret->expires_ms, cases[i].expires_ms);
        else
            assert_has(err.message, "the service gives");
        ncr_secret_unref(secret);
        json_decref(root);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read_as_amazon_writes_them),
        cmocka_unit_test(sections_are_named_otherwise_in_the_file_of_keys),
        cmocka_unit_test(broken_lines_are_told_without_what_is_in_them),
        cmocka_unit_test(commands_are_split_as_a_shell_does),
        cmocka_unit_test(credentials_are_asked_for_at_safe_places_only),
        cmocka_unit_test(sources_differ_where_their_secrets_do),
        cmocka_unit_test(a_service_is_where_its_region_or_the_environment_says),
        cmocka_unit_test(secrets_of_json_are_whole_or_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
