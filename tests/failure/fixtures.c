/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "raster/dataset.h"
#include "scenario.h"
#include "support/memory_raster.h"
#include "support/zip_maker.h"

/* What scenarios read. */

static void make_raster(const char *path, const char *format, double left)
{
    uint8_t *values = malloc((size_t)SCENE_WIDTH * SCENE_HEIGHT * 2);
    if (!values)
        exit(1);
    for (size_t i = 0; i < (size_t)SCENE_WIDTH * SCENE_HEIGHT * 2; i++)
        values[i] = (uint8_t)(i % SCENE_WIDTH + i / 1000);
    const nacre_transform transform = {30, 0, left, 0, -30, 4000000};
    memory_raster *raster =
        memory_raster_new(SCENE_WIDTH, SCENE_HEIGHT, 2, NACRE_DTYPE_UINT8, values, &transform, "EPSG:32618");
    static const char *const creation[] = {"BLOCKSIZE=128", "COMPRESS=DEFLATE", NULL};
    nacre_save_options options = NACRE_SAVE_OPTIONS_INIT;
    options.format = format;
    options.creation = strcmp(format, "COG") ? NULL : creation;
    nacre_error err;
    if (nacre_dataset_save((nacre_dataset *)&raster->base, path, &options, NULL, &err) != NACRE_OK) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    nacre_dataset_close((nacre_dataset *)&raster->base);
}

/* One member as it is, one deflated. */
static void make_archive(const char *path)
{
    static uint8_t data[30000];
    zip_maker maker;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + i / 251);
    zip_begin(&maker, "");
    zip_add(&maker, (zip_member){.name = "stored", .data = data, .size = sizeof data});
    zip_add(&maker, (zip_member){.name = "deflated", .data = data, .size = sizeof data, .method = 8});
    zip_end(&maker, "");
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(maker.archive.data, 1, maker.archive.size, file) != maker.archive.size || fclose(file) != 0)
        exit(1);
    zip_clear(&maker);
}

/* A service account's. */
static void make_key(const char *path)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    FILE *file = fopen(path, "w");
    if (!key || !file || !PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) || fclose(file) != 0)
        exit(1);
    EVP_PKEY_free(key);
}

/* What a .aux.xml may say. */
static const char said[] =
    "<PAMDataset><SRS>EPSG:32631</SRS><GeoTransform>5, 1, 0, 6, 0, -1</GeoTransform>"
    "<Metadata><MDI key=\"a\">b</MDI></Metadata><Metadata domain=\"xml:X\" format=\"xml\"><x y=\"1\"/></Metadata>"
    "<PAMRasterBand band=\"1\"><Description>d</Description><NoDataValue>3</NoDataValue><UnitType>m</UnitType>"
    "<ColorTable><Entry c1=\"1\" c2=\"2\" c3=\"3\"/></ColorTable></PAMRasterBand>"
    "<GCPList Projection=\"EPSG:4326\"><GCP Id=\"1\" Pixel=\"1\" Line=\"2\" X=\"3\" Y=\"4\"/></GCPList></PAMDataset>";

static void make_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        exit(1);
}

/* Rational polynomials. */
static void make_coefficients(const char *path)
{
    static const char *const singles[] = {"LINE_OFF",   "SAMP_OFF",   "LAT_OFF",   "LONG_OFF",   "HEIGHT_OFF",
                                          "LINE_SCALE", "SAMP_SCALE", "LAT_SCALE", "LONG_SCALE", "HEIGHT_SCALE"};
    static const char *const lists[] = {"LINE_NUM", "LINE_DEN", "SAMP_NUM", "SAMP_DEN"};
    FILE *file = fopen(path, "w");
    for (size_t i = 0; file && i < sizeof singles / sizeof *singles; i++)
        fprintf(file, "%s: %zu\n", singles[i], i);
    for (int i = 0; file && i < 80; i++)
        fprintf(file, "%s_COEFF_%d: 1\n", lists[i / 20], i % 20 + 1);
    if (!file || fclose(file) != 0)
        exit(1);
}

void scene_make(void)
{
    scene_file("in/bytes", 100000, 1);
    scene_file("store/b/in/bytes", 100000, 1);
    scene_file("az/b/in/bytes", 100000, 1);
    make_key("keys/key.pem");
    make_archive("in/a.zip");
    make_archive("store/b/in/a.zip");
    make_raster("in/a.tif", "COG", 500000);
    make_raster("in/b.tif", "COG", 506000);
    make_raster("in/p.tif", "GTiff", 500000);
    make_text("in/p.tif.aux.xml", said);
    make_coefficients("in/p_RPC.TXT");
    make_raster("store/b/in/a.tif", "COG", 500000);
    make_raster("store/b/in/b.tif", "COG", 506000);
}
