/* SPDX-License-Identifier: MIT */
#include "host/cli/cmd/search_files.h"
#include "host/base/error.h"
#include "host/base/file.h"
#include "host/base/text.h"
#include "host/cli/base/result_path.h"
#include "host/cli/base/terminal.h"
#include "host/search/rank.h"
#include "host/search/state.h"
#include "host/search/table.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ls_status search_files_check(const search_arguments *a, ls_error *err)
{
    const char *const results[] = {a->save, a->report, a->state, a->oof};
    const size_t count = sizeof results / sizeof *results;
    result_paths paths = {0};
    for (size_t i = 0; i < count; i++)
        if (results[i] && !strcmp(results[i], "-"))
            return ls_fail(err, LS_ERR_ARGUMENT,
                           "standard output is for the leaderboard; name a file instead of -");
    result_reads_rows(&paths, a->data);
    result_reads(&paths, a->source.labels);
    for (size_t i = 0; i < count; i++) result_writes(&paths, results[i]);
    return result_check(&paths, err);
}

static const char *arithmetic_of(const ls_device *device)
{
    const ls_device_info *info = ls_device_get_info(device);
    return info->exact ? "exact" : info->name;
}

ls_status search_files_resume(const search_arguments *a, search_work *w, ls_error *err)
{
    char key[65], *text;
    size_t size;
    if (!a->state || access(a->state, F_OK) != 0) return LS_OK;
    LS_TRY(ls_read_regular(a->state, &text, &size, err));
    ls_search_key(w->search, arithmetic_of(w->device), key);
    ls_status status = LS_OK;
    if (!a->restart || !ls_search_is_state(text))
        status = ls_search_read(w->search, key, a->state, text, err);
    free(text);
    if (status == LS_OK && !a->restart && !a->source.quiet && !a->source.json)
        terminal_print(stderr, "resuming from %s: %zu of %zu trials are done\n", a->state,
                       ls_search_count(w->search), w->search->trials);
    return status;
}

ls_status search_files_table(const search_arguments *a, const search_work *w, ls_error *err)
{
    ls_text table = {0};
    if (!a->report) return LS_OK;
    ls_status status = ls_search_table(w->search, &table, err);
    if (status == LS_OK) status = ls_write_file(a->report, table.text, table.length, err);
    free(table.text);
    return status;
}

ls_status search_files_state(const search_arguments *a, const search_work *w, ls_error *err)
{
    ls_text state = {0};
    char key[65];
    if (!a->state) return LS_OK;
    ls_search_key(w->search, arithmetic_of(w->device), key);
    ls_search_write(w->search, key, &state);
    ls_status status = state.failed ? ls_fail(err, LS_ERR_MEMORY,
                                              "out of memory for the state of the search")
                                    : ls_write_file(a->state, state.text, state.length, err);
    free(state.text);
    return status;
}

void search_files_keep(const search_arguments *a, search_work *w)
{
    ls_error err;
    losses_check(&w->lost, search_files_table(a, w, &err), &err);
    w->state_kept = losses_check(&w->lost, search_files_state(a, w, &err), &err) && a->state;
}
