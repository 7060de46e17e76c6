/* SPDX-License-Identifier: MIT */
#include "host/cli/run/shards.h"
#include "host/base/error.h"
#include "host/cli/base/source.h"
#include "host/cli/base/standard_input.h"
#include "host/model/training_rows.h"
#include "host/network/network.h"
#include "host/ranks/share.h"
#include <string.h>

ls_status shards_check(const training_request *r, ls_error *err)
{
    const struct {
        const char *option;
        bool given;
    } whole[] = {{"from", r->from != NULL}, {"run", r->run != NULL}, {"report", r->report != NULL}};
    if (!r->shards) return LS_OK;
    if (is_standard_input(r->data))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--data-shards: the rows are read several times, and standard input only "
                       "once; name a file");
    if (source_is_generated(r->data))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--data-shards: generated rows are made in memory; write them to a file "
                       "first: lockstep make %s -o rows.csv",
                       r->data);
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (whole[i].given)
            return ls_fail(err, LS_ERR_ARGUMENT,
                           "--data-shards: --%s needs all rows in one place; leave one of them out",
                           whole[i].option);
    return LS_OK;
}

ls_status shards_check_rows(const training_request *r, const ls_data *data, int ranks,
                            ls_error *err)
{
    const ls_settings *s = &r->options->settings;
    size_t rows;
    if (!r->shards || ranks == 1) return LS_OK;
    if (r->safety.verify)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--data-shards: --verify repeats steps on rank 0, which has not the rows of "
                       "other ranks; leave one of them out");
    /* mistakes in how rows are held out: the training says which, as ever */
    if (ls_training_rows(s, data, &rows, NULL) != LS_OK) return LS_OK;
    const uint64_t batch = ls_settings_batch(s, rows), batches = (rows + batch - 1) / batch;
    if (batches == 1 ||
        (s->order == LS_ORDER_FILE && batches <= LS_SHARE_BATCHES && batch > LS_CHUNK))
        return LS_OK;
    /* a batch of one chunk would be one rank's */
    const uint64_t fewest = (rows + LS_SHARE_BATCHES - 1) / LS_SHARE_BATCHES;
    return ls_fail(err, LS_ERR_ARGUMENT,
                   "--data-shards: %d ranks hold only their rows, and batches of %llu rows%s need "
                   "others'; give --batch full, or --order file --batch %llu, or more",
                   ranks, (unsigned long long)batch,
                   s->order == LS_ORDER_FILE ? "" : " in a new order for each epoch",
                   (unsigned long long)(fewest > LS_CHUNK ? fewest : LS_CHUNK + 1));
}
