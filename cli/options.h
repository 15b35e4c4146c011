/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CLI_OPTIONS_H
#define NCR_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* A command's options are one table, from which words are parsed and help is printed. */

enum { CLI_WORDS_MAX = 6 };

typedef struct cli_option {
    int id;               /* of the command's own enum, from 1; 0 ends the table */
    const char *name;     /* "dst-crs" for --dst-crs; NULL: only GDAL's spelling */
    char letter;          /* 't' for -t; 0: none */
    const char *gdal;     /* "-t_srs"; NULL: none */
    int gdal_words;       /* how many words follow GDAL's spelling */
    const char *argument; /* "CRS"; NULL: a flag */
    bool repeats;
    const char *help;
} cli_option;

/* What was given for an option. Words of GDAL's spelling are joined with commas. */
typedef struct cli_value {
    int id;
    bool is_gdal; /* given in GDAL's spelling: its order of numbers counts */
    char *text;   /* NULL for a flag */
} cli_value;

typedef struct cli_values {
    cli_value *values;
    size_t count, capacity;
    const char **operands; /* borrowed from argv */
    size_t operand_count, operand_capacity;
} cli_values;

/* Parses argv[first...] by the tables (a NULL-terminated list of them). False: *message, malloc'd, says what is wrong.
 * values is released with cli_values_clear() in every case. */
bool cli_parse(const cli_option *const *tables, int argc, char **argv, int first, cli_values *values, char **message);
void cli_values_clear(cli_values *values);

/* The last value of an option, NULL where it was not given. */
const cli_value *cli_find(const cli_values *values, int id);
bool cli_has(const cli_values *values, int id);
const char *cli_text(const cli_values *values, int id); /* NULL where it was not given */

/* All values of an option that repeats, NULL-terminated; the array is the caller's. NULL: out of memory. */
const char **cli_all(const cli_values *values, int id);

/* Exactly count numbers out of a text, with commas or spaces between; false where they are not. */
bool cli_numbers(const char *text, int count, double *out);
/* As cli_numbers(), of whole numbers above 0. */
bool cli_sizes(const char *text, int count, int *out);

/* Prints a table for --help. */
void cli_print_options(const char *title, const cli_option *table);

/* The word of a NULL-terminated list that is nearest to word, or NULL where none is near. */
const char *cli_nearest(const char *word, const char *const *candidates);

#endif
