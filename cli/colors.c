/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "colors.h"

#include <stdlib.h>
#include <string.h>

#include "raster.h"

typedef struct stop {
    int value;
    nacre_color_entry color;
} stop;

static const stop gray[] = {{0, {0, 0, 0, 255}}, {255, {255, 255, 255, 255}}};
static const stop viridis[] = {{0, {68, 1, 84, 255}},     {32, {71, 44, 122, 255}},   {64, {59, 81, 139, 255}},
                               {96, {44, 113, 142, 255}}, {128, {33, 144, 141, 255}}, {159, {39, 173, 129, 255}},
                               {191, {92, 200, 99, 255}}, {223, {170, 220, 50, 255}}, {255, {253, 231, 37, 255}}};
static const stop magma[] = {{0, {0, 0, 4, 255}},        {32, {28, 16, 68, 255}},     {64, {79, 18, 123, 255}},
                             {96, {129, 37, 129, 255}},  {128, {181, 54, 122, 255}},  {159, {229, 80, 100, 255}},
                             {191, {251, 135, 97, 255}}, {223, {254, 194, 135, 255}}, {255, {252, 253, 191, 255}}};

static const struct {
    const char *name;
    const stop *stops;
    size_t count;
} maps[] = {{"gray", gray, sizeof gray / sizeof *gray},
            {"viridis", viridis, sizeof viridis / sizeof *viridis},
            {"magma", magma, sizeof magma / sizeof *magma}};

static uint8_t between(int from, int to, int step, int steps)
{
    return (uint8_t)((from * (steps - step) + to * step + steps / 2) / steps);
}

static nacre_color_entry mixed(const stop *a, const stop *b, int value)
{
    int step = value - a->value, steps = b->value - a->value;
    return (nacre_color_entry){
        between(a->color.red, b->color.red, step, steps), between(a->color.green, b->color.green, step, steps),
        between(a->color.blue, b->color.blue, step, steps), between(a->color.alpha, b->color.alpha, step, steps)};
}

/* Colours from stops, of which there is at least one. */
static void fill(const stop *stops, size_t count, nacre_color_entry out[CLI_COLORS])
{
    size_t next = 0;
    for (int value = 0; value < CLI_COLORS; value++) {
        while (next < count && stops[next].value <= value)
            next++;
        if (next == 0 || next == count)
            out[value] = stops[next ? count - 1 : 0].color;
        else
            out[value] = mixed(&stops[next - 1], &stops[next], value);
    }
}

/* Reads a line's numbers: how many, -1 where it has anything else. */
static int read_numbers(const char *line, const char *end, int out[5])
{
    int count = 0;
    for (const char *at = line; at < end;) {
        if (*at == ' ' || *at == '\t' || *at == ',' || *at == '\r') {
            at++;
            continue;
        }
        char *after;
        long number = strtol(at, &after, 10);
        if (after == at || after > end || number < 0 || number > 255 || count == 5)
            return -1;
        out[count++] = (int)number;
        at = after;
    }
    return count;
}

static int bad_line(cli_context *context, const char *path, int line)
{
    return cli_error(context,
                     "%s: line %d is not VALUE RED GREEN BLUE [ALPHA], numbers from 0 to 255 with values that grow",
                     path, line);
}

static int read_stops(cli_context *context, const char *path, const char *text, stop stops[CLI_COLORS], size_t *count)
{
    int number = 1;
    for (const char *line = text; *line; number++) {
        const char *end = line + strcspn(line, "\n"), *next = *end ? end + 1 : end;
        const char *hash = memchr(line, '#', (size_t)(end - line));
        int n[5] = {0, 0, 0, 0, 255}, got = read_numbers(line, hash ? hash : end, n);
        line = next;
        if (got == 0)
            continue;
        if (got < 4 || (*count && n[0] <= stops[*count - 1].value))
            return bad_line(context, path, number);
        nacre_color_entry color = {(uint8_t)n[1], (uint8_t)n[2], (uint8_t)n[3], (uint8_t)n[4]};
        stops[(*count)++] = (stop){n[0], color};
    }
    return *count ? CLI_OK : cli_error(context, "%s: a colour map without a line", path);
}

int cli_read_colors(cli_context *context, const char *name, nacre_color_entry out[CLI_COLORS])
{
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
        if (strcmp(maps[i].name, name) == 0) {
            fill(maps[i].stops, maps[i].count, out);
            return CLI_OK;
        }
    char *text;
    stop stops[CLI_COLORS];
    size_t count = 0;
    int status = cli_read_text(context, name, "a colour map", &text);
    if (status == CLI_OK)
        status = read_stops(context, name, text, stops, &count);
    if (status == CLI_OK)
        fill(stops, count, out);
    free(text);
    return status;
}
