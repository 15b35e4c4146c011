/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#ifndef NCR_CLI_DESCRIBE_H
#define NCR_CLI_DESCRIBE_H

#include "cli.h"

/* Parts of a dataset as JSON, shared by info and compare; each gives a new reference. */

/* A text; one that is no UTF-8 is taken as Latin 1, since JSON has no other bytes. */
json_t *cli_json_text(const char *text);

/* A path as it may be shown: as JSON, and as a line of standard output. */
json_t *cli_json_path(const char *path);
void cli_print_path(const char *path);
/* A number; texts "nan", "inf" and "-inf" for what JSON has no number for. */
json_t *cli_json_number(double value);
/* null where there is none. */
json_t *cli_json_nodata(const nacre_band_info *band);
json_t *cli_json_transform(const nacre_dataset_info *info); /* [a, b, c, d, e, f] or null */
/* {domain: {key: value}} of the dataset (band 0) or a band. */
json_t *cli_json_metadata(const nacre_dataset *dataset, int band);
/* {authority, code, name, wkt2} or null. */
json_t *cli_json_crs(nacre_crs *crs);
/* ["per_dataset", "alpha"...] as in Rasterio. */
json_t *cli_json_mask_flags(unsigned flags);

/* left, bottom, right, top, as Rasterio has them. */
void cli_bounds(const nacre_dataset_info *info, double out[4]);

/* "EPSG:32618 WGS 84 / UTM zone 18N" or what of it is known; "" for none. */
void cli_crs_text(nacre_crs *crs, char *out, size_t size);

#endif
