/* SPDX-License-Identifier: MIT */
#ifndef LS_SEARCH_TABLE_H
#define LS_SEARCH_TABLE_H

#include "host/base/text.h"
#include "host/search/types.h"

/* The table of trials as CSV, one row per trial that has a result. */
ls_status ls_search_table(const ls_search *search, ls_text *out, ls_error *err);

#endif
