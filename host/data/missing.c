/* SPDX-License-Identifier: MIT */
#include "host/data/missing.h"
#include "host/base/neighbours.h"
#include "host/base/text.h"

#include <string.h>

const char *const ls_missing_names[] = {"mean", "median", "most-frequent", "drop", "error", NULL};

ls_status ls_missing_parse(const char *name, ls_missing *out, ls_error *err)
{
    size_t n = 0;
    for (; ls_missing_names[n]; n++)
        if (!strcmp(name, ls_missing_names[n])) {
            *out = (ls_missing)n;
            return LS_OK;
        }
    const char *near = ls_value_hint("missing", name, ls_missing_names, n);
    return ls_fail(err, LS_ERR_ARGUMENT, "--missing: there is no '%.60s'; %s%s%s", name,
                   near ? "did you mean '" : "give mean, median, most-frequent, drop or error",
                   near ? near : "", near ? "'?" : "");
}
