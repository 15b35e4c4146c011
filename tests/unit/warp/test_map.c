/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "warp/map.h"
#include "warp/suggest.h"

/* Sources, each with all destinations: ordinary ones, and those with poles, the antimeridian and points without an
 * inverse inside. */
static const struct {
    const char *crs;
    int width, height;
    nacre_transform transform;
} sources[] = {
    {"EPSG:32618", 791, 718, {300.04, 0, 101985, 0, -300.04, 2826915}},
    {"EPSG:4326", 720, 360, {0.5, 0, -180, 0, -0.5, 90}},
    {"EPSG:4326", 1000, 700, {0.001, 0, 8, 0, -0.001, 47}},
    {"EPSG:3857", 512, 512, {78271.51696402048, 0, -20037508.342789244, 0, -78271.51696402048, 20037508.342789244}},
    {"EPSG:3413", 600, 600, {10000, 0, -3000000, 0, -10000, 3000000}},
    {"EPSG:27700", 500, 700, {600, 0, 200000, 0, -600, 520000}},
    {"EPSG:26716", 5000, 3000, {10, 0, 300000, 0, -10, 4060000}},
};
static const char *const destinations[] = {"EPSG:4326",
                                           "EPSG:3857",
                                           "EPSG:32618",
                                           "EPSG:3035",
                                           "EPSG:5070",
                                           "EPSG:3413",
                                           "EPSG:3031",
                                           "ESRI:54030",
                                           "ESRI:54009",
                                           "EPSG:6933",
                                           "EPSG:2056",
                                           "EPSG:27700",
                                           "EPSG:4267",
                                           "+proj=igh +datum=WGS84",
                                           "+proj=ortho +lat_0=40 +lon_0=10 +datum=WGS84"};
enum {
    SOURCES = (int)(sizeof sources / sizeof *sources),
    DESTINATIONS = (int)(sizeof destinations / sizeof *destinations)
};

typedef struct {
    ncr_reprojection_spec spec;
    ncr_reprojection *reprojection;
    nacre_grid grid;
    ncr_map map;
} fixture;

/* False where the source has no place there. */
static bool open_pair(int source, const char *dst_crs, fixture *f)
{
    *f = (fixture){0};
    const nacre_transform *t = &sources[source].transform;
    int width = sources[source].width, height = sources[source].height;
    assert_int_equal(ncr_crs_from_text(sources[source].crs, &f->spec.src, NULL), NACRE_OK);
    assert_int_equal(ncr_crs_from_text(dst_crs, &f->spec.dst, NULL), NACRE_OK);
    double x[4] = {t->c, t->c + width * t->a, t->c, t->c + width * t->a};
    double y[4] = {t->f, t->f, t->f + height * t->e, t->f + height * t->e};
    ncr_reprojection_spec_cover(&f->spec, x, y);
    assert_int_equal(ncr_reprojection_new("test", &f->spec, &f->reprojection, NULL), NACRE_OK);
    ncr_warp_source s = {"test", width, height, *t, f->spec.src, f->spec.dst, f->reprojection};
    if (ncr_suggest_grid(&s, &f->grid, NULL) != NACRE_OK || f->grid.width > 100000 || f->grid.height > 100000)
        return false;
    assert_int_equal(ncr_map_init(&f->map, "test", f->reprojection, t, &f->grid.transform, NULL), NACRE_OK);
    return true;
}

static void close_pair(fixture *f)
{
    ncr_map_clear(&f->map);
    ncr_reprojection_unref(f->reprojection);
    ncr_reprojection_spec_clear(&f->spec);
}

/* Largest distance of a cell from PROJ, asked pixel by pixel; HUGE_VAL where one has a point and the other has not. */
static double cell_error(const fixture *f, const ncr_cell *cell)
{
    ncr_cell_points *points = malloc(sizeof *points);
    assert_int_equal(ncr_cell_evaluate(cell, &f->map, false, points, NULL), NACRE_OK);
    double worst = 0;
    for (int row = 0; row < cell->height; row++) {
        for (int column = 0; column < cell->width; column++) {
            double x = (double)(cell->x + column) + 0.5, y = (double)(cell->y + row) + 0.5;
            int at = row * NCR_CELL + column;
            assert_int_equal(ncr_map_to_source(&f->map, 1, &x, &y, NULL), NACRE_OK);
            if (x == HUGE_VAL && points->x[at] == HUGE_VAL)
                continue;
            double distance = fmax(fabs(x - points->x[at]), fabs(y - points->y[at]));
            worst = distance > worst || isnan(distance) ? distance : worst;
        }
    }
    free(points);
    return worst;
}

typedef struct {
    int cells, polynomial_leaves, direct_leaves;
    double worst;
} summary;

static ncr_cell cell_of(const fixture *f, int column, int row)
{
    enum { SIDE = NCR_BLOCK / NCR_CELL };
    int width = f->grid.width, height = f->grid.height;
    ncr_block block;
    ncr_cell cell;
    assert_int_equal(ncr_block_init(&block, &f->map, width, height, column / SIDE, row / SIDE, NULL), NACRE_OK);
    assert_int_equal(ncr_cell_init(&cell, &block, &f->map, width, height, column, row, NULL), NACRE_OK);
    return cell;
}

/* Every few cells of the grid, with its edges. */
static void check_pair(const fixture *f, summary *sum)
{
    int columns = (f->grid.width + NCR_CELL - 1) / NCR_CELL, rows = (f->grid.height + NCR_CELL - 1) / NCR_CELL;
    int column_step = columns > 4 ? columns / 3 : 1, row_step = rows > 4 ? rows / 3 : 1;
    for (int row = 0; row < rows; row += row_step) {
        for (int column = 0; column < columns; column += column_step) {
            ncr_cell cell = cell_of(f, column, row);
            sum->worst = fmax(sum->worst, cell_error(f, &cell));
            sum->cells++;
            for (int i = 0; i < cell.leaf_count; i++)
                *(cell.leaves[i].is_direct ? &sum->direct_leaves : &sum->polynomial_leaves) += 1;
            ncr_cell_clear(&cell);
        }
    }
}

static void cells_are_within_a_thousandth_of_a_pixel_of_proj(void **state)
{
    (void)state;
    int pairs = 0;
    summary all = {0};
    for (int i = 0; i < SOURCES; i++) {
        for (int j = 0; j < DESTINATIONS; j++) {
            fixture f;
            summary sum = {0};
            if (open_pair(i, destinations[j], &f)) {
                check_pair(&f, &sum);
                pairs++;
            }
            close_pair(&f);
            if (!(sum.worst <= NCR_MAP_TOLERANCE))
                print_error("%s to %s: off by %g source pixels\n", sources[i].crs, destinations[j], sum.worst);
            assert_true(sum.worst <= NCR_MAP_TOLERANCE);
            all.cells += sum.cells;
            all.polynomial_leaves += sum.polynomial_leaves;
            all.direct_leaves += sum.direct_leaves;
            all.worst = fmax(all.worst, sum.worst);
        }
    }
    print_message("%d pairs, %d cells, %d polynomials, %d squares asked directly, worst %.2g source pixels\n", pairs,
                  all.cells, all.polynomial_leaves, all.direct_leaves, all.worst);
    assert_true(pairs > 80);
    assert_true(all.polynomial_leaves > all.direct_leaves / 4);
}

/* Against PROJ's own interface, not ours. */
static void the_operation_is_projs_for_the_area(void **state)
{
    (void)state;
    fixture f;
    assert_true(open_pair(6, "EPSG:4326", &f)); /* an old datum: the area decides which operation is best */
    assert_true(f.spec.has_area);
    PJ_CONTEXT *context = proj_context_create();
    PJ_AREA *area = proj_area_create();
    proj_area_set_bbox(area, f.spec.area[0], f.spec.area[1], f.spec.area[2], f.spec.area[3]);
    PJ *operation = proj_create_crs_to_crs(context, "EPSG:26716", "EPSG:4326", area);
    PJ *normal = proj_normalize_for_visualization(context, operation);
    for (int i = 0; i < 100; i++) {
        double column = i * 37 % f.grid.width + 0.5, row = i * 91 % f.grid.height + 0.5, x = column, y = row;
        assert_int_equal(ncr_map_to_source(&f.map, 1, &x, &y, NULL), NACRE_OK);
        const nacre_transform *d = &f.grid.transform, *s = &sources[6].transform;
        PJ_COORD at = proj_trans(normal, PJ_INV, proj_coord(d->c + column * d->a, d->f + row * d->e, 0, HUGE_VAL));
        assert_true(fabs((at.xy.x - s->c) / s->a - x) < 1e-6 && fabs((at.xy.y - s->f) / s->e - y) < 1e-6);
    }
    proj_destroy(normal);
    proj_destroy(operation);
    proj_area_destroy(area);
    proj_context_destroy(context);
    close_pair(&f);
}

static void there_and_back_returns(void **state)
{
    (void)state;
    for (int j = 0; j < DESTINATIONS; j++) {
        fixture f;
        if (open_pair(0, destinations[j], &f)) {
            for (int i = 0; i < 50; i++) {
                double column = i * 13 % 791 + 0.25, row = i * 29 % 718 + 0.75, x = column, y = row;
                assert_int_equal(ncr_map_to_destination(&f.map, 1, &x, &y, NULL), NACRE_OK);
                if (x == HUGE_VAL)
                    continue;
                assert_int_equal(ncr_map_to_source(&f.map, 1, &x, &y, NULL), NACRE_OK);
                assert_true(x == HUGE_VAL || (fabs(x - column) < 1e-3 && fabs(y - row) < 1e-3));
            }
        }
        close_pair(&f);
    }
}

static void longitudes_are_wrapped_to_the_source(void **state)
{
    (void)state;
    /* A raster from 0 to 360, asked for at 90 degrees west. */
    ncr_reprojection_spec spec = {0};
    assert_int_equal(ncr_crs_from_text("EPSG:4326", &spec.src, NULL), NACRE_OK);
    spec.dst = ncr_crs_ref(spec.src);
    const double x[4] = {0, 360, 0, 360}, y[4] = {90, 90, -90, -90};
    ncr_reprojection_spec_cover(&spec, x, y);
    ncr_reprojection *r;
    assert_int_equal(ncr_reprojection_new("test", &spec, &r, NULL), NACRE_OK);
    assert_true(ncr_reprojection_is_same(r));
    assert_false(ncr_reprojection_is_identity(r));
    double lon[3] = {-90, 90, 359}, lat[3] = {0, 0, 0};
    assert_int_equal(ncr_reprojection_run(r, true, 3, lon, lat, NULL), NACRE_OK);
    assert_true(lon[0] == 270 && lon[1] == 90 && lon[2] == 359);
    ncr_reprojection_unref(r);
    ncr_reprojection_spec_clear(&spec);
}

static void without_an_operation_is_an_error(void **state)
{
    (void)state;
    ncr_reprojection_spec spec = {0};
    ncr_reprojection *r;
    nacre_error err = {0};
    assert_int_equal(ncr_crs_from_text("EPSG:32618", &spec.src, NULL), NACRE_OK);
    assert_int_equal(ncr_crs_from_text("LOCAL_CS[\"site\",UNIT[\"metre\",1]]", &spec.dst, NULL), NACRE_OK);
    assert_int_equal(ncr_reprojection_new("scene.tif", &spec, &r, &err), NACRE_ERROR_INVALID);
    assert_null(r);
    assert_non_null(strstr(err.message, "scene.tif: "));
    ncr_reprojection_spec_clear(&spec);
}

static void singular_transforms_are_refused(void **state)
{
    (void)state;
    nacre_transform flat = {1, 2, 0, 2, 4, 0}, good = {2, 1, 5, -1, 3, 7}, inverse;
    assert_false(ncr_map_invert(&flat, &inverse));
    flat = (nacre_transform){NAN, 0, 0, 0, 1, 0};
    assert_false(ncr_map_invert(&flat, &inverse));
    assert_true(ncr_map_invert(&good, &inverse));
    double x = good.a * 3 + good.b * 4 + good.c, y = good.d * 3 + good.e * 4 + good.f;
    assert_true(fabs(inverse.a * x + inverse.b * y + inverse.c - 3) < 1e-12);
    assert_true(fabs(inverse.d * x + inverse.e * y + inverse.f - 4) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_within_a_thousandth_of_a_pixel_of_proj),
        cmocka_unit_test(the_operation_is_projs_for_the_area),
        cmocka_unit_test(there_and_back_returns),
        cmocka_unit_test(longitudes_are_wrapped_to_the_source),
        cmocka_unit_test(without_an_operation_is_an_error),
        cmocka_unit_test(singular_transforms_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
