/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "scene.h"

#include <dirent.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "emulator/emulator.h"
#include "scenario.h"
#include "server.h"

static char folder[] = "/tmp/nacre-failure-XXXXXX";
typedef struct {
    char folder[64];
    char google[128], amazon[128]; /* URLs of the emulator */
    char web[128], tls[128];       /* of the server beside it */
} place;

static place places[SCENE_PLACES];
static const place *here;
static pid_t servers[4 * SCENE_PLACES];
static size_t server_count;

static void give_up(const char *what)
{
    perror(what);
    exit(1);
}

void result_add(uint64_t *result, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++)
        *result = (*result ^ bytes[i]) * 1099511628211u;
}

void scene_file(const char *path, size_t size, unsigned seed)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        give_up(path);
    for (size_t i = 0; i < size; i++)
        putc((int)((i * 7 + i / 251 + seed) & 255), file);
    if (fclose(file) != 0)
        give_up(path);
}

void scene_empty(const char *path)
{
    mkdir(path, 0755); /* the emulator takes empty folders away */
    DIR *stream = opendir(path);
    if (!stream)
        give_up(path);
    for (struct dirent *entry; (entry = readdir(stream));)
        unlinkat(dirfd(stream), entry->d_name, 0);
    closedir(stream);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static int remove_below(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    return where->level == 0 ? 0 : remove_one(path, st, kind, where);
}

void scene_empty_deep(const char *path)
{
    nftw(path, remove_below, 16, FTW_DEPTH | FTW_PHYS);
}

uint64_t scene_look(const char *path)
{
    static unsigned char data[1 << 20];
    uint64_t all = 0;
    DIR *stream = opendir(path);
    for (struct dirent *entry; stream && (entry = readdir(stream));) {
        char name[512];
        uint64_t one = 14695981039346656037u;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        result_add(&one, entry->d_name, strlen(entry->d_name) + 1);
        FILE *file = fopen(name, "rb");
        for (size_t got; file && (got = fread(data, 1, sizeof data, file));)
            one = one * 31 + crc32_z(0, data, got); /* quick, also where it is not compiled for speed */
        if (file)
            fclose(file);
        all += one; /* in whatever order they come */
    }
    if (stream)
        closedir(stream);
    return all;
}

/* Starts a function in a process of its own, which ends with this one, and takes its standard output. */
static FILE *start_server(void (*function)(void))
{
    int ends[2];
    if (pipe(ends) != 0)
        give_up("pipe");
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        give_up("fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        dup2(ends[1], 1);
        function();
        _exit(0);
    }
    close(ends[1]);
    servers[server_count++] = pid;
    return fdopen(ends[0], "r");
}

static void run_emulator(void)
{
    static const char *const credentials[] = {"KEY:SECRET", "ROLE:SECRET:TOKEN", NULL};
    const ncr_emulator_options options = {.root = "store",
                                          .listen = "127.0.0.1:0",
                                          .s3_listen = "127.0.0.1:0",
                                          .require_token = "token",
                                          .s3_credentials = credentials};
    nacre_error err;
    if (ncr_emulator_run(&options, &err) != NACRE_OK)
        fprintf(stderr, "%s\n", err.message);
}

/* Reads "listening ... on URL". */
static void read_address(FILE *from, char *out, size_t size)
{
    char line[256] = "";
    if (!fgets(line, sizeof line, from))
        give_up("a server says nothing");
    line[strcspn(line, "\n")] = '\0';
    const char *url = strrchr(line, ' ');
    snprintf(out, size, "%s", url ? url + 1 : "");
}

static void start_emulator(place *p)
{
    FILE *said = start_server(run_emulator);
    read_address(said, p->google, sizeof p->google);
    read_address(said, p->amazon, sizeof p->amazon);
    fclose(said);
}

static unsigned web_port;

static void run_tls(void)
{
    tls_run(web_port);
}

static void start_web(place *p)
{
    FILE *said = start_server(server_run);
    read_address(said, p->web, sizeof p->web);
    fclose(said);
    web_port = (unsigned)strtoul(strrchr(p->web, ':') + 1, NULL, 10);
    said = start_server(run_tls);
    read_address(said, p->tls, sizeof p->tls);
    fclose(said);
}

const char *scene_web(void)
{
    return here->web;
}

const char *scene_tls(void)
{
    return here->tls;
}

static void set_environment(void)
{
    static const char *const cleared[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    for (size_t i = 0; i < sizeof cleared / sizeof *cleared; i++)
        unsetenv(cleared[i]);
    setenv("NACRE_HTTP_RETRY_DELAY", "0.001", 1);
    setenv("NACRE_THREADS", "2", 1);
    setenv("AWS_ACCESS_KEY_ID", "KEY", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "SECRET", 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    setenv("NACRE_GS_ACCESS_TOKEN", "token", 1);
    setenv("NACRE_AZ_ACCESS_KEY", "a2V5IG9mIHRoZSBhY2NvdW50", 1);
}

static void make_fixtures(void)
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        scene_make();
        exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "what the scenarios read cannot be made\n");
        exit(1);
    }
}

static void make_place(place *p, unsigned index)
{
    static const char *const folders[] = {"in",         "out",         "keys", "cache", "store",   "store/b",
                                          "store/b/in", "store/b/out", "az",   "az/b",  "az/b/in", "az/b/out"};
    snprintf(p->folder, sizeof p->folder, "%s/%u", folder, index);
    if (mkdir(p->folder, 0755) != 0 || chdir(p->folder) != 0)
        give_up(p->folder);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (mkdir(folders[i], 0755) != 0)
            give_up(folders[i]);
    make_fixtures();
    start_emulator(p);
    start_web(p);
}

void scene_begin(void)
{
    if (!mkdtemp(folder))
        give_up(folder);
    set_environment();
    for (unsigned i = 0; i < SCENE_PLACES; i++)
        make_place(&places[i], i);
}

void scene_enter(unsigned index)
{
    char text[256];
    const place *p = here = &places[index];
    if (chdir(p->folder) != 0)
        give_up(p->folder);
    setenv("HOME", p->folder, 1);
    setenv("NACRE_GS_ENDPOINT", p->google, 1);
    setenv("NACRE_S3_ENDPOINT", p->amazon, 1);
    snprintf(text, sizeof text, "%s/acct", p->web);
    setenv("NACRE_AZ_ENDPOINT", text, 1);
    snprintf(text, sizeof text, "%s/in/ca.pem", p->folder);
    setenv("NACRE_HTTP_CA_BUNDLE", text, 1);
}

void scene_end(void)
{
    for (size_t i = 0; i < server_count; i++) {
        kill(servers[i], SIGTERM);
        waitpid(servers[i], NULL, 0);
    }
    if (chdir("/") == 0)
        nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
