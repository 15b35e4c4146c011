/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <nacre/config.h>

#include "base/log.h"

const char *nacre_version(void)
{
    return NCR_VERSION;
}

void nacre_log_set(nacre_log_function function, void *user)
{
    ncr_log_set(function, user);
}
