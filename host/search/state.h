/* SPDX-License-Identifier: MIT */
/* Saves the state of an interrupted search and resumes from it. */
#ifndef LS_SEARCH_STATE_H
#define LS_SEARCH_STATE_H

#include "host/base/text.h"
#include "host/search/types.h"

/* SHA-256 of everything that determines the results. arithmetic: "exact", or the name of another
 * arithmetic. */
void ls_search_key(const ls_search *search, const char *arithmetic, char hex[65]);

/* Writes the results so far. */
void ls_search_write(const ls_search *search, const char key[65], ls_text *out);

/* Reads results back; changes `text`. name: of the file, for messages. Errors: LS_ERR_DATA for
 * damaged text, LS_ERR_ARGUMENT for the state of another search. */
ls_status ls_search_read(ls_search *search, const char key[65], const char *name, char *text,
                         ls_error *err);

/* Whether the text begins like a state, of any version. */
bool ls_search_is_state(const char *text);

#endif
