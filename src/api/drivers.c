/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "api/drivers.h"

#include <pthread.h>

#include "picture/picture.h"
#include "tiff/tiff.h"
#include "vrt/vrt.h"
#include "warp/warp.h"

/* One line each: the first driver whose probe says yes opens a file, the first saver with a path's ending writes it. */
static void register_all(void)
{
    ncr_driver_register(&ncr_tiff_driver);
    ncr_driver_register(&ncr_vrt_driver);

    ncr_vrt_subclass_register(&ncr_warped_vrt);

    ncr_saver_register(&ncr_cog_saver);
    ncr_saver_register(&ncr_gtiff_saver);
    ncr_saver_register(&ncr_vrt_saver);
    ncr_saver_register(&ncr_png_saver);
}

void ncr_drivers_register(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_all);
}
