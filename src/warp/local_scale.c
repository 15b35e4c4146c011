/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <math.h>
#include <stdlib.h>

#include "warp/engine.h"

/* Unit squares of the destination at up to 10 x 10 places are brought to the source; each tells how many destination
 * pixels a source pixel becomes. Squares that are squeezed to less than a tenth of the largest scale (poles) do not
 * count; the mean of the others is the scale of the view. */

enum { PLACES = 10 };

typedef struct {
    double x, y;
} scale;

static int by_area(const void *a, const void *b)
{
    const scale *s = a, *t = b;
    double difference = s->x * s->y - t->x * t->y;
    return (difference > 0) - (difference < 0);
}

/* Where sample `index` of `count` lies along `length` pixels; the last square ends with the grid. */
static double place(int index, int count, int length)
{
    if (count == 1)
        return 0;
    return (double)index * length / (count - 1) - (index > 0 && index == count - 1 ? 1 : 0);
}

static double squared(double a, double b)
{
    return a * a + b * b;
}

/* The area of a quadrilateral whose corners are given around it. */
static double area(const double x[4], const double y[4])
{
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        int next = (i + 1) % 4;
        sum += x[i] * y[next] - x[next] * y[i];
    }
    return fabs(sum) / 2;
}

/* The scale at one unit square: corners upper left, upper right, lower left, lower right, in source pixels. False
 * where it has none. Lengths of its sides where it is nearly an upright rectangle (20 degrees, 10 %), else the root of
 * its area. */
static bool square_scale(const double x[4], const double y[4], scale *out)
{
    for (int i = 0; i < 4; i++)
        if (x[i] == HUGE_VAL)
            return false;
    double top = squared(x[1] - x[0], y[1] - y[0]), bottom = squared(x[3] - x[2], y[3] - y[2]);
    double left = squared(x[2] - x[0], y[2] - y[0]), right = squared(x[3] - x[1], y[3] - y[1]);
    bool is_upright = fabs(y[1] - y[0]) < 0.35 * (x[1] - x[0]) && fabs(y[3] - y[2]) < 0.35 * (x[3] - x[2]) &&
                      fabs(top - bottom) < 0.1 * top && fabs(left - right) < 0.1 * left;
    double x_length, y_length;
    if (is_upright) {
        x_length = sqrt(sqrt(top * bottom));
        y_length = sqrt(sqrt(left * right));
    } else {
        double around_x[4] = {x[0], x[1], x[3], x[2]}, around_y[4] = {y[0], y[1], y[3], y[2]};
        x_length = y_length = sqrt(area(around_x, around_y));
    }
    *out = (scale){1 / x_length, 1 / y_length};
    return x_length > 1e-10 && y_length > 1e-10;
}

static scale mean_scale(scale *scales, int count)
{
    scale mean = {0, 0}, most = {0, 0};
    qsort(scales, (size_t)count, sizeof *scales, by_area);
    for (int i = 0; i < count; i++) {
        most.x = fmax(most.x, scales[i].x);
        most.y = fmax(most.y, scales[i].y);
    }
    int used = 0;
    for (int i = 0; i < count; i++) {
        if (!(scales[i].x > 0.1 * most.x && scales[i].y > 0.1 * most.y))
            continue;
        double weight = 1.0 / ++used;
        mean.x += (scales[i].x - mean.x) * weight;
        mean.y += (scales[i].y - mean.y) * weight;
    }
    return mean;
}

nacre_status ncr_map_local_scale(const ncr_map *map, int width, int height, double *x_scale, double *y_scale,
                                 nacre_error *err)
{
    scale scales[PLACES * PLACES];
    int count = 0, columns = width < PLACES ? width : PLACES, rows = height < PLACES ? height : PLACES;
    *x_scale = *y_scale = 1;
    for (int row = 0; row < rows; row++) {
        for (int column = 0; column < columns; column++) {
            double left = place(column, columns, width), top = place(row, rows, height);
            double x[4] = {left, left + 1, left, left + 1}, y[4] = {top, top, top + 1, top + 1};
            nacre_status status = ncr_map_to_source(map, 4, x, y, err);
            if (status)
                return status;
            count += square_scale(x, y, &scales[count]);
        }
    }
    scale mean = mean_scale(scales, count);
    *x_scale = mean.x > 0 ? mean.x : 1;
    *y_scale = mean.y > 0 ? mean.y : 1;
    return NACRE_OK;
}
