/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

enum { PREFIXES = 1, NO_DEFAULT };

static const cli_option options[] = {
    {PREFIXES, "prefixes", 0, NULL, 0, "LIST", false, "what to take over (/vsigs/,/vsis3/,/vsiaz/,/vsicurl/)"},
    {NO_DEFAULT, "no-default", 0, NULL, 0, NULL, false,
     "leave out the folder of GDAL's own plugins (wheels have none)"},
    {0},
};

static const char plugin_name[] = "gdal_nacre.so";
static const char default_prefixes[] = "/vsigs/,/vsis3/,/vsiaz/,/vsicurl/";

/* What gdal_nacre.so is looked for in, from the folder of this program: the build tree, a wheel, an installation. */
static const char *const places[] = {"gdal", "../gdalplugins", "../" NCR_LIBDIR "/nacre/gdalplugins", NULL};

/* Where GDAL's own plugins lie if neither GDAL_DRIVER_PATH nor gdal-config tells: of Conda, of distributions. */
static const char *const default_places[] = {
    "/usr/lib/" NCR_MULTIARCH "/gdalplugins",
    "/usr/lib64/gdalplugins",
    "/usr/lib/gdalplugins",
    "/usr/local/lib/gdalplugins",
};

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* The folder of the plugin, without links, into out (PATH_MAX); false where there is none. */
static bool find_plugin(char *out)
{
    char program[PATH_MAX], path[2 * PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0)
        return false;
    program[length] = '\0';
    *strrchr(program, '/') = '\0';
    for (const char *const *place = places; *place; place++) {
        snprintf(path, sizeof path, "%s/%s/%s", program, *place, plugin_name);
        if (realpath(path, out)) {
            *strrchr(out, '/') = '\0';
            return true;
        }
    }
    return false;
}

/* What `gdal-config --plugindir` says, where there is one that knows the word (from GDAL 3.8 on). */
static bool ask_gdal_config(char *out, size_t size)
{
    FILE *pipe = popen("gdal-config --plugindir 2>/dev/null", "r");
    if (!pipe)
        return false;
    bool told = fgets(out, (int)size, pipe) != NULL;
    bool ended_well = pclose(pipe) == 0;
    out[told ? strcspn(out, "\n") : 0] = '\0';
    return told && ended_well && *out == '/';
}

/* The folders in which GDAL would look for plugins if GDAL_DRIVER_PATH were left alone, as GDAL writes them; "" where
 * there are none. */
static void find_default(char *out, size_t size)
{
    const char *set = getenv("GDAL_DRIVER_PATH"), *conda = getenv("CONDA_PREFIX");
    if (set && *set) {
        snprintf(out, size, "%s", set);
        return;
    }
    if (conda && *conda) {
        snprintf(out, size, "%s/lib/gdalplugins", conda);
        if (is_folder(out))
            return;
    }
    if (ask_gdal_config(out, size))
        return;
    for (size_t i = 0; i < sizeof default_places / sizeof *default_places; i++) {
        snprintf(out, size, "%s", default_places[i]);
        if (is_folder(out))
            return;
    }
    *out = '\0';
}

/* Whether a list of folders has this one already. */
static bool lists(const char *folders, const char *folder)
{
    size_t length = strlen(folder);
    for (const char *at = folders; (at = strstr(at, folder)); at += length)
        if ((at == folders || at[-1] == ':') && (at[length] == '\0' || at[length] == ':'))
            return true;
    return false;
}

/* A line for sh; the value in single quotes, in which only they themselves mean anything. */
static void print_export(const char *name, const char *value)
{
    printf("export %s='", name);
    for (; *value; value++)
        if (*value == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*value);
    printf("'\n");
}

static void print(cli_context *context, const char *folders, const char *prefixes, const char *cache)
{
    if (context->json) {
        json_t *names =
            json_pack("{s:o, s:s}", "GDAL_DRIVER_PATH", json_string(folders), "NACRE_GDAL_PREFIXES", prefixes);
        if (cache)
            json_object_set_new(names, "NACRE_GDAL_CACHE", json_string(cache));
        cli_print_json(json_pack("{s:i, s:o}", "schema", 1, "environment", names), false);
        return;
    }
    print_export("GDAL_DRIVER_PATH", folders);
    print_export("NACRE_GDAL_PREFIXES", prefixes);
    if (cache)
        print_export("NACRE_GDAL_CACHE", cache);
}

/* Whether every word is one of those that can be taken over. */
static bool are_prefixes(const char *text)
{
    while (*text) {
        size_t length = strcspn(text, ",");
        const char *known = default_prefixes;
        bool is_known = false;
        for (; *known && !is_known; known += strcspn(known, ",") + (known[strcspn(known, ",")] == ','))
            is_known = strcspn(known, ",") == length && strncmp(known, text, length) == 0;
        if (!is_known)
            return false;
        text += length + (text[length] == ',');
    }
    return true;
}

static int run(cli_context *context)
{
    char plugin[PATH_MAX], others[4 * PATH_MAX] = "", folders[6 * PATH_MAX];
    const char *prefixes = cli_text(&context->values, PREFIXES);
    if (prefixes && (!*prefixes || !are_prefixes(prefixes)))
        return cli_usage(context, "--prefixes takes some of %s", default_prefixes);
    if (!find_plugin(plugin))
        return cli_error(context, "gdal-env: %s does not lie beside this program; was it built without the plugin?",
                         plugin_name);
    if (strchr(plugin, ':'))
        return cli_error(context, "gdal-env: %s: GDAL_DRIVER_PATH cannot name a folder with a colon in it", plugin);
    if (!cli_has(&context->values, NO_DEFAULT))
        find_default(others, sizeof others);
    if (!*others)
        snprintf(folders, sizeof folders, "%s", plugin);
    else if (lists(others, plugin)) /* it is set already */
        snprintf(folders, sizeof folders, "%s", others);
    else
        snprintf(folders, sizeof folders, "%s:%s", plugin, others);
    print(context, folders, prefixes ? prefixes : default_prefixes, context->io.cache);
    return CLI_OK;
}

static void more_help(void)
{
    printf("\nPrints what to set so that any program with GDAL reads and writes through nacre:\n"
           "  eval \"$(nacre gdal-env)\"; gdalinfo /vsigs/BUCKET/KEY\n");
}

const cli_command cli_cmd_gdal_env = {
    .name = "gdal-env",
    .summary = "tell what to set so that programs with GDAL use nacre",
    .operands = "",
    .operands_min = 0,
    .operands_max = 0,
    .options = options,
    .run = run,
    .more_help = more_help,
};
