/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "store/change.h"
#include "store/gs_model.h"

/* Changes whose answers are lost: by faults before and after the effect, by connections that are cut at every byte, and
 * with others who write in between. Every change happens once, or is said not to have happened. */

typedef struct {
    model model;
    test_server *server;
    ncr_call *call;
    ncr_store *store;
    ncr_object *object, *source;
    ncr_outcome outcome; /* of the change that was made last */
    nacre_error err;
} fixture;

typedef enum { PUT, COPY, DROP, UPLOAD } change_kind;

static unsigned fault_at, fault_count;
static int fault_status;

static void begin_at(fixture *f, unsigned port)
{
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "gs.endpoint=http://127.0.0.1:%u", port);
    f->call = test_call_new("gs.access_token=t", endpoint, NULL);
    f->store = open_store("gs", NULL, false, f->call);
    f->object = ncr_object_new(f->store, "bkt", "k", "gs://bkt/k", false);
    f->source = ncr_object_new(f->store, "bkt", "source", "gs://bkt/source", false);
}

static void begin(fixture *f)
{
    *f = (fixture){.model = {.age_ms = 100000}};
    f->server = test_server_start(model_answer, &f->model);
    begin_at(f, test_server_port(f->server));
    fault_at = fault_count = 0;
    fault_status = 503;
}

static void end_client(fixture *f)
{
    ncr_object_unref(f->object);
    ncr_object_unref(f->source);
    ncr_store_unref(f->store);
    ncr_call_unref(f->call);
}

static void end(fixture *f)
{
    end_client(f);
    test_server_stop(f->server);
    model_clear(&f->model);
}

static nacre_status put_on(fixture *f, ncr_condition condition)
{
    ncr_put put = {.object = f->object, .call = f->call, .condition = condition, .data = "mine", .size = 4};
    put.content_type = "text/plain";
    nacre_status status = ncr_store_put(&put, &f->err);
    f->outcome = put.outcome;
    return status;
}

static nacre_status copy(fixture *f)
{
    ncr_copy copy = {.source = f->source, .destination = f->object, .call = f->call};
    nacre_status status = ncr_store_copy(&copy, &f->err);
    f->outcome = copy.outcome;
    return status;
}

static nacre_status drop(fixture *f)
{
    ncr_delete op = {.object = f->object, .call = f->call};
    nacre_status status = ncr_store_remove(&op, &f->err);
    f->outcome = op.outcome;
    return status;
}

static nacre_status upload(fixture *f)
{
    ncr_upload *upload;
    ncr_object_facts facts;
    const ncr_store_class *class = f->store->class;
    nacre_status status = class->upload_begin(f->object, f->call, NULL, "text/plain", &upload, &f->err);
    if (status == NACRE_OK)
        status = class->upload_part(upload, 1, "mine", 4, &f->err);
    return status == NACRE_OK ? class->upload_finish(upload, &f->outcome, &facts, &f->err) : status;
}

/* Makes a change without a condition: but for a drop, the object becomes "mine". */
static nacre_status make(fixture *f, change_kind kind)
{
    switch (kind) {
    case PUT:
        return put_on(f, (ncr_condition){0});
    case COPY:
        return copy(f);
    case DROP:
        return drop(f);
    case UPLOAD:
        break;
    }
    return upload(f);
}

/* --- Faults. --- */

static bool is_faulty(const model *m)
{
    return m->count > fault_at && m->count <= fault_at + fault_count;
}

static void fault_before(model *m, const test_request *request, test_answer *answer)
{
    (void)request;
    if (is_faulty(m))
        answer->status = fault_status;
}

static void fault_after(model *m, const test_request *request, test_answer *answer)
{
    (void)request;
    if (is_faulty(m))
        *answer = (test_answer){.status = fault_status};
}

/* Runs each kind of change with faults from request `at` on, before or after the effect. */
static void check_faults(unsigned at, unsigned count, bool is_after, int status, bool is_there)
{
    for (change_kind kind = PUT; kind <= DROP; kind++) {
        fixture f;
        if (kind == DROP && !is_there)
            continue;
        begin(&f);
        model_write(&f.model, "source", "mine", 4);
        if (is_there)
            model_write(&f.model, "k", "old", 3);
        fault_at = at;
        fault_count = count;
        fault_status = status;
        *(is_after ? &f.model.after : &f.model.before) = is_after ? fault_after : fault_before;
        nacre_status result = make(&f, kind);
        if (result != NACRE_OK)
            fail_msg("kind %d, fault at %u: %s", kind, at, f.err.message);
        assert_int_equal(f.outcome, NCR_OUTCOME_DONE);
        model_object *object = model_find(&f.model, "k");
        if (kind != DROP) {
            assert_true(model_has(&f.model, "k", "mine"));
            assert_int_equal(object->writes, 1 + is_there);
        } else {
            assert_int_equal(object->generation, 0);
        }
        end(&f);
    }
}

static void faults_before_and_after_the_effect_are_survived(void **state)
{
    (void)state;
    static const int statuses[] = {503, 500, 429};
    for (unsigned at = 0; at < 3; at++)
        for (unsigned count = 1; count < 4; count++)
            for (int is_after = 0; is_after < 2; is_after++)
                for (int is_there = 0; is_there < 2; is_there++)
                    check_faults(at, count, is_after, statuses[count - 1], is_there);
}

static void a_new_small_object_costs_one_request(void **state)
{
    (void)state;
    fixture f;
    begin(&f);
    assert_int_equal(make(&f, PUT), NACRE_OK);
    assert_int_equal(f.model.count, 1);
    end(&f);
}

static void a_missing_object_is_not_deleted(void **state)
{
    (void)state;
    fixture f;
    begin(&f);
    assert_int_equal(make(&f, DROP), NACRE_ERROR_NOT_FOUND);
    assert_int_equal(f.outcome, NCR_OUTCOME_NOT_DONE);
    end(&f);
}

/* --- Others. --- */

/* Another writes as soon as the first change has taken effect, whose answer is lost. */
static void overtake_after(model *m, const test_request *request, test_answer *answer)
{
    bool is_change = strcmp(request->method, "GET") != 0;
    if (is_change && answer->status < 300 && !fault_count) {
        fault_count = 1;
        model_write(m, "k", "theirs", 6);
        *answer = (test_answer){.status = 503};
    }
}

static void a_value_does_not_come_back_after_anothers_write(void **state)
{
    (void)state;
    for (change_kind kind = PUT; kind <= DROP; kind++) {
        fixture f;
        begin(&f);
        model_write(&f.model, "source", "mine", 4);
        model_write(&f.model, "k", "old", 3);
        f.model.after = overtake_after;
        nacre_status status = make(&f, kind);
        /* Nor is it said to be made: the other's write may have had a condition. */
        assert_int_equal(status, NACRE_ERROR_UNAVAILABLE);
        assert_int_equal(f.outcome, NCR_OUTCOME_UNKNOWN);
        assert_true(model_has(&f.model, "k", "theirs"));
        end(&f);
    }
}

/* Another makes the object while a put that guessed that there is none has lost its answer. */
static void what_cannot_be_known_is_said(void **state)
{
    (void)state;
    fixture f;
    begin(&f);
    f.model.after = overtake_after;
    f.model.age_ms = 0;
    assert_int_equal(make(&f, PUT), NACRE_ERROR_UNAVAILABLE);
    assert_int_equal(f.outcome, NCR_OUTCOME_UNKNOWN);
    assert_non_null(strstr(f.err.message, "gs://bkt/k: the store's answer was lost"));
    assert_true(model_has(&f.model, "k", "theirs"));
    end(&f);
}

/* The first attempt has happened, and its answer was lost; then another has written, so the second is refused. */
static void a_change_that_may_have_happened_is_not_called_refused(void **state)
{
    (void)state;
    for (int is_replacing = 0; is_replacing < 2; is_replacing++) {
        fixture f;
        ncr_version old = {.strong = true};
        begin(&f);
        if (is_replacing) {
            model_write(&f.model, "k", "old", 3);
            snprintf(old.token, sizeof old.token, "generation=%lld", (long long)model_find(&f.model, "k")->generation);
        }
        f.model.after = overtake_after;
        f.model.age_ms = 0;
        ncr_condition condition = {.absent = !is_replacing, .version = is_replacing ? &old : NULL};
        assert_int_equal(put_on(&f, condition), NACRE_ERROR_UNAVAILABLE);
        assert_int_equal(f.outcome, NCR_OUTCOME_UNKNOWN);
        assert_non_null(strstr(f.err.message, "the condition no longer holds"));
        assert_true(model_has(&f.model, "k", "theirs"));
        end(&f);
    }
}

/* The first attempt failed before it did anything: what is there is older than the change. */
static void a_change_that_cannot_have_happened_is_refused(void **state)
{
    (void)state;
    fixture f;
    begin(&f);
    model_write(&f.model, "k", "theirs", 6);
    fault_count = 1;
    f.model.before = fault_before;
    assert_int_equal(put_on(&f, (ncr_condition){.absent = true}), NACRE_ERROR_EXISTS);
    assert_int_equal(f.outcome, NCR_OUTCOME_NOT_DONE);
    end(&f);
}

/* What came of the attempts of a change, and what that says. */
static void only_what_may_have_left_may_have_happened(void **state)
{
    (void)state;
    static const struct {
        nacre_status status;
        int code;
        unsigned attempts, sent;
        ncr_outcome outcome;
    } rows[] = {
        {NACRE_ERROR_UNAVAILABLE, 0, 3, 0, NCR_OUTCOME_NOT_DONE}, /* never a connection */
        {NACRE_ERROR_UNAVAILABLE, 0, 3, 1, NCR_OUTCOME_UNKNOWN},
        {NACRE_ERROR_REFUSED, 0, 1, 0, NCR_OUTCOME_NOT_DONE},
        {NACRE_ERROR_DENIED, 0, 2, 1, NCR_OUTCOME_UNKNOWN}, /* the credentials ended after the first */
        {NACRE_OK, 412, 2, 1, NCR_OUTCOME_NOT_DONE},        /* the first came to no connection */
        {NACRE_OK, 412, 2, 2, NCR_OUTCOME_UNKNOWN},
        {NACRE_OK, 503, 1, 1, NCR_OUTCOME_UNKNOWN},
        {NACRE_OK, 200, 2, 2, NCR_OUTCOME_DONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ncr_http_request request = {.status = rows[i].status};
        request.response.status = rows[i].code;
        request.response.attempts = rows[i].attempts;
        request.response.sent = rows[i].sent;
        if (ncr_change_outcome(&request) != rows[i].outcome)
            fail_msg("row %zu", i);
    }
}

/* A socket with a port at which nobody listens. */
static int hold_port(unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    getsockname(fd, (struct sockaddr *)&address, &size);
    *port = ntohs(address.sin_port);
    return fd;
}

static void a_change_that_found_no_server_did_not_happen(void **state)
{
    (void)state;
    for (int is_conditional = 0; is_conditional < 2; is_conditional++) {
        fixture f = {.outcome = NCR_OUTCOME_UNKNOWN};
        unsigned port;
        int fd = hold_port(&port);
        begin_at(&f, port);
        nacre_status status = is_conditional ? put_on(&f, (ncr_condition){.absent = true}) : make(&f, PUT);
        assert_int_equal(status, NACRE_ERROR_UNAVAILABLE);
        assert_int_equal(f.outcome, NCR_OUTCOME_NOT_DONE);
        end_client(&f);
        close(fd);
    }
}

/* Another writes before each of the first changes arrives. */
static unsigned overtaken;
static void overtake_before(model *m, const test_request *request, test_answer *answer)
{
    (void)answer;
    if (strcmp(request->method, "GET") != 0 && overtaken) {
        overtaken--;
        model_write(m, "k", "theirs", 6);
    }
}

static void a_put_that_did_not_happen_is_made_on_what_is_there_now(void **state)
{
    (void)state;
    for (change_kind kind = PUT; kind <= COPY; kind++) {
        fixture f;
        begin(&f);
        model_write(&f.model, "source", "mine", 4);
        f.model.before = overtake_before;
        overtaken = 3;
        assert_int_equal(make(&f, kind), NACRE_OK);
        assert_true(model_has(&f.model, "k", "mine"));
        end(&f);
    }
}

static void a_delete_that_did_not_happen_is_made_on_what_is_there_now(void **state)
{
    (void)state;
    fixture f;
    begin(&f);
    model_write(&f.model, "k", "old", 3);
    f.model.before = overtake_before;
    overtaken = 1;
    assert_int_equal(make(&f, DROP), NACRE_OK);
    assert_int_equal(f.outcome, NCR_OUTCOME_DONE);
    assert_false(model_has(&f.model, "k", "theirs"));
    end(&f);
}

static void a_store_where_others_always_write_is_written_all_the_same(void **state)
{
    (void)state;
    fixture f;
    begin(&f);
    f.model.before = overtake_before;
    overtaken = 1000;
    assert_int_equal(make(&f, PUT), NACRE_OK);
    assert_true(model_has(&f.model, "k", "mine"));
    end(&f);
}

/* Who may write, and not look. */
static void hide(model *m, const test_request *request, test_answer *answer)
{
    (void)m;
    if (strcmp(request->method, "GET") == 0)
        answer->status = 403;
}

static void who_may_not_look_may_write(void **state)
{
    (void)state;
    for (change_kind kind = PUT; kind <= DROP; kind++) {
        fixture f;
        begin(&f);
        model_write(&f.model, "source", "mine", 4);
        model_write(&f.model, "k", "old", 3);
        f.model.before = hide;
        nacre_status status = make(&f, kind);
        if (status != NACRE_OK)
            fail_msg("%s", f.err.message);
        assert_int_equal(model_has(&f.model, "k", "mine"), kind != DROP);
        end(&f);
    }
}

/* --- Connections that are cut at every byte. --- */

/* Passes bytes on between a client and the server, up to a number of them, once. */
typedef struct {
    int listener;
    unsigned port, server_port;
    pthread_t thread;
    _Atomic long up_left, down_left; /* bytes until the cut; negative: none */
    _Atomic bool is_over;
} cutter;

static int connect_to(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Passes what is there on; false: the connection is over. */
static bool pass(int from, int to, _Atomic long *left)
{
    char data[4096];
    long most = *left >= 0 && *left < (long)sizeof data ? *left : (long)sizeof data;
    if (*left == 0) {
        *left = -1; /* once */
        return false;
    }
    ssize_t got = recv(from, data, (size_t)most, 0);
    if (got <= 0 || send(to, data, (size_t)got, MSG_NOSIGNAL) != got)
        return false;
    if (*left >= 0)
        *left -= got;
    return true;
}

static void *pass_all(void *user)
{
    cutter *c = user;
    int client = -1, server = -1;
    while (!c->is_over) {
        struct pollfd fds[3] = {
            {.fd = c->listener, .events = POLLIN}, {.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
        poll(fds, 3, 100);
        bool goes_on = true;
        if (fds[1].revents || c->up_left == 0)
            goes_on = client < 0 || pass(client, server, &c->up_left);
        if (goes_on && (fds[2].revents || c->down_left == 0))
            goes_on = server < 0 || pass(server, client, &c->down_left);
        if (!goes_on || (fds[0].revents && client >= 0)) {
            close(client);
            close(server);
            client = server = -1;
        }
        if (fds[0].revents && client < 0)
            client = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC);
        if (client >= 0 && server < 0)
            server = connect_to(c->server_port);
    }
    if (client >= 0) {
        close(client);
        close(server);
    }
    return NULL;
}

static void start_cutter(cutter *c, unsigned server_port)
{
    *c = (cutter){.server_port = server_port, .up_left = -1, .down_left = -1};
    c->listener = hold_port(&c->port);
    listen(c->listener, 16);
    pthread_create(&c->thread, NULL, pass_all, c);
}

static void stop_cutter(cutter *c)
{
    c->is_over = true;
    shutdown(c->listener, SHUT_RDWR); /* wakes its poll */
    pthread_join(c->thread, NULL);
    close(c->listener);
}

/* One change with the connection cut after so many bytes; false when all of it was shorter. */
static bool check_cut(change_kind kind, bool is_up, long after)
{
    fixture f;
    cutter c;
    f = (fixture){.model = {.age_ms = 100000}};
    f.server = test_server_start(model_answer, &f.model);
    start_cutter(&c, test_server_port(f.server));
    begin_at(&f, c.port);
    model_write(&f.model, "source", "mine", 4);
    model_write(&f.model, "k", "old", 3);
    *(is_up ? &c.up_left : &c.down_left) = after;
    nacre_status status = make(&f, kind);
    bool was_cut = (is_up ? c.up_left : c.down_left) < 0;
    if (status != NACRE_OK)
        fail_msg("kind %d, cut after %ld bytes %s: %s", kind, after, is_up ? "up" : "down", f.err.message);
    assert_int_equal(f.outcome, NCR_OUTCOME_DONE);
    model_object *object = model_find(&f.model, "k");
    if (kind != DROP) {
        assert_true(model_has(&f.model, "k", "mine"));
        assert_int_equal(object->writes, 2);
    } else {
        assert_int_equal(object->generation, 0);
    }
    end_client(&f);
    stop_cutter(&c);
    test_server_stop(f.server);
    model_clear(&f.model);
    return was_cut;
}

static void check_cuts(change_kind kind, long step)
{
    for (int is_up = 0; is_up < 2; is_up++) {
        long after = 0;
        while (check_cut(kind, is_up, after))
            after += step;
        assert_true(after > 100); /* it went through the cutter */
    }
}

static void an_upload_survives_a_cut_at_every_byte(void **state)
{
    (void)state;
    check_cuts(UPLOAD, 1);
}

static void a_put_survives_cuts(void **state)
{
    (void)state;
    check_cuts(PUT, 5);
}

static void a_copy_survives_cuts(void **state)
{
    (void)state;
    check_cuts(COPY, 5);
}

static void a_delete_survives_cuts(void **state)
{
    (void)state;
    check_cuts(DROP, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_before_and_after_the_effect_are_survived),
        cmocka_unit_test(a_new_small_object_costs_one_request),
        cmocka_unit_test(a_missing_object_is_not_deleted),
        cmocka_unit_test(a_value_does_not_come_back_after_anothers_write),
        cmocka_unit_test(what_cannot_be_known_is_said),
        cmocka_unit_test(a_change_that_may_have_happened_is_not_called_refused),
        cmocka_unit_test(a_change_that_cannot_have_happened_is_refused),
        cmocka_unit_test(only_what_may_have_left_may_have_happened),
        cmocka_unit_test(a_change_that_found_no_server_did_not_happen),
        cmocka_unit_test(a_put_that_did_not_happen_is_made_on_what_is_there_now),
        cmocka_unit_test(a_delete_that_did_not_happen_is_made_on_what_is_there_now),
        cmocka_unit_test(a_store_where_others_always_write_is_written_all_the_same),
        cmocka_unit_test(who_may_not_look_may_write),
        cmocka_unit_test(an_upload_survives_a_cut_at_every_byte),
        cmocka_unit_test(a_put_survives_cuts),
        cmocka_unit_test(a_copy_survives_cuts),
        cmocka_unit_test(a_delete_survives_cuts),
    };
    return cmocka_run_group_tests(tests, clear_environment, NULL);
}
