/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- Common options --- */

enum {
    COMMON_HELP = 1000,
    COMMON_JSON,
    COMMON_IO_STATS,
    COMMON_CACHE,
    COMMON_CONFIG,
    COMMON_QUIET,
    COMMON_VERBOSE,
    COMMON_ENDPOINT,
    COMMON_NO_SIGN,
    COMMON_BILLING,
    COMMON_PROFILE,
    COMMON_PAYER,
};

static const cli_option help_option[] = {
    {COMMON_HELP, "help", 'h', NULL, 0, NULL, false, "print this help"},
    {0},
};

static const cli_option common_options[] = {
    {COMMON_JSON, "json", 0, NULL, 0, NULL, false, "print JSON"},
    {COMMON_IO_STATS, "io-stats", 0, NULL, 0, NULL, false, "print requests, bytes, rounds and cache hits at the end"},
    {COMMON_CACHE, "cache", 0, NULL, 0, "POLICY", false,
     "when what is cached is believed: fresh, ttl=SECONDS, immutable, offline"},
    {COMMON_CONFIG, "config", 0, NULL, 0, "KEY=VALUE", true, "set a configuration key"},
    {COMMON_ENDPOINT, "endpoint-url", 0, NULL, 0, "URL", false, "the server to ask instead of the store's own"},
    {COMMON_NO_SIGN, "no-sign-request", 0, NULL, 0, NULL, false, "send no credentials"},
    {COMMON_BILLING, "billing-project", 0, NULL, 0, "PROJECT", false, "the project that pays for requests (Google)"},
    {COMMON_PROFILE, "profile", 0, NULL, 0, "NAME", false, "the section of Amazon's configuration files"},
    {COMMON_PAYER, "request-payer", 0, NULL, 0, "requester", false, "pay for requests (S3)"},
    {COMMON_QUIET, "quiet", 'q', NULL, 0, NULL, false, "no progress bar"},
    {COMMON_VERBOSE, "verbose", 'v', NULL, 0, NULL, true, "tell on standard error what is done; twice: more"},
    {0},
};

/* --- Interruption --- */

static nacre_cancel *interrupt_cancel;
static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    if (interrupted) /* asked for twice: at once */
        _exit(128 + number);
    interrupted = 1;
    if (interrupt_cancel)
        nacre_cancel_trigger(interrupt_cancel);
}

bool cli_interrupted(void)
{
    return interrupted != 0;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    /* A reader that went away ends the command as quietly as others' commands end. */
    action.sa_handler = SIG_DFL;
    sigaction(SIGPIPE, &action, NULL);
}

/* --- Messages --- */

int cli_fail(cli_context *context, nacre_status status, const nacre_error *error)
{
    cli_progress_end(context);
    if (interrupted || status == NACRE_ERROR_CANCELLED)
        return CLI_INTERRUPTED;
    fflush(stdout);
    fprintf(stderr, "nacre: %s\n", error->message);
    return CLI_FAILED;
}

static void print_message(cli_context *context, const char *format, va_list args, bool usage)
{
    cli_progress_end(context);
    fflush(stdout);
    fprintf(stderr, usage ? "nacre: %s: " : "nacre: ", context->command->name);
    vfprintf(stderr, format, args);
    if (usage)
        fprintf(stderr, "; see 'nacre %s --help'", context->command->name);
    fputc('\n', stderr);
}

int cli_usage(cli_context *context, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_message(context, format, args, true);
    va_end(args);
    return CLI_USAGE;
}

int cli_error(cli_context *context, const char *format, ...)
{
    va_list args;
    if (interrupted) /* what failed was broken off */
        return CLI_INTERRUPTED;
    va_start(args, format);
    print_message(context, format, args, false);
    va_end(args);
    return CLI_FAILED;
}

static void log_line(void *user, int level, const char *text)
{
    const cli_context *context = user;
    if (level + context->verbose >= 2)
        fprintf(stderr, "nacre: %s\n", text);
}

/* --- Output --- */

void cli_print_json(json_t *document, bool one_line)
{
    json_dumpf(document, stdout, (one_line ? JSON_COMPACT : JSON_INDENT(2)) | JSON_ENCODE_ANY);
    fputc('\n', stdout);
    json_decref(document);
}

static bool output_failed; /* and it was told */

int cli_output_failed(cli_context *context)
{
    output_failed = true;
    return cli_error(context, "standard output: %s", strerror(errno));
}

/* A descriptor that is free would be taken by the next file or connection, and messages would go there. */
void cli_keep_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY); /* the wrong way: using it fails */
}

int cli_close_output(int status)
{
    if (status == CLI_INTERRUPTED) /* nobody waits for what is left, and a full pipe would hold it up */
        _exit(status);
    bool failed = ferror(stdout) != 0;
    failed = fclose(stdout) != 0 || failed;
    if (!failed)
        return status;
    if (!output_failed)
        fprintf(stderr, "nacre: standard output: %s\n", strerror(errno));
    return status == CLI_OK ? CLI_FAILED : status;
}

static void print_io_stats(void)
{
    nacre_io_stats stats;
    nacre_io_stats_total(&stats);
    json_t *out = json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "schema", 1, "requests",
                            (json_int_t)stats.requests, "retries", (json_int_t)stats.retries, "rounds",
                            (json_int_t)stats.rounds, "connections", (json_int_t)stats.connections, "bytes_received",
                            (json_int_t)stats.bytes_received, "bytes_sent", (json_int_t)stats.bytes_sent, "cache_hits",
                            (json_int_t)stats.cache_hits, "cache_misses", (json_int_t)stats.cache_misses);
    json_dumpf(out, stderr, JSON_COMPACT);
    fputc('\n', stderr);
    json_decref(out);
}

bool cli_progress(void *user, double fraction)
{
    cli_context *context = user;
    enum { CELLS = 40 };
    int percent = (int)(fraction * 100);
    if (context->progress && percent != context->percent) {
        context->percent = percent;
        int full = (int)(fraction * CELLS);
        full = full < 0 ? 0 : full > CELLS ? CELLS : full;
        fprintf(context->progress, "\r[%.*s%*s] %3d %%", full, "########################################", CELLS - full,
                "", (int)(fraction * 100));
        fflush(context->progress);
    }
    return !interrupted;
}

void cli_progress_end(cli_context *context)
{
    if (context->progress) {
        fprintf(context->progress, "\r\033[K");
        fflush(context->progress);
        context->progress = NULL;
    }
}

/* --- Running --- */

static void print_help(const cli_command *command)
{
    printf("usage: nacre %s [OPTION...]%s%s\n\n%s\n", command->name, *command->operands ? " " : "", command->operands,
           command->summary);
    cli_print_options("options", command->options);
    if (!command->takes_no_common)
        cli_print_options("common options", common_options);
    cli_print_options("help", help_option);
    if (command->more_help)
        command->more_help();
}

static int set_config(cli_context *context, const char *key, const char *value)
{
    nacre_error error;
    if (nacre_config_set(context->config, key, value, &error) == NACRE_OK)
        return CLI_OK;
    return cli_usage(context, "%s", error.message);
}

static int set_config_pair(cli_context *context, const char *pair)
{
    const char *equals = strchr(pair, '=');
    if (!equals)
        return cli_usage(context, "--config %s: give KEY=VALUE", pair);
    char *key = strndup(pair, (size_t)(equals - pair));
    int status = key ? set_config(context, key, equals + 1) : CLI_FAILED;
    free(key);
    return status;
}

/* The library says what the policies are. It is an argument of each call, which the key `cache` is not. */
static int set_policy(cli_context *context, const char *policy)
{
    nacre_error err;
    nacre_config *config = nacre_config_new();
    if (!config)
        return CLI_FAILED;
    nacre_status status = nacre_config_set(config, "cache", policy, &err);
    nacre_config_free(config);
    context->io.cache = policy;
    return status == NACRE_OK ? CLI_OK : cli_usage(context, "--%s", err.message);
}

static int apply_common(cli_context *context)
{
    int status = CLI_OK;
    for (size_t i = 0; i < context->values.count && status == CLI_OK; i++) {
        const cli_value *value = &context->values.values[i];
        switch (value->id) {
        case COMMON_JSON:
            context->json = true;
            break;
        case COMMON_IO_STATS:
            context->io_stats = true;
            break;
        case COMMON_QUIET:
            context->quiet = true;
            break;
        case COMMON_VERBOSE:
            context->verbose++;
            break;
        case COMMON_CACHE:
            status = set_policy(context, value->text);
            break;
        case COMMON_CONFIG:
            status = set_config_pair(context, value->text);
            break;
        case COMMON_ENDPOINT:
            status = set_config(context, "gs.endpoint", value->text);
            status = status == CLI_OK ? set_config(context, "s3.endpoint", value->text) : status;
            status = status == CLI_OK ? set_config(context, "az.endpoint", value->text) : status;
            break;
        case COMMON_NO_SIGN:
            status = set_config(context, "gs.no_sign_request", "yes");
            status = status == CLI_OK ? set_config(context, "s3.no_sign_request", "yes") : status;
            status = status == CLI_OK ? set_config(context, "az.no_sign_request", "yes") : status;
            break;
        case COMMON_BILLING:
            status = set_config(context, "gs.billing_project", value->text);
            break;
        case COMMON_PROFILE:
            status = set_config(context, "s3.profile", value->text);
            break;
        case COMMON_PAYER:
            status = set_config(context, "s3.requester_pays", value->text);
            break;
        default:
            break;
        }
    }
    return status;
}

static int check_operands(cli_context *context)
{
    const cli_command *command = context->command;
    int count = (int)context->values.operand_count;
    if (count < command->operands_min)
        return cli_usage(context, "give %s", command->operands);
    if (command->operands_max >= 0 && count > command->operands_max)
        return cli_usage(context, "too many arguments, beginning with '%s'",
                         context->values.operands[command->operands_max]);
    return CLI_OK;
}

static int run_parsed(cli_context *context)
{
    int status = apply_common(context);
    if (status == CLI_OK)
        status = check_operands(context);
    if (status != CLI_OK)
        return status;
    if (context->verbose)
        nacre_log_set(log_line, context);
    if (!context->quiet && isatty(STDERR_FILENO))
        context->progress = stderr;
    status = context->command->run(context);
    cli_progress_end(context);
    nacre_log_set(NULL, NULL);
    if (context->io_stats)
        print_io_stats();
    return interrupted ? CLI_INTERRUPTED : status;
}

int cli_run(const cli_command *command, int argc, char **argv)
{
    const cli_option *const all[] = {command->options, help_option, command->takes_no_common ? NULL : common_options,
                                     NULL};
    cli_context context = {.command = command, .percent = -1, .io = NACRE_IO_OPTIONS_INIT};
    char *message;
    int status;
    catch_signals();
    bool parsed = cli_parse(all, argc, argv, 2, &context.values, &message);
    context.config = nacre_config_new();
    context.io.config = context.config;
    context.io.cancel = interrupt_cancel = nacre_cancel_new();
    if (cli_has(&context.values, COMMON_HELP)) {
        print_help(command);
        status = CLI_OK;
    } else if (!parsed) {
        status = cli_usage(&context, "%s", message ? message : "out of memory");
    } else {
        status = run_parsed(&context);
    }
    status = cli_close_output(status);
    if (status != CLI_INTERRUPTED)
        nacre_cache_flush();
    free(message);
    cli_values_clear(&context.values);
    nacre_config_free(context.config);
    return status; /* the cancel object stays: a signal may still come */
}
