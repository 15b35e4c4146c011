/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include "tiff/validate.h"

nacre_status nacre_dataset_validate_cog(nacre_dataset *dataset, const nacre_io_options *options,
                                        nacre_finding_function function, void *user, bool *is_valid, nacre_error *err)
{
    ncr_call *call = NULL;
    *is_valid = false;
    nacre_status status = ncr_call_new(options, &call, err);
    if (status != NACRE_OK)
        return status;
    status = ncr_tiff_validate_cog(dataset, call, function, user, is_valid, err);
    ncr_call_report(call, options);
    ncr_call_unref(call);
    return status;
}
