/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "net/spoiled.h"

/* The first answer to a request ends after each of its bytes in turn, head and body, by a close or a reset: the bytes
 * that come of it are right, whatever the server says of versions. */

enum { SMALL = 97 };

static size_t cut_at;
static bool is_armed;              /* the next answer is cut */
static bool by_reset, is_replaced; /* another version is there at the second request */
static bool is_chunked;
static uint8_t *others;
static const char *other_etag;

static void cut_first(const test_request *request, test_answer *answer, test_object *object)
{
    (void)request;
    if (is_chunked && answer->status == 200)
        answer->is_chunked = true;
    if (!is_armed)
        return;
    is_armed = false;
    answer->cut_after = cut_at;
    answer->reset = by_reset;
    if (is_replaced) {
        answer->body = others + (object->size - answer->body_size);
        answer->headers = other_etag;
    }
}

typedef struct {
    const char *name, *etag, *headers;
    uint64_t offset;
    size_t length; /* 0: the whole */
    bool is_chunked;
} kind;

static const kind kinds[] = {
    {"strong, whole", "\"v1\"", NULL, 0, 0},
    {"strong, range", "\"v1\"", NULL, 10, 60},
    {"strong, to the end", "\"v1\"", NULL, 90, 60},
    {"weak, whole", "W/\"v1\"", NULL, 0, 0},
    {"weak, range", "W/\"v1\"", NULL, 10, 60},
    {"none, whole", NULL, NULL, 0, 0},
    {"strong, chunked", "\"v1\"", NULL, 0, 0, true},
    {"none, chunked", NULL, NULL, 0, 0, true},
    {"none, range", NULL, NULL, 10, 60},
    {"date, range", NULL, "Last-Modified: Sun, 01 Nov 2020 10:00:00 GMT\r\n", 10, 60},
};

static ncr_http_request *new_request(const fixture *f, const kind *k, ncr_call *call)
{
    ncr_http_request *request = test_get_new(call, f->port, "/k", k->offset, k->length ? k->length : 1);
    if (k->length)
        return request;
    request->range = (ncr_http_range){0};
    free(request->sink.data);
    request->sink = (ncr_http_sink){.whole_limit = SMALL};
    return request;
}

/* Asks once; what comes must be all of one version. */
static void check_cut(const fixture *f, const kind *k, size_t cut, ncr_call *call)
{
    nacre_error err;
    cut_at = cut;
    is_armed = true;
    ncr_http_request *request = new_request(f, k, call);
    if (ncr_http_perform(request, &err) != NACRE_OK)
        fail_msg("%s, cut at %zu: %s", k->name, cut, err.message);
    size_t wanted = !k->length ? SMALL : k->offset + k->length > SMALL ? SMALL - k->offset : k->length;
    size_t got = k->length ? request->response.received : request->response.whole.size;
    const uint8_t *data = k->length ? request->sink.data : request->response.whole.data;
    bool is_first = got == wanted && memcmp(data, f->bytes + k->offset, wanted) == 0;
    bool is_other = got == wanted && is_replaced && memcmp(data, others + k->offset, wanted) == 0;
    if (!is_first && !is_other)
        fail_msg("%s, cut at %zu: wrong bytes", k->name, cut);
    test_get_free(request);
}

/* Each kind, cut after each byte; the last cut lies beyond the answer. */
static void check_kind(const kind *k)
{
    enum { MOST = 500 };
    fixture f;
    uint64_t retries = 0;
    size_t cut = 1;
    begin(&f, cut_first);
    f.object = (test_object){.data = f.bytes, .size = SMALL, .etag = k->etag, .headers = k->headers};
    is_chunked = k->is_chunked;
    ncr_call *call = test_call_new("http.retry_delay=0", NULL);
    do {
        retries = call->counters.retries;
        check_cut(&f, k, cut++, call);
    } while (call->counters.retries > retries && cut < MOST);
    assert_true(cut > (k->length ? k->length : SMALL) && cut < MOST);
    ncr_call_unref(call);
    end(&f);
}

static void check_all(bool reset)
{
    by_reset = reset;
    is_replaced = false;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        check_kind(&kinds[i]);
}

static void every_cut_gives_the_right_bytes(void **state)
{
    (void)state;
    check_all(false);
}

static void every_reset_gives_the_right_bytes(void **state)
{
    (void)state;
    check_all(true);
}

/* The object is replaced between the cut and the next attempt; by one of the same validator where that is weak. */
static void no_cut_mixes_two_versions(void **state)
{
    (void)state;
    others = test_bytes(SIZE, 2);
    is_replaced = true;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const kind *k = &kinds[i];
        if (k->offset) /* the server of the tests gives ranges their heads itself */
            continue;
        by_reset = i % 2;
        other_etag = !k->etag ? NULL : k->etag[0] == '"' ? "ETag: \"v0\"\r\n" : "ETag: W/\"v1\"\r\n";
        check_kind(k);
    }
    free(others);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_gives_the_right_bytes),
        cmocka_unit_test(every_reset_gives_the_right_bytes),
        cmocka_unit_test(no_cut_mixes_two_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
