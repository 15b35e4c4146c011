/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "emulator/emulator.h"

enum { ROOT = 1, LISTEN, S3_LISTEN, LATENCY, BANDWIDTH, FAULT, TOKEN, DENY, HMAC, KEYS, REGION };

static const cli_option options[] = {
    {ROOT, "root", 0, NULL, 0, "DIR", false, "its sub-folders are the buckets; needed"},
    {LISTEN, "listen", 0, NULL, 0, "ADDRESS:PORT", false, "where to listen (127.0.0.1:4443); port 0 takes a free one"},
    {S3_LISTEN, "s3-listen", 0, NULL, 0, "ADDRESS:PORT", false, "one more address, where every request is S3's"},
    {LATENCY, "latency", 0, NULL, 0, "MS", false, "delay before each response, and once more on a new connection"},
    {BANDWIDTH, "bandwidth", 0, NULL, 0, "MIB_S", false, "MiB a second of each body"},
    {FAULT, "fault", 0, NULL, 0, "KIND:N", true, "let every Nth request fail; kinds are below"},
    {TOKEN, "require-token", 0, NULL, 0, "TOKEN", false, "answer only to this bearer token"},
    {DENY, "deny", 0, NULL, 0, "BUCKET", true, "answer 403 for this bucket"},
    {HMAC, "hmac", 0, NULL, 0, "ID:SECRET", true, "verify signatures of Google's XML interface by these HMAC keys"},
    {KEYS, "s3-credentials", 0, NULL, 0, "ID:SECRET[:TOKEN]", true, "verify S3 signatures: answer only to these keys"},
    {REGION, "s3-region", 0, NULL, 0, "BUCKET=REGION", true, "send S3 requests of another region to this one"},
    {0},
};

static void more_help(void)
{
    const char *name, *help;
    printf("\nkinds of faults:\n");
    for (size_t i = 0; ncr_emulator_fault_kind(i, &name, &help); i++)
        printf("  %-16s%s\n", name, help);
    printf("\nRequests are logged at /emulator/log (DELETE clears); PUT /emulator/fault, /emulator/latency and\n"
           "/emulator/access change the settings while it runs.\n");
}

static bool not_negative(const cli_context *context, int id, double *out)
{
    const char *text = cli_text(&context->values, id);
    return !text || (cli_numbers(text, 1, out) && *out >= 0);
}

static int run(cli_context *context)
{
    ncr_emulator_options emulator = {.root = cli_text(&context->values, ROOT), .listen = "127.0.0.1:4443"};
    if (!emulator.root)
        return cli_usage(context, "give --root DIR");
    if (!not_negative(context, LATENCY, &emulator.latency_ms))
        return cli_usage(context, "--latency takes milliseconds");
    if (!not_negative(context, BANDWIDTH, &emulator.bandwidth_mib_s))
        return cli_usage(context, "--bandwidth takes MiB a second");
    if (cli_has(&context->values, LISTEN))
        emulator.listen = cli_text(&context->values, LISTEN);
    emulator.s3_listen = cli_text(&context->values, S3_LISTEN);
    const char **faults = cli_all(&context->values, FAULT), **denied = cli_all(&context->values, DENY);
    emulator.faults = faults;
    emulator.denied = denied;
    emulator.require_token = cli_text(&context->values, TOKEN);
    const char **keys = cli_all(&context->values, KEYS), **regions = cli_all(&context->values, REGION);
    const char **hmac = cli_all(&context->values, HMAC);
    emulator.s3_credentials = keys;
    emulator.hmac_keys = hmac;
    emulator.s3_regions = regions;
    nacre_error error;
    nacre_status status = ncr_emulator_run(&emulator, &error);
    free(faults);
    free(denied);
    free(keys);
    free(hmac);
    free(regions);
    if (status == NACRE_ERROR_INVALID)
        return cli_usage(context, "%s", error.message);
    return status == NACRE_OK ? CLI_OK : cli_fail(context, status, &error);
}

const cli_command cli_cmd_emulator = {
    .name = "emulator",
    .summary = "serve a folder as an object store, with latency and faults, for tests",
    .operands = "",
    .operands_max = 0,
    .options = options,
    .run = run,
    .takes_no_common = true,
    .more_help = more_help,
};
