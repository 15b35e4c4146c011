/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Parsing ---
 * A word that begins with a dash is looked up whole among GDAL's names, then as a long option ("--name" or
 * "--name=value"), then as a single letter. Letters are never clustered, so "-te" is GDAL's and "-lr" is unknown. */

typedef enum spelling { SPELLING_NONE, SPELLING_GDAL, SPELLING_LONG, SPELLING_LETTER } spelling;

typedef struct word_match {
    const cli_option *option;
    spelling how;
    const char *attached; /* behind "=", or NULL */
} word_match;

static word_match find_option(const cli_option *const *tables, const char *word)
{
    const char *equals = strncmp(word, "--", 2) == 0 ? strchr(word, '=') : NULL;
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    word_match best = {NULL, SPELLING_NONE, NULL};
    for (; *tables; tables++)
        for (const cli_option *option = *tables; option->id; option++) {
            if (option->gdal && strcmp(option->gdal, word) == 0)
                return (word_match){option, SPELLING_GDAL, NULL};
            bool is_long = length > 2 && option->name && strncmp(word, "--", 2) == 0 &&
                           strlen(option->name) == length - 2 && strncmp(option->name, word + 2, length - 2) == 0;
            bool is_letter = length == 2 && option->letter && word[1] == option->letter;
            if (is_long || is_letter)
                best = (word_match){option, is_long ? SPELLING_LONG : SPELLING_LETTER, equals ? equals + 1 : NULL};
        }
    return best;
}

static char *unknown_option(const cli_option *const *tables, const char *word)
{
    const char *names[256];
    char *spelled[256];
    size_t count = 0;
    for (; *tables; tables++)
        for (const cli_option *option = *tables; option->id; option++) {
            if (option->name && count < 254 && asprintf(&spelled[count], "--%s", option->name) > 0) {
                names[count] = spelled[count];
                count++;
            }
            if (option->gdal && count < 254) {
                spelled[count] = NULL;
                names[count++] = option->gdal;
            }
        }
    names[count] = NULL;
    char *message = NULL;
    const char *near = cli_nearest(word, names);
    int written = near ? asprintf(&message, "unknown option %s; did you mean %s?", word, near)
                       : asprintf(&message, "unknown option %s", word);
    for (size_t i = 0; i < count; i++)
        if (names[i] == spelled[i])
            free(spelled[i]);
    return written < 0 ? NULL : message;
}

static bool add_value(cli_values *values, const cli_option *option, bool is_gdal, char *text)
{
    if (values->count == values->capacity) {
        size_t wanted = values->capacity ? 2 * values->capacity : 16;
        cli_value *grown = realloc(values->values, wanted * sizeof *grown);
        if (!grown) {
            free(text);
            return false;
        }
        values->values = grown;
        values->capacity = wanted;
    }
    values->values[values->count++] = (cli_value){option->id, is_gdal, text};
    return true;
}

static bool add_operand(cli_values *values, const char *word)
{
    if (values->operand_count == values->operand_capacity) {
        size_t wanted = values->operand_capacity ? 2 * values->operand_capacity : 16;
        const char **grown = realloc(values->operands, wanted * sizeof *grown);
        if (!grown)
            return false;
        values->operands = grown;
        values->operand_capacity = wanted;
    }
    values->operands[values->operand_count++] = word;
    return true;
}

/* Words argv[at] to argv[at + count - 1] with commas between. */
static char *join_words(char **argv, int at, int count)
{
    size_t length = 1;
    for (int i = 0; i < count; i++)
        length += strlen(argv[at + i]) + 1;
    char *out = malloc(length);
    char *end = out;
    for (int i = 0; out && i < count; i++)
        end += snprintf(end, length - (size_t)(end - out), i ? ",%s" : "%s", argv[at + i]);
    return out;
}

/* Takes the option at argv[*at] with its words; *at becomes the last word taken. */
static bool take_option(const word_match *match, int argc, char **argv, int *at, cli_values *values, char **message)
{
    const cli_option *option = match->option;
    bool is_gdal = match->how == SPELLING_GDAL;
    int words = !option->argument || match->attached ? 0 : is_gdal ? option->gdal_words : 1;
    if (!option->argument && match->attached) {
        if (asprintf(message, "--%s takes no value", option->name) < 0)
            *message = NULL;
        return false;
    }
    if (*at + words >= argc) {
        int written = words > 1 ? asprintf(message, "%s needs %d values: %s", argv[*at], words, option->argument)
                                : asprintf(message, "%s needs a value: %s", argv[*at], option->argument);
        if (written < 0)
            *message = NULL;
        return false;
    }
    char *text = match->attached ? strdup(match->attached) : words ? join_words(argv, *at + 1, words) : NULL;
    *at += words;
    return add_value(values, option, is_gdal, text);
}

bool cli_parse(const cli_option *const *tables, int argc, char **argv, int first, cli_values *values, char **message)
{
    *values = (cli_values){0};
    *message = NULL;
    bool options_ended = false;
    for (int at = first; at < argc; at++) {
        const char *word = argv[at];
        if (options_ended || word[0] != '-' || word[1] == '\0') {
            if (!add_operand(values, word))
                return false;
            continue;
        }
        if (strcmp(word, "--") == 0) {
            options_ended = true;
            continue;
        }
        word_match match = find_option(tables, word);
        if (!match.option) {
            *message = unknown_option(tables, word);
            return false;
        }
        if (!take_option(&match, argc, argv, &at, values, message))
            return false;
    }
    return true;
}

void cli_values_clear(cli_values *values)
{
    for (size_t i = 0; i < values->count; i++)
        free(values->values[i].text);
    free(values->values);
    free(values->operands);
    *values = (cli_values){0};
}

const cli_value *cli_find(const cli_values *values, int id)
{
    for (size_t i = values->count; i > 0; i--)
        if (values->values[i - 1].id == id)
            return &values->values[i - 1];
    return NULL;
}

bool cli_has(const cli_values *values, int id)
{
    return cli_find(values, id) != NULL;
}

const char *cli_text(const cli_values *values, int id)
{
    const cli_value *value = cli_find(values, id);
    return value ? value->text : NULL;
}

const char **cli_all(const cli_values *values, int id)
{
    const char **texts = calloc(values->count + 1, sizeof *texts);
    size_t count = 0;
    for (size_t i = 0; texts && i < values->count; i++)
        if (values->values[i].id == id)
            texts[count++] = values->values[i].text;
    return texts;
}

bool cli_numbers(const char *text, int count, double *out)
{
    for (int i = 0; i < count; i++) {
        char *end;
        text += strspn(text, ", ");
        out[i] = strtod(text, &end);
        if (end == text || !isfinite(out[i]) || (*end && !strchr(", ", *end)))
            return false;
        text = end;
    }
    return text[strspn(text, " ")] == '\0';
}

bool cli_sizes(const char *text, int count, int *out)
{
    double numbers[CLI_WORDS_MAX];
    if (!cli_numbers(text, count, numbers))
        return false;
    for (int i = 0; i < count; i++) {
        if (numbers[i] < 1 || numbers[i] > 2147483647.0 || numbers[i] != floor(numbers[i]))
            return false;
        out[i] = (int)numbers[i];
    }
    return true;
}

/* --- Help --- */

enum { HELP_COLUMN = 30 };

void cli_print_options(const char *title, const cli_option *table)
{
    if (!table->id)
        return;
    printf("\n%s:\n", title);
    for (; table->id; table++) {
        char left[160];
        int at = snprintf(left, sizeof left, "  ");
        const char *space = "";
        if (table->letter) {
            at += snprintf(left + at, sizeof left - (size_t)at, "-%c", table->letter);
            space = ", ";
        }
        if (table->name) {
            at += snprintf(left + at, sizeof left - (size_t)at, "%s--%s", space, table->name);
            space = ", ";
        }
        if (table->gdal && (table->gdal[1] != table->letter || table->gdal[2]))
            at += snprintf(left + at, sizeof left - (size_t)at, "%s%s", space, table->gdal);
        if (table->argument)
            at += snprintf(left + at, sizeof left - (size_t)at, " %s", table->argument);
        if (at >= HELP_COLUMN)
            printf("%s\n%*s%s\n", left, HELP_COLUMN, "", table->help);
        else
            printf("%-*s%s\n", HELP_COLUMN, left, table->help);
    }
}

/* --- Hints --- */

/* How many letters must be changed, added, removed or exchanged with their neighbour; at most 40 letters count. */
static int distance(const char *a, const char *b)
{
    enum { MAX = 40 };
    int rows[3][MAX + 1];
    int *before = rows[0], *previous = rows[1], *row = rows[2];
    int length_a = (int)strnlen(a, MAX), length_b = (int)strnlen(b, MAX);
    for (int j = 0; j <= length_b; j++)
        previous[j] = j;
    for (int i = 1; i <= length_a; i++) {
        row[0] = i;
        for (int j = 1; j <= length_b; j++) {
            int best = previous[j - 1] + (a[i - 1] != b[j - 1]);
            best = previous[j] + 1 < best ? previous[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
        int *oldest = before;
        before = previous;
        previous = row;
        row = oldest;
    }
    return previous[length_b];
}

const char *cli_nearest(const char *word, const char *const *candidates)
{
    const char *best = NULL;
    int least = (int)strnlen(word, 40) / 3 + 1;
    for (; *candidates; candidates++) {
        int far = distance(word, *candidates);
        if (far < least || (far == least && !best && far <= 2)) {
            least = far;
            best = *candidates;
        }
    }
    return best;
}
