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

static void make_raster(const char *path, double left)
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
    options.format = "COG";
    options.creation = creation;
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

void scene_make(void)
{
    scene_file("in/bytes", 100000, 1);
    scene_file("store/b/in/bytes", 100000, 1);
    scene_file("az/b/in/bytes", 100000, 1);
    make_key("keys/key.pem");
    make_archive("in/a.zip");
    make_archive("store/b/in/a.zip");
    make_raster("in/a.tif", 500000);
    make_raster("in/b.tif", 506000);
    make_raster("store/b/in/a.tif", 500000);
    make_raster("store/b/in/b.tif", 506000);
}
