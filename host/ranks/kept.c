/* SPDX-License-Identifier: MIT */
#include "host/ranks/kept.h"
#include "host/data/read.h"
#include "host/ranks/deal.h"
#include "host/ranks/request.h"
#include <stdio.h>
#include <stdlib.h>

static ls_status fetch(const ls_apart *apart, ls_apart_take *take, void *user, ls_error *err)
{
    ls_rank *leader = apart->holder;
    ls_ask serve = {.kind = LS_ASK_SERVE, .owner = LS_ALL_RANKS};
    if (leader->serving) return ls_fetch_rows(leader, apart, take, user, err);
    return ls_ask_all(leader, &serve, &(ls_ask_with){.apart = apart, .take = take, .user = user},
                      err);
}

/* A rank has no such file, or another one. */
static ls_status explain(ls_error *err)
{
    char why[sizeof err->message];
    if (!err) return LS_ERR_IO;
    snprintf(why, sizeof why, "%.900s", err->message);
    return ls_fail(err, LS_ERR_IO,
                   "%s (with --data-shards each rank reads its part of the file, at the same path)",
                   why);
}

ls_status ls_kept_begin(ls_rank *leader, ls_apart *apart, ls_error *err)
{
    char *bytes;
    ls_ask keep = {.kind = LS_ASK_KEEP, .owner = LS_ALL_RANKS};
    LS_TRY(ls_apart_pack(apart, &bytes, &keep.bytes, err));
    ls_status status = ls_ask_all(leader, &keep, &(ls_ask_with){.payload = bytes, .apart = apart},
                                  err);
    free(bytes);
    if (status == LS_ERR_IO) return explain(err);
    LS_TRY(status);
    apart->fetch = fetch;
    apart->holder = leader;
    return LS_OK;
}
