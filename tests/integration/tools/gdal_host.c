/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A program with a GDAL, which the plugin is loaded into: `gdal_host LIBGDAL PLUGIN /vsigs/BUCKET` prints one line for
 * each scenario that went as it should, and ends with 0. Needs no headers of GDAL. */

typedef struct VSIFile VSIFile;

static struct {
    VSIFile *(*VSIFOpenL)(const char *, const char *);
    int (*VSIFCloseL)(VSIFile *);
    int (*VSIFSeekL)(VSIFile *, uint64_t, int);
    size_t (*VSIFReadL)(void *, size_t, size_t, VSIFile *);
    size_t (*VSIFWriteL)(const void *, size_t, size_t, VSIFile *);
    int (*VSIFReadMultiRangeL)(int, void **, const uint64_t *, const size_t *, VSIFile *);
    int (*VSIFTruncateL)(VSIFile *, uint64_t);
    int (*VSIUnlink)(const char *);
    int (*VSIRename)(const char *, const char *);
    int (*VSIMkdir)(const char *, long);
    int (*VSIRmdir)(const char *);
    int (*VSIStatL)(const char *, struct stat *);
    char **(*VSIReadDir)(const char *);
    void (*CSLDestroy)(char **);
    const char *(*CPLGetLastErrorMsg)(void);
    void (*CPLSetConfigOption)(const char *, const char *);
    void (*GDALAllRegister)(void);
    void *(*GDALGetDriverByName)(const char *);
    void *(*GDALCreate)(void *, const char *, int, int, int, int, char **);
    void *(*GDALOpen)(const char *, int);
    void *(*GDALGetRasterBand)(void *, int);
    int (*GDALRasterIO)(void *, int, int, int, int, int, void *, int, int, int, int, int);
    void (*GDALClose)(void *);
} gdal;

static int (*install)(const char *, const char *, void *);
static int (*uninstall)(void *);
static uint64_t (*check_kept)(void *, size_t);
static const char *root;

#define check(condition)                                                                                    \
    do {                                                                                                    \
        if (!(condition)) {                                                                                 \
            fprintf(stderr, "%s:%d: %s (%s)\n", __func__, __LINE__, #condition, gdal.CPLGetLastErrorMsg()); \
            exit(1);                                                                                        \
        }                                                                                                   \
    } while (0)

static void find(void *library, const char *name, void *out)
{
    void *symbol = dlsym(library, name);
    if (!symbol) {
        fprintf(stderr, "no %s\n", name);
        exit(1);
    }
    memcpy(out, &symbol, sizeof symbol);
}

static void find_all(void *library)
{
    find(library, "VSIFOpenL", &gdal.VSIFOpenL);
    find(library, "VSIFCloseL", &gdal.VSIFCloseL);
    find(library, "VSIFSeekL", &gdal.VSIFSeekL);
    find(library, "VSIFReadL", &gdal.VSIFReadL);
    find(library, "VSIFWriteL", &gdal.VSIFWriteL);
    find(library, "VSIFReadMultiRangeL", &gdal.VSIFReadMultiRangeL);
    find(library, "VSIFTruncateL", &gdal.VSIFTruncateL);
    find(library, "VSIUnlink", &gdal.VSIUnlink);
    find(library, "VSIRename", &gdal.VSIRename);
    find(library, "VSIMkdir", &gdal.VSIMkdir);
    find(library, "VSIRmdir", &gdal.VSIRmdir);
    find(library, "VSIStatL", &gdal.VSIStatL);
    find(library, "VSIReadDir", &gdal.VSIReadDir);
    find(library, "CSLDestroy", &gdal.CSLDestroy);
    find(library, "CPLGetLastErrorMsg", &gdal.CPLGetLastErrorMsg);
    find(library, "CPLSetConfigOption", &gdal.CPLSetConfigOption);
    find(library, "GDALAllRegister", &gdal.GDALAllRegister);
    find(library, "GDALGetDriverByName", &gdal.GDALGetDriverByName);
    find(library, "GDALCreate", &gdal.GDALCreate);
    find(library, "GDALOpen", &gdal.GDALOpen);
    find(library, "GDALGetRasterBand", &gdal.GDALGetRasterBand);
    find(library, "GDALRasterIO", &gdal.GDALRasterIO);
    find(library, "GDALClose", &gdal.GDALClose);
}

static const char *named(const char *key, char out[256])
{
    snprintf(out, 256, "%s/%s", root, key);
    return out;
}

static uint8_t byte_at(uint64_t offset, uint8_t seed)
{
    return (uint8_t)((offset * 2654435761u >> 13) + seed);
}

static uint8_t *pattern(size_t size, uint8_t seed)
{
    uint8_t *data = malloc(size + 1);
    for (size_t i = 0; data && i < size; i++)
        data[i] = byte_at(i, seed);
    return data;
}

static void write_whole(const char *name, size_t size, uint8_t seed)
{
    uint8_t *data = pattern(size, seed);
    VSIFile *file = gdal.VSIFOpenL(name, "wb");
    check(file && data);
    for (size_t at = 0; at < size; at += 300000)
        check(gdal.VSIFWriteL(data + at, 1, size - at < 300000 ? size - at : 300000, file) > 0);
    check(gdal.VSIFCloseL(file) == 0);
    free(data);
}

static void expect_whole(const char *name, size_t size, uint8_t seed)
{
    uint8_t *data = malloc(size + 1), *wanted = pattern(size, seed);
    VSIFile *file = gdal.VSIFOpenL(name, "rb");
    check(file && data && wanted);
    check(gdal.VSIFReadL(data, 1, size + 1, file) == size);
    check(memcmp(data, wanted, size) == 0);
    gdal.VSIFCloseL(file);
    free(data);
    free(wanted);
}

/* --- Scenarios. --- */

static void what_is_written_is_read(void)
{
    char name[256];
    const size_t sizes[] = {0, 1, 70000, 3 << 20, 18 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        write_whole(named("whole", name), sizes[i], (uint8_t)i);
        expect_whole(name, sizes[i], (uint8_t)i);
    }
}

static void small_reads_all_over_are_right(void)
{
    char name[256];
    const size_t size = 3 << 20;
    write_whole(named("small", name), size, 9);
    VSIFile *file = gdal.VSIFOpenL(name, "rb");
    check(file);
    uint32_t random = 1;
    for (int i = 0; i < 3000; i++) {
        uint8_t buffer[5000];
        random = random * 1664525 + 1013904223;
        const uint64_t offset = random % size;
        const size_t length = (random >> 8) % sizeof buffer, there = size - offset < length ? size - offset : length;
        check(gdal.VSIFSeekL(file, offset, SEEK_SET) == 0);
        check(gdal.VSIFReadL(buffer, 1, length, file) == there);
        for (size_t j = 0; j < there; j++)
            check(buffer[j] == byte_at(offset + j, 9));
    }
    gdal.VSIFCloseL(file);
}

static void ranges_together_are_right(void)
{
    enum { COUNT = 40, LENGTH = 4000 };
    char name[256];
    static uint8_t buffers[COUNT][LENGTH];
    void *pointers[COUNT];
    uint64_t offsets[COUNT];
    size_t sizes[COUNT];
    VSIFile *file = gdal.VSIFOpenL(named("small", name), "rb");
    check(file);
    for (int i = 0; i < COUNT; i++) {
        pointers[i] = buffers[i];
        offsets[i] = (uint64_t)i * 70000 - (i % 3 == 1 ? 66000 : 0); /* some lie one behind the other */
        sizes[i] = LENGTH;
    }
    check(gdal.VSIFReadMultiRangeL(COUNT, pointers, offsets, sizes, file) == 0);
    for (int i = 0; i < COUNT; i++)
        for (int j = 0; j < LENGTH; j++)
            check(buffers[i][j] == byte_at(offsets[i] + (uint64_t)j, 9));
    offsets[0] = 3 << 20;
    check(gdal.VSIFReadMultiRangeL(1, pointers, offsets, sizes, file) != 0); /* beyond the end */
    gdal.VSIFCloseL(file);
}

static void bytes_that_were_sent_can_be_changed(void)
{
    char name[256];
    const size_t size = 20 << 20; /* of which whole parts are on their way */
    uint8_t *data = pattern(size, 3);
    VSIFile *file = gdal.VSIFOpenL(named("patched", name), "wb+");
    check(file && gdal.VSIFWriteL(data, 1, size, file) == size);
    data[5] = 77;
    data[size - 1] = 78;
    check(gdal.VSIFSeekL(file, 5, SEEK_SET) == 0 && gdal.VSIFWriteL(data + 5, 1, 1, file) == 1);
    check(gdal.VSIFSeekL(file, size - 1, SEEK_SET) == 0 && gdal.VSIFWriteL(data + size - 1, 1, 1, file) == 1);
    uint8_t *read = malloc(size);
    check(gdal.VSIFSeekL(file, 0, SEEK_SET) == 0 && gdal.VSIFReadL(read, 1, size, file) == size);
    check(memcmp(read, data, size) == 0);
    check(gdal.VSIFCloseL(file) == 0);
    file = gdal.VSIFOpenL(name, "rb");
    check(file && gdal.VSIFReadL(read, 1, size, file) == size && memcmp(read, data, size) == 0);
    gdal.VSIFCloseL(file);
    free(read);
    free(data);
}

/* As a writer of TIFF does: the header comes last. */
static void a_header_may_come_last(void)
{
    char name[256];
    const size_t size = 30 << 20;
    uint8_t *data = pattern(size, 5), *read = malloc(size);
    memcpy(data, "II*\0\0\0\0", 8);
    VSIFile *file = gdal.VSIFOpenL(named("header", name), "wb+");
    check(file && read);
    for (size_t at = 0; at < size; at += 1 << 20)
        check(gdal.VSIFWriteL(data + at, 1, 1 << 20, file) == 1 << 20);
    data[4] = 8;
    data[1000000] ^= 1;
    check(gdal.VSIFSeekL(file, 4, SEEK_SET) == 0 && gdal.VSIFWriteL(data + 4, 1, 4, file) == 4);
    check(gdal.VSIFSeekL(file, 1000000, SEEK_SET) == 0 && gdal.VSIFWriteL(data + 1000000, 1, 1, file) == 1);
    check(gdal.VSIFCloseL(file) == 0);
    file = gdal.VSIFOpenL(name, "rb");
    check(file && gdal.VSIFReadL(read, 1, size, file) == size && memcmp(read, data, size) == 0);
    gdal.VSIFCloseL(file);
    free(read);
    free(data);
}

static void an_update_changes_only_what_it_writes(void)
{
    char name[256];
    struct stat st;
    uint8_t buffer[10];
    write_whole(named("update", name), 100000, 4);
    VSIFile *file = gdal.VSIFOpenL(name, "rb+");
    check(file && gdal.VSIFReadL(buffer, 1, 10, file) == 10 && buffer[3] == byte_at(3, 4));
    check(gdal.VSIFSeekL(file, 50000, SEEK_SET) == 0 && gdal.VSIFWriteL("abc", 1, 3, file) == 3);
    check(gdal.VSIFTruncateL(file, 60000) == 0 && gdal.VSIFCloseL(file) == 0);
    check(gdal.VSIStatL(name, &st) == 0 && st.st_size == 60000);
    file = gdal.VSIFOpenL(name, "rb");
    check(gdal.VSIFSeekL(file, 49999, SEEK_SET) == 0 && gdal.VSIFReadL(buffer, 1, 5, file) == 5);
    check(buffer[0] == byte_at(49999, 4) && !memcmp(buffer + 1, "abc", 3) && buffer[4] == byte_at(50003, 4));
    gdal.VSIFCloseL(file);
}

static void an_update_has_a_limit(void)
{
    char name[256];
    static const char key[] = "NACRE_GDAL_UPDATE_LIMIT";
    write_whole(named("limited", name), 2000, 4);
    gdal.CPLSetConfigOption(key, "1999");
    check(!gdal.VSIFOpenL(name, "rb+") && strstr(gdal.CPLGetLastErrorMsg(), key));
    gdal.CPLSetConfigOption(key, "2000");
    VSIFile *file = gdal.VSIFOpenL(name, "rb+");
    check(file && gdal.VSIFCloseL(file) == 0);
    gdal.CPLSetConfigOption(key, NULL);
    expect_whole(name, 2000, 4);
}

/* What GDAL would take for credentials and nacre does not is no reason to ask without any. */
static void options_are_refused_rather_than_passed_over(void)
{
    char name[256];
    gdal.CPLSetConfigOption("GS_NO_SIGN_REQUEST", "NO");
    gdal.CPLSetConfigOption("GS_OAUTH2_REFRESH_TOKEN", "secret");
    const bool is_google = strncmp(root, "/vsigs/", 7) == 0;
    check(!gdal.VSIFOpenL(named("limited", name), "rb") == is_google);
    check(!is_google || strstr(gdal.CPLGetLastErrorMsg(), "GS_OAUTH2_REFRESH_TOKEN"));
    check(!strstr(gdal.CPLGetLastErrorMsg(), "secret"));
    gdal.CPLSetConfigOption("GS_OAUTH2_REFRESH_TOKEN", NULL);
    gdal.CPLSetConfigOption("GS_NO_SIGN_REQUEST", NULL);
}

static void local_files_survive(void)
{
    char name[256], local[256];
    struct stat st;
    const char *bucket = strrchr(root, '/') + 1;
    snprintf(local, sizeof local, "%s/mine", bucket);
    mkdir(bucket, 0700);
    FILE *mine = fopen(local, "w");
    check(mine && fputs("mine", mine) > 0 && fclose(mine) == 0);
    write_whole(named("mine", name), 10, 1);
    check(gdal.VSIStatL(name, &st) == 0 && gdal.VSIUnlink(name) == 0 && gdal.VSIStatL(name, &st) != 0);
    check(gdal.VSIUnlink(name) != 0); /* it is not there any more */
    check(stat(local, &st) == 0 && st.st_size == 4);
    check(gdal.VSIUnlink(local) == 0 && stat(local, &st) != 0); /* and local ones are deleted as ever */
    rmdir(bucket);
}

static void directories_come_and_go(void)
{
    char name[256], other[256], file[256];
    struct stat st;
    check(gdal.VSIMkdir(named("folder", name), 0755) == 0 && gdal.VSIMkdir(name, 0755) != 0);
    check(gdal.VSIStatL(name, &st) == 0 && S_ISDIR(st.st_mode));
    write_whole(named("folder/one", file), 10, 1);
    check(gdal.VSIRmdir(name) != 0);
    char **names = gdal.VSIReadDir(name);
    check(names && names[0] && !strcmp(names[0], "one") && !names[1]);
    gdal.CSLDestroy(names);
    check(gdal.VSIRename(name, named("moved", other)) == 0);
    check(gdal.VSIStatL(file, &st) != 0 && gdal.VSIStatL(named("moved/one", file), &st) == 0 && st.st_size == 10);
    check(gdal.VSIRename(file, named("moved/two", name)) == 0 && gdal.VSIUnlink(name) == 0);
    check(gdal.VSIRmdir(other) == 0 && gdal.VSIStatL(other, &st) != 0);
}

/* --- Threads, forks, the end. --- */

static _Atomic bool is_over;

static void *read_again_and_again(void *user)
{
    enum { SIZE = 200000 };
    char name[256];
    uint8_t *data = malloc(SIZE);
    (void)user;
    while (!is_over) {
        VSIFile *file = gdal.VSIFOpenL(named("shared", name), "rb");
        check(data);
        if (!file) /* it was overwritten again and again while it was being opened */
            continue;
        const bool is_whole = gdal.VSIFReadL(data, 1, SIZE, file) == SIZE;
        for (size_t i = 0; is_whole && i < SIZE; i += 997) /* else it changed in between, which is told */
            check(data[i] == byte_at(i, data[0]));
        gdal.VSIFCloseL(file);
    }
    free(data);
    return NULL;
}

static void threads_see_one_version_each(void)
{
    char name[256];
    pthread_t threads[16];
    write_whole(named("shared", name), 200000, 0);
    for (int i = 0; i < 16; i++)
        check(pthread_create(&threads[i], NULL, read_again_and_again, NULL) == 0);
    for (int i = 1; i < 20; i++)
        write_whole(name, 200000, (uint8_t)i);
    is_over = true;
    for (int i = 0; i < 16; i++)
        pthread_join(threads[i], NULL);
}

static void child(VSIFile *reading, VSIFile *writing)
{
    char name[256];
    uint8_t buffer[1000];
    check(gdal.VSIFSeekL(reading, 150000, SEEK_SET) == 0 && gdal.VSIFReadL(buffer, 1, 1000, reading) == 1000);
    check(buffer[0] == byte_at(150000, 6));
    gdal.VSIFCloseL(reading);
    gdal.VSIFCloseL(writing); /* the parent's business: nothing happens */
    expect_whole(named("forked", name), 200000, 6);
    write_whole(named("of-child", name), 100, 2);
}

static void a_fork_leaves_both_sides_working(void)
{
    char name[256];
    int status;
    struct stat st;
    write_whole(named("forked", name), 200000, 6);
    VSIFile *reading = gdal.VSIFOpenL(name, "rb"), *writing = gdal.VSIFOpenL(named("of-parent", name), "wb");
    check(reading && writing && gdal.VSIFWriteL("abc", 1, 3, writing) == 3);
    const pid_t pid = fork();
    check(pid >= 0);
    if (!pid) {
        child(reading, writing);
        exit(0);
    }
    check(waitpid(pid, &status, 0) == pid && status == 0);
    check(gdal.VSIStatL(named("of-parent", name), &st) != 0 && gdal.VSIStatL(named("of-child", name), &st) == 0);
    check(gdal.VSIFCloseL(writing) == 0 && gdal.VSIStatL(named("of-parent", name), &st) == 0 && st.st_size == 3);
    gdal.VSIFCloseL(reading);
}

/* --- A mosaic of 100 sources, by 16 threads of the program and as many of GDAL's as there are processors. --- */

enum { SOURCE = 256, ACROSS = 10, MOSAIC = SOURCE * ACROSS };

static void write_source(const char *name, uint8_t value)
{
    static uint8_t pixels[SOURCE * SOURCE];
    uint32_t random = value;
    for (size_t i = 0; i < sizeof pixels; i++) {
        random = random * 1664525 + 1013904223;
        pixels[i] = (uint8_t)(random >> 24);
    }
    pixels[0] = value;
    void *dataset = gdal.GDALCreate(gdal.GDALGetDriverByName("GTiff"), name, SOURCE, SOURCE, 1, 1, NULL);
    check(dataset);
    check(gdal.GDALRasterIO(gdal.GDALGetRasterBand(dataset, 1), 1, 0, 0, SOURCE, SOURCE, pixels, SOURCE, SOURCE, 1, 0,
                            0) == 0);
    gdal.GDALClose(dataset);
}

static void write_mosaic(void)
{
    static char text[1 << 16];
    char name[256], key[64];
    int length = snprintf(text, sizeof text, "<VRTDataset rasterXSize='%d' rasterYSize='%d'>", MOSAIC, MOSAIC);
    length += snprintf(text + length, sizeof text - (size_t)length, "<VRTRasterBand dataType='Byte' band='1'>");
    for (int i = 0; i < ACROSS * ACROSS; i++) {
        snprintf(key, sizeof key, "mosaic/%d.tif", i);
        write_source(named(key, name), (uint8_t)i);
        length += snprintf(text + length, sizeof text - (size_t)length,
                           "<SimpleSource><SourceFilename relativeToVRT='1'>%d.tif</SourceFilename><SourceBand>1"
                           "</SourceBand><SrcRect xOff='0' yOff='0' xSize='%d' ySize='%d'/>"
                           "<DstRect xOff='%d' yOff='%d' xSize='%d' ySize='%d'/></SimpleSource>",
                           i, SOURCE, SOURCE, i % ACROSS * SOURCE, i / ACROSS * SOURCE, SOURCE, SOURCE);
    }
    length += snprintf(text + length, sizeof text - (size_t)length, "</VRTRasterBand></VRTDataset>");
    VSIFile *file = gdal.VSIFOpenL(named("mosaic/all.vrt", name), "wb");
    check(file && gdal.VSIFWriteL(text, 1, (size_t)length, file) == (size_t)length && gdal.VSIFCloseL(file) == 0);
}

static void *read_mosaic(void *user)
{
    char name[256];
    uint8_t *pixels = calloc(MOSAIC, MOSAIC);
    void *dataset = gdal.GDALOpen(named("mosaic/all.vrt", name), 0);
    (void)user;
    check(pixels && dataset);
    check(gdal.GDALRasterIO(gdal.GDALGetRasterBand(dataset, 1), 0, 0, 0, MOSAIC, MOSAIC, pixels, MOSAIC, MOSAIC, 1, 0,
                            0) == 0);
    for (int i = 0; i < ACROSS * ACROSS; i++)
        check(pixels[(size_t)(i / ACROSS) * SOURCE * MOSAIC + (size_t)(i % ACROSS) * SOURCE] == i);
    gdal.GDALClose(dataset);
    free(pixels);
    return NULL;
}

static void threads_and_forks_read_a_mosaic(void)
{
    enum { THREADS = 16, CHILDREN = 4 };
    pthread_t threads[THREADS];
    pid_t children[CHILDREN];
    int status;
    gdal.GDALAllRegister();
    gdal.CPLSetConfigOption("GDAL_NUM_THREADS", "ALL_CPUS");
    write_mosaic();
    for (int i = 0; i < THREADS; i++)
        check(pthread_create(&threads[i], NULL, read_mosaic, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    gdal.CPLSetConfigOption("GDAL_NUM_THREADS", "1"); /* GDAL's pool of threads does not outlive a fork */
    gdal.CPLSetConfigOption("VRT_NUM_THREADS", "1");
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        check(children[i] >= 0);
        if (!children[i]) {
            read_mosaic(NULL);
            exit(0);
        }
    }
    for (int i = 0; i < CHILDREN; i++)
        check(waitpid(children[i], &status, 0) == children[i] && status == 0);
    read_mosaic(NULL);
}

static void open_files_outlive_uninstalling(void)
{
    char name[256];
    uint8_t buffer[1000];
    write_whole(named("outlives", name), 200000, 8);
    VSIFile *file = gdal.VSIFOpenL(name, "rb");
    check(file && uninstall(NULL) == 0);
    check(uninstall(NULL) == 0 && install(NULL, NULL, NULL) == 0 && uninstall(NULL) == 0);
    check(gdal.VSIFSeekL(file, 150000, SEEK_SET) == 0 && gdal.VSIFReadL(buffer, 1, 1000, file) == 1000);
    check(buffer[7] == byte_at(150007, 8));
    gdal.VSIFCloseL(file);
    check(install(NULL, NULL, NULL) == 0);
    expect_whole(name, 200000, 8);
}

static VSIFile *volatile left_open[2]; /* so that they are no leaks */

static void the_end_finds_files_open(void)
{
    char name[256];
    VSIFile *file = gdal.VSIFOpenL(named("never", name), "wb");
    left_open[0] = gdal.VSIFOpenL(named("outlives", name), "rb");
    left_open[1] = file;
    check(left_open[0] && file && gdal.VSIFWriteL("abc", 1, 3, file) == 3 && check_kept(NULL, 0) == 0);
}

int main(int argc, char **argv)
{
    const struct {
        const char *name;
        void (*run)(void);
    } scenarios[] = {
        {"what_is_written_is_read", what_is_written_is_read},
        {"small_reads_all_over_are_right", small_reads_all_over_are_right},
        {"ranges_together_are_right", ranges_together_are_right},
        {"bytes_that_were_sent_can_be_changed", bytes_that_were_sent_can_be_changed},
        {"a_header_may_come_last", a_header_may_come_last},
        {"an_update_changes_only_what_it_writes", an_update_changes_only_what_it_writes},
        {"an_update_has_a_limit", an_update_has_a_limit},
        {"options_are_refused_rather_than_passed_over", options_are_refused_rather_than_passed_over},
        {"local_files_survive", local_files_survive},
        {"directories_come_and_go", directories_come_and_go},
        {"threads_see_one_version_each", threads_see_one_version_each},
        {"a_fork_leaves_both_sides_working", a_fork_leaves_both_sides_working},
        {"threads_and_forks_read_a_mosaic", threads_and_forks_read_a_mosaic},
        {"open_files_outlive_uninstalling", open_files_outlive_uninstalling},
        {"the_end_finds_files_open", the_end_finds_files_open},
    };
    if (argc != 4)
        return 2;
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL), *plugin = library ? dlopen(argv[2], RTLD_NOW) : NULL;
    if (!plugin) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    root = argv[3];
    find_all(library);
    find(plugin, "nacre_gdal_install", &install);
    find(plugin, "nacre_gdal_uninstall", &uninstall);
    find(plugin, "nacre_gdal_check", &check_kept);
    check(install(NULL, NULL, NULL) == 0);
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        scenarios[i].run();
        printf("%s\n", scenarios[i].name);
        fflush(stdout);
    }
    return 0;
}
