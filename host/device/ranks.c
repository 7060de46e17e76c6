/* SPDX-License-Identifier: MIT */
#include "host/device/ranks.h"
#include "host/base/cores.h"
#include "host/base/host_mode.h"
#include "host/base/text.h"
#include "host/data/data.h"
#include "host/device/catalogue.h"
#include "host/ranks/group.h"
#include "host/ranks/kept.h"
#include "host/ranks/leader.h"
#include <string.h>
#include <unistd.h>

static int (*heeded)(void);

void ls_ranks_heed(int (*stopped)(void)) { heeded = stopped; }

/* ---- The device of one rank ------------------------------------------------------------------ */

/* The ranks of a machine share out its cores, unless the launcher has given each its own. */
static unsigned threads_of_rank(unsigned threads, int ranks)
{
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    const unsigned usable = ls_usable_cores();
    if (threads) return threads;
    if ((long)usable < online || ranks < 1) return usable;
    return usable / (unsigned)ranks ? usable / (unsigned)ranks : 1;
}

/* The GPUs of a machine are dealt out in turn. SIZE_MAX: there is none. */
static size_t gpu_of_rank(ls_catalogue *c, int rank)
{
    size_t gpus = 0;
    for (size_t i = 1; i < c->count; i++) gpus += !strcmp(c->info[i].kind, "gpu");
    if (!gpus) return SIZE_MAX;
    size_t left = (size_t)rank % gpus;
    for (size_t i = 1; i < c->count; i++)
        if (!strcmp(c->info[i].kind, "gpu") && !left--) return i;
    return SIZE_MAX;
}

static ls_status open_entry(ls_catalogue *c, size_t i, bool allow_approximate, ls_device_info *info,
                            ls_backend **out, ls_error *err)
{
    LS_TRY(ls_catalogue_start(c, i, out, err));
    *info = c->info[i];
    if (info->exact || allow_approximate) return LS_OK;
    (*out)->slots->close(*out);
    *out = NULL;
    return ls_fail(err, LS_ERR_DEVICE,
                   "%s is approximate (%s); use --allow-approximate, or --device "
                   "cpu",
                   info->name, info->reason);
}

static ls_status open_rank(const char *spec, unsigned threads, bool allow_approximate,
                           int node_rank, int node_size, ls_device_info *info, ls_backend **out,
                           ls_error *err)
{
    const bool cpu = !ls_ascii_casecmp(spec, "cpu") || !strcmp(spec, "0"),
               automatic = !ls_ascii_casecmp(spec, "auto");
    ls_catalogue c;
    size_t i = 0;
    LS_TRY(ls_catalogue_open(&c, !cpu, threads_of_rank(threads, node_size), err));
    ls_status status = cpu || automatic ? LS_OK : ls_catalogue_choose(&c, spec, &i, err);
    if (automatic) i = gpu_of_rank(&c, node_rank);
    if (status == LS_OK && i != SIZE_MAX)
        status = open_entry(&c, i, allow_approximate, info, out, err);
    /* a GPU that cannot be used, or none */
    if (automatic && (i == SIZE_MAX || status != LS_OK))
        status = open_entry(&c, 0, false, info, out, err);
    ls_catalogue_close(&c);
    if (status == LS_OK && node_size > 1) info->memory /= (uint64_t)node_size;
    return status;
}

/* ---- All ranks ------------------------------------------------------------------------------- */

ls_status ls_ranks_begin(int *rank, int *ranks, ls_error *err)
{
    LS_HOST_MODE(mode);
    int number = 0, count = 1;
    LS_TRY(ls_group_begin(open_rank, heeded, &number, &count, err));
    if (rank) *rank = number;
    if (ranks) *ranks = count;
    return LS_OK;
}

ls_status ls_ranks_serve(ls_error *err)
{
    LS_HOST_MODE(mode);
    return ls_group_serve(err);
}

void ls_ranks_end(void)
{
    LS_HOST_MODE(mode);
    ls_group_end();
}

ls_status ls_ranks_keep(ls_data *data, ls_error *err)
{
    ls_rank *leader = ls_group_leader();
    if (!leader || !data->apart || !data->apart->ranged) return LS_OK;
    return ls_kept_begin(leader, data->apart, err);
}

bool ls_ranks_are_free(void)
{
    const ls_rank *leader = ls_group_leader();
    return leader && !leader->local;
}

ls_status ls_ranks_open(const char *spec, unsigned threads, bool allow_approximate,
                        ls_device_info *info, ls_backend **out, ls_error *err)
{
    return ls_leader_open(ls_group_leader(), spec, threads, allow_approximate, info, out, err);
}
