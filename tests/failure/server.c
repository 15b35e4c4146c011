/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scenario.h"

/* Who gives credentials is told apart by words in the path, which begins as each run likes: so each run has a source
 * of its own, whose secret no earlier run has fetched. */

static const char far[] = "2999-01-01T00:00:00Z";

typedef struct {
    const char *word, *method, *body;
    const char *header; /* a header that must be there; NULL: none */
} gift;

#define KEYS "\"AccessKeyId\": \"ROLE\", \"SecretAccessKey\": \"SECRET\", \"Token\": \"TOKEN\", \"Expiration\": \"%s\"}"
#define OAUTH \
    "{\"access_token\": \"token\", \"token_type\": \"Bearer\", \"expires_in\": 3600, \"scope\": \"of everything\"}"

static const gift gifts[] = {
    {"/computeMetadata/v1/", "GET", OAUTH, "Metadata-Flavor"},
    {"/google-token", "POST", OAUTH, NULL},
    {"/oauth2/v2.0/token", "POST", OAUTH, NULL},
    {"/metadata/identity/", "GET", OAUTH, "Metadata"},
    {"/service-identity", "GET", OAUTH, "X-IDENTITY-HEADER"},
    {"/latest/api/token", "PUT", "session", "X-aws-ec2-metadata-token-ttl-seconds"},
    {"/security-credentials/role", "GET", "{\"Code\": \"Success\", " KEYS, "X-aws-ec2-metadata-token"},
    {"/security-credentials/", "GET", "role", "X-aws-ec2-metadata-token"},
    {"/container", "GET", "{" KEYS, NULL},
    {"/sts", "POST",
     "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
     "<AccessKeyId>ROLE</AccessKeyId><SecretAccessKey>SECRET</SecretAccessKey><SessionToken>TOKEN</SessionToken>"
     "<Expiration>%s</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
     NULL},
};

static bool give(const test_request *request, test_answer *answer)
{
    static char body[1024];
    char unused[256];
    for (size_t i = 0; i < sizeof gifts / sizeof *gifts; i++) {
        const gift *g = &gifts[i];
        if (!strstr(request->target, g->word))
            continue;
        bool is_right = strcmp(request->method, g->method) == 0 &&
                        (!g->header || test_request_header(request, g->header, unused, sizeof unused));
        const char *time = strstr(g->body, "%s");
        int before = time ? (int)(time - g->body) : (int)strlen(g->body);
        snprintf(body, sizeof body, "%.*s%s%s", before, g->body, time ? far : "", time ? time + 2 : "");
        answer->status = is_right ? 200 : 401;
        answer->headers = "Metadata-Flavor: Google\r\n";
        answer->body = body;
        answer->body_size = is_right ? strlen(body) : 0;
        return true;
    }
    return false;
}

bool server_read_file(const char *path, const uint8_t **data, size_t *size)
{
    static uint8_t bytes[20 << 20];
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    *data = bytes;
    *size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return true;
}

static void answer_file(const test_request *request, test_answer *answer)
{
    static test_object object;
    static char etag[32];
    char path[256];
    uint64_t hash = 0;
    snprintf(path, sizeof path, "in/%s", request->target + strlen("/files/"));
    answer->status = 404;
    if (strchr(path + 3, '/') || !server_read_file(path, &object.data, &object.size))
        return;
    result_add(&hash, object.data, object.size);
    snprintf(etag, sizeof etag, "\"%016jx\"", (uintmax_t)hash);
    object.etag = etag;
    test_object_answer(&object, request, answer);
}

static void answer_request(void *user, const test_request *request, test_answer *answer)
{
    (void)user;
    answer->status = 404;
    if (strncmp(request->target, "/files/", strlen("/files/")) == 0)
        answer_file(request, answer);
    else if (strncmp(request->target, "/acct/", strlen("/acct/")) == 0)
        server_az_answer(request, answer);
    else
        give(request, answer);
}

void server_run(void)
{
    test_server *server = test_server_start_lasting(answer_request, NULL);
    if (!server)
        return;
    printf("listening on http://127.0.0.1:%u\n", test_server_port(server));
    fflush(stdout);
    for (;;)
        pause();
}
