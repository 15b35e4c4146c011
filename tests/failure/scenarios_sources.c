/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/call.h"
#include "file_steps.h"
#include "store/gs/credentials.h"

/* Who asks: each source of credentials. Secrets live as long as the process, so each run has a source that differs from
 * all earlier ones by a number. */

static unsigned number;

static void set(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void set(const char *name, const char *format, ...)
{
    char value[512];
    va_list args;
    va_start(args, format);
    vsnprintf(value, sizeof value, format, args);
    va_end(args);
    setenv(name, value, 1);
}

/* A file in keys/, and its path. */
static const char *write_key(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
static const char *write_key(const char *name, const char *format, ...)
{
    static char path[64];
    snprintf(path, sizeof path, "keys/%s", name);
    FILE *file = fopen(path, "w");
    if (!file)
        exit(1);
    va_list args;
    va_start(args, format);
    vfprintf(file, format, args);
    va_end(args);
    if (fclose(file) != 0)
        exit(1);
    return path;
}

/* --- Google. --- */

static void service_account(void)
{
    static char key[4096];
    size_t at = 0;
    FILE *file = fopen("keys/key.pem", "r");
    for (int c; file && (c = getc(file)) != EOF && at < sizeof key - 3;)
        if (c == '\n') {
            key[at++] = '\\';
            key[at++] = 'n';
        } else {
            key[at++] = (char)c;
        }
    if (!file)
        exit(1);
    fclose(file);
    key[at] = '\0';
    unsetenv("NACRE_GS_ACCESS_TOKEN");
    set("GOOGLE_APPLICATION_CREDENTIALS", "%s",
        write_key("service.json",
                  "{\"type\": \"service_account\", \"client_email\": \"me@example.com\", \"private_key_id\": \"%u\", "
                  "\"private_key\": \"%s\", \"token_uri\": \"%s/google-token\"}",
                  ++number, key, scene_web()));
}

static void user(void)
{
    unsetenv("NACRE_GS_ACCESS_TOKEN");
    set("GOOGLE_APPLICATION_CREDENTIALS", "%s",
        write_key("user.json",
                  "{\"type\": \"authorized_user\", \"client_id\": \"%u\", \"client_secret\": \"s\", "
                  "\"refresh_token\": \"r\", \"token_uri\": \"%s/google-token\"}",
                  ++number, scene_web()));
}

static nacre_status gs_stat(uint64_t *result, nacre_error *err)
{
    return steps_stat("gs://b/in/bytes", result, err);
}

/* The metadata server is asked for Google's own endpoint only, so the object itself is not read. */
static void metadata_server(void)
{
    unsetenv("NACRE_GS_ACCESS_TOKEN");
    set("GCE_METADATA_HOST", "%s/%u", scene_web() + strlen("http://"), ++number);
}

static nacre_status find_token(uint64_t *result, nacre_error *err)
{
    ncr_call *call;
    ncr_gs_identity identity = {0};
    ncr_secret *secret = NULL;
    nacre_status status = ncr_call_new(NULL, &call, err);
    if (status != NACRE_OK)
        return status;
    status = ncr_gs_identity_find(call->config, true, &identity, err);
    if (status == NACRE_OK)
        status = ncr_credentials_wait(identity.credentials, call, "gs://b/in/bytes", &secret, err);
    if (status == NACRE_OK)
        result_add(result, secret->token ? secret->token : "none", strlen(secret->token ? secret->token : "none"));
    ncr_secret_unref(secret);
    ncr_gs_identity_clear(&identity);
    ncr_call_unref(call);
    return status;
}

/* --- Amazon. --- */

static void no_keys(void)
{
    unsetenv("AWS_ACCESS_KEY_ID");
    unsetenv("AWS_SECRET_ACCESS_KEY");
    set("AWS_PROFILE", "p%u", ++number);
}

static void set_profile(const char *name, const char *text)
{
    set("AWS_CONFIG_FILE", "%s", write_key("aws", "[profile p%u]\nregion = us-east-1\n%s\n", number, text));
    set("AWS_SHARED_CREDENTIALS_FILE", "keys/%s", name);
}

static void profile(void)
{
    no_keys();
    write_key("aws-keys", "[p%u]\naws_access_key_id = KEY\naws_secret_access_key = SECRET\n", number);
    set_profile("aws-keys", "");
}

#define ROLE "\"AccessKeyId\": \"ROLE\", \"SecretAccessKey\": \"SECRET\", \"SessionToken\": \"TOKEN\""

static void program(void)
{
    no_keys();
    write_key("process.json", "{\"Version\": 1, " ROLE ", \"Expiration\": \"2999-01-01T00:00:00Z\"}");
    set_profile("none", "credential_process = cat keys/process.json");
}

static void no_profile(void)
{
    no_keys();
    unsetenv("AWS_PROFILE");
    set("AWS_CONFIG_FILE", "keys/none");
    set("AWS_SHARED_CREDENTIALS_FILE", "keys/none");
}

static void instance(void)
{
    no_profile();
    set("AWS_EC2_METADATA_DISABLED", "false");
    set("AWS_EC2_METADATA_SERVICE_ENDPOINT", "%s/%u", scene_web(), number);
}

static void container(void)
{
    no_profile();
    set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "%s/%u/container", scene_web(), number);
    set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "%s", write_key("container-token", "a token\n"));
}

static void web_identity(void)
{
    no_profile();
    set("AWS_WEB_IDENTITY_TOKEN_FILE", "%s", write_key("web-token", "a token\n"));
    set("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/r%u", number);
    set("AWS_ENDPOINT_URL_STS", "%s/sts", scene_web());
}

static nacre_status s3_stat(uint64_t *result, nacre_error *err)
{
    return steps_stat("s3://b/in/bytes", result, err);
}

/* --- Azure. --- */

static void application(void)
{
    unsetenv("NACRE_AZ_ACCESS_KEY");
    set("AZURE_AUTHORITY_HOST", "%s", scene_web());
    set("AZURE_TENANT_ID", "t%u", ++number);
    set("AZURE_CLIENT_ID", "c");
}

static void client_secret(void)
{
    application();
    set("AZURE_CLIENT_SECRET", "s");
}

static void workload(void)
{
    application();
    set("AZURE_FEDERATED_TOKEN_FILE", "%s", write_key("federated", "a token\n"));
}

static void managed_machine(void)
{
    unsetenv("NACRE_AZ_ACCESS_KEY");
    set("NACRE_AZ_METADATA_ENDPOINT", "%s/%u", scene_web(), ++number);
}

static void managed_service(void)
{
    unsetenv("NACRE_AZ_ACCESS_KEY");
    set("IDENTITY_ENDPOINT", "%s/%u/service-identity", scene_web(), ++number);
    set("IDENTITY_HEADER", "h");
}

static void signature(void)
{
    unsetenv("NACRE_AZ_ACCESS_KEY");
    set("NACRE_AZ_SAS_TOKEN", "sv=2022-11-02&sp=r&sig=c2ln");
}

static nacre_status az_stat(uint64_t *result, nacre_error *err)
{
    return steps_stat("az://b/in/bytes", result, err);
}

/* clang-format off */
#define SOURCE(name, prepare, run, path, marks) \
    {name, NULL, {path, "GOOGLE_APPLICATION_CREDENTIALS: "}, prepare, NULL, run, marks}
const scenario source_scenarios[] = {
    SOURCE("gs-service-account", service_account, gs_stat, "gs://b/in/bytes", SCENARIO_WHOLE),
    SOURCE("gs-user", user, gs_stat, "gs://b/in/bytes", SCENARIO_WHOLE),
    SOURCE("gs-metadata", metadata_server, find_token, "gs://b/in/bytes", SCENARIO_WHOLE),
    SOURCE("s3-profile", profile, s3_stat, "s3", SCENARIO_WHOLE),
    SOURCE("s3-process", program, s3_stat, "s3", SCENARIO_WHOLE),
    SOURCE("s3-instance", instance, s3_stat, "s3", SCENARIO_WHOLE),
    SOURCE("s3-container", container, s3_stat, "s3", SCENARIO_WHOLE),
    SOURCE("s3-web-identity", web_identity, s3_stat, "s3", SCENARIO_WHOLE),
    SOURCE("az-secret", client_secret, az_stat, "az", SCENARIO_WHOLE),
    SOURCE("az-workload", workload, az_stat, "az", SCENARIO_WHOLE),
    SOURCE("az-machine", managed_machine, az_stat, "az", SCENARIO_WHOLE),
    SOURCE("az-service", managed_service, az_stat, "az", SCENARIO_WHOLE),
    SOURCE("az-signature", signature, az_stat, "az", SCENARIO_WHOLE),
    {0},
};
/* clang-format on */
