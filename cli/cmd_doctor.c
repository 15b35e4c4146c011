/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "describe.h"

enum { WRITE = 1, TIMEOUT };

static const cli_option options[] = {
    {WRITE, "write", 0, NULL, 0, NULL, false, "test changes too, in a new folder below PATH/, which is removed again"},
    {TIMEOUT, "timeout", 0, NULL, 0, "SECONDS", false, "end after this long (60)"},
    {0},
};

/* Rows as they come: printed, or kept for the document. */
typedef struct findings {
    cli_context *context;
    json_t *rows;     /* NULL: they are printed */
    char section[24]; /* of the last row */
} findings;

static const char *const mark_names[] = {"note", "good", "weak", "bad", "skipped"};
static const char *const mark_signs[] = {"", "ok", "!", "FAILED", "-"};

static void print_row(findings *f, const nacre_probe_row *row)
{
    if (strcmp(f->section, row->section) != 0) {
        printf("%s%s\n", f->section[0] ? "\n" : "", row->section);
        snprintf(f->section, sizeof f->section, "%s", row->section);
    }
    printf("  %-7s %-21s %s\n", mark_signs[row->mark], row->name, row->value);
    if (*row->note)
        printf("  %-7s %-21s -> %s\n", "", "", row->note);
    fflush(stdout); /* a slow store is watched */
}

static void on_row(void *user, const nacre_probe_row *row)
{
    findings *f = user;
    if (strcmp(row->name, "not removed") == 0) /* whatever becomes of standard output */
        fprintf(stderr, "nacre: doctor: not removed: %s\n", row->value);
    if (!f->rows) {
        print_row(f, row);
        return;
    }
    json_t *item = json_pack("{s:s, s:s, s:s, s:o, s:o}", "section", row->section, "name", row->name, "mark",
                             mark_names[row->mark], "value", cli_json_text(row->value), "note",
                             *row->note ? cli_json_text(row->note) : json_null());
    json_array_append_new(f->rows, item);
}

static void print_result(const findings *f, const char *path, const nacre_probe_result *result)
{
    static const char *const verdicts[] = {"safe", "works", "fails"};
    if (!f->rows) {
        printf("\n%s\n", result->summary);
        return;
    }
    cli_print_json(json_pack("{s:i, s:o, s:s, s:o, s:b, s:O}", "schema", 1, "path", cli_json_path(path), "verdict",
                             verdicts[result->verdict], "summary", cli_json_text(result->summary), "left",
                             result->has_left, "rows", f->rows),
                   false);
}

static int read_timeout(cli_context *context)
{
    double seconds = 60;
    const char *text = cli_text(&context->values, TIMEOUT);
    if (text && (!cli_numbers(text, 1, &seconds) || !(seconds > 0) || seconds > 1e6))
        return cli_usage(context, "--timeout takes seconds, above 0");
    context->io.timeout_ms = (int64_t)(seconds * 1000 + 0.5);
    return CLI_OK;
}

static int run(cli_context *context)
{
    const char *path = context->values.operands[0];
    nacre_probe_options probe = NACRE_PROBE_OPTIONS_INIT;
    nacre_probe_result result;
    nacre_error error;
    int usage = read_timeout(context);
    if (usage != CLI_OK)
        return usage;
    probe.write = cli_has(&context->values, WRITE);
    if (probe.write && (!*path || path[strlen(path) - 1] != '/'))
        return cli_usage(context, "--write is for a path that ends with a slash, as a folder's does");
    findings f = {.context = context, .rows = context->json ? json_array() : NULL};
    nacre_status status = nacre_probe(path, &probe, &context->io, on_row, &f, &result, &error);
    int code = status != NACRE_OK                    ? cli_fail(context, status, &error)
               : result.verdict == NACRE_PROBE_FAILS ? CLI_FAILED
                                                     : CLI_OK;
    if (status == NACRE_OK)
        print_result(&f, path, &result);
    json_decref(f.rows);
    return code;
}

const cli_command cli_cmd_doctor = {
    .name = "doctor",
    .summary = "tell how a store is reached, and which promises it keeps",
    .operands = "PATH",
    .operands_min = 1,
    .operands_max = 1,
    .options = options,
    .run = run,
};
