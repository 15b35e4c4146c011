/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "store/gs/credentials.h"

/* The metadata server of Google's machines. It is asked where the machine looks like one of Google's or the environment
 * names the server, and nowhere else: elsewhere the question would wait for nothing, or be answered by a stranger. */

enum {
    ASK_MS = 3000,             /* it is near, if it is there at all */
    NOBODY_MS = 5 * 60 * 1000, /* for so long a server that did not answer is not asked again */
};

static const char link_local[] = "169.254.169.254";

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

/* The firmware's word, and the variables of services that run without one. */
static bool looks_like_google(void)
{
    char product[64] = "";
    FILE *file = fopen("/sys/class/dmi/id/product_name", "re");
    if (file && !fgets(product, sizeof product, file))
        product[0] = '\0';
    if (file)
        fclose(file);
    return ncr_text_starts(product, "Google") || is_set("K_SERVICE") || is_set("CLOUD_RUN_JOB") ||
           is_set("FUNCTION_TARGET") || is_set("GAE_SERVICE");
}

bool ncr_gs_machine_is_google(const char **host)
{
    bool is_unwanted = false;
    const char *no_check = getenv("NO_GCE_CHECK");
    *host = getenv("GCE_METADATA_HOST");
    if (*host && **host)
        return true;
    *host = link_local;
    return !(no_check && ncr_text_to_bool(no_check, &is_unwanted) && is_unwanted) && looks_like_google();
}

typedef struct machine_source {
    ncr_secret_source base;
    bool has_account; /* it gave a token once: from then on none is an error */
    char host[];
} machine_source;

/* No token: requests go out without. */
static nacre_status nobody(int64_t until_ms, ncr_secret **out, nacre_error *err)
{
    *out = ncr_secret_new(NULL, NULL, NULL, until_ms);
    return *out ? NACRE_OK : ncr_error_memory(err);
}

static nacre_status take_answer(machine_source *source, const ncr_token_ask *ask, const ncr_token_answer *answer,
                                ncr_secret **out, nacre_error *err)
{
    /* A stranger at this address (a captive portal, another cloud) does not say whose it is. */
    bool is_googles = strstr(answer->headers, "metadata-flavor: Google") != NULL;
    bool is_success = answer->status >= 200 && answer->status < 300;
    if (!source->has_account && (!is_googles || answer->status == 404))
        return nobody(INT64_MAX, out, err);
    if (!is_success || !is_googles)
        return ncr_token_refused(ask, answer, err);
    json_t *root;
    if (ncr_json_load(answer->body, answer->size, 0, &root, NULL) == NACRE_ERROR_MEMORY)
        return ncr_error_memory(err);
    nacre_status status = ncr_token_from_oauth(ask, root, out, err);
    source->has_account |= status == NACRE_OK;
    json_decref(root);
    return status;
}

static nacre_status machine_fetch(ncr_secret_source *base, ncr_call *call, ncr_secret **out, nacre_error *err)
{
    machine_source *source = (machine_source *)base;
    static const char *const headers[] = {"Metadata-Flavor", "Google", NULL};
    char *url = ncr_text_format("http://%s/computeMetadata/v1/instance/service-accounts/default/token", source->host);
    ncr_token_ask ask = {.method = "GET",
                         .url = url,
                         .server = "the metadata server",
                         .headers = headers,
                         .timeout_ms = ASK_MS,
                         .direct = true};
    ncr_token_answer answer = {0};
    *out = NULL;
    nacre_status status = url ? ncr_token_ask_any(&ask, call, &answer, err) : ncr_error_memory(err);
    if (status == NACRE_OK)
        status = take_answer(source, &ask, &answer, out, err);
    else if (status == NACRE_ERROR_UNAVAILABLE && !source->has_account)
        status = nobody(ncr_clock_wall_ms() + NOBODY_MS, out, err);
    ncr_token_answer_clear(&answer);
    free(url);
    return status;
}

static void machine_free(ncr_secret_source *source)
{
    free(source);
}

ncr_secret_source *ncr_gs_machine_source(const char *host)
{
    size_t size = strlen(host) + 1;
    machine_source *source = calloc(1, sizeof *source + size);
    if (!source)
        return NULL;
    source->base = (ncr_secret_source){.fetch = machine_fetch, .free = machine_free};
    memcpy(source->host, host, size);
    return &source->base;
}
