/* SPDX-License-Identifier: MIT */
#include "host/ranks/group.h"
#include "host/base/build_id.h"
#include "host/base/companion.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/ranks/request.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* Seconds without progress after which another rank is taken for dead. */
static const double usual_limit = 600;

static struct {
    ls_transport *transport; /* NULL without a group */
    ls_rank rank;
} group;

/* ---- How this process was started ------------------------------------------------------------ */

static uint64_t number_in(const char *variable)
{
    uint64_t n;
    const char *value = getenv(variable);
    return value && ls_parse_u64(value, &n) ? n : 0;
}

/* What MPI's launchers tell their processes: Open MPI's, those of MPICH and of its relatives (also
 * by Slurm), and those of PMIx, which tell no number. */
static bool is_launched(void)
{
    return number_in("OMPI_COMM_WORLD_SIZE") > 1 || number_in("PMI_SIZE") > 1 ||
           (getenv("PMIX_RANK") && !getenv("OMPI_COMM_WORLD_SIZE") &&
            number_in("SLURM_STEP_NUM_TASKS") != 1);
}

/* Slurm's processes without MPI know nothing of each other. */
static bool is_step_without_mpi(void)
{
    return number_in("SLURM_STEP_NUM_TASKS") > 1 && !getenv("PMIX_RANK") && !getenv("PMI_SIZE") &&
           !getenv("PMI_RANK") && !getenv("OMPI_COMM_WORLD_SIZE");
}

/* What a variable is to be, for messages. */
static ls_status fail_variable(const char *name, const char *wanted, ls_error *err)
{
    return ls_fail(err, LS_ERR_ARGUMENT, "%s in the environment is '%.40s'; it must be %s", name,
                   getenv(name), wanted);
}

/* A misspelled order would be taken for none. Empty variables are as good as none. */
static ls_status check_environment(ls_error *err)
{
    const char *sums = getenv("LOCKSTEP_RANKS_SUMS"), *steps = getenv("LOCKSTEP_RANKS"),
               *seconds = getenv("LOCKSTEP_RANKS_SECONDS");
    if (sums && *sums && strcmp(sums, "gather") && strcmp(sums, "chain"))
        return fail_variable("LOCKSTEP_RANKS_SUMS", "gather or chain", err);
    if (steps && *steps && strcmp(steps, "shared"))
        return fail_variable("LOCKSTEP_RANKS", "shared", err);
    if (seconds && *seconds && !number_in("LOCKSTEP_RANKS_SECONDS"))
        return fail_variable("LOCKSTEP_RANKS_SECONDS", "a whole number of seconds from 1 on", err);
    return LS_OK;
}

/* ---- The module ------------------------------------------------------------------------------ */

static ls_status begin_mpi(ls_transport **out, ls_error *err)
{
    char path[PATH_MAX];
    const char *given = getenv("LOCKSTEP_MPI");
    if (given && *given) snprintf(path, sizeof path, "%s", given);
    else if (!ls_find_companion("lockstep-mpi.so", false, path))
        return ls_fail(err, LS_ERR_UNSUPPORTED,
                       "this was started as one of several processes, but Lockstep was built "
                       "without MPI: each would train by itself. Install MPI (Debian: "
                       "libopenmpi-dev) and build again, or start one process");
    /* MPI loads parts of its own, which look for its functions */
    void *module = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    if (!module) return ls_fail(err, LS_ERR_UNSUPPORTED, "%.800s", dlerror()); /* tells the path */
    ls_transport_begin *begin;
    void *symbol = dlsym(module, LS_TRANSPORT_SYMBOL);
    memcpy(&begin, &symbol, sizeof begin);
    *out = NULL;
    if (symbol) LS_TRY(begin(LS_TRANSPORT_VERSION, out, err));
    if (*out) return LS_OK;
    return ls_fail(err, LS_ERR_UNSUPPORTED, "%.400s is of another version of Lockstep", path);
}

/* What must be the same on all ranks: requests are bytes of a build's structs. No padding. */
typedef struct {
    uint16_t order;
    char version[30], way[8];
    unsigned char id[24];
    uint64_t sizes[5];
} build;

/* Whether all ranks are of one build and were given the same orders. */
static ls_status check_build(ls_transport *t, ls_error *err)
{
    build own = {.order = 1,
                 .sizes = {sizeof(ls_plan), sizeof(ls_op), sizeof(ls_ask), sizeof(ls_rates),
                           LS_ARITHMETIC_VERSION}};
    const char *way = getenv("LOCKSTEP_RANKS_SUMS");
    snprintf(own.version, sizeof own.version, "%s", ls_version());
    snprintf(own.way, sizeof own.way, "%s", way ? way : "");
    ls_build_id(own.id);
    build first = own;
    LS_TRY(t->broadcast(t, LS_LEADER, &first, sizeof first, false, err));
    ls_error own_error = {0};
    ls_status status = LS_OK;
    const bool same_way = !memcmp(first.way, own.way, sizeof own.way);
    memcpy(first.way, own.way, sizeof own.way);
    if (memcmp(&first, &own, sizeof own))
        status = ls_fail(&own_error, LS_ERR_DEVICE,
                         "this is another version of Lockstep than rank 0, or another kind of "
                         "machine: all ranks must be of one build");
    else if (!same_way)
        status = ls_fail(&own_error, LS_ERR_DEVICE,
                         "LOCKSTEP_RANKS_SUMS in the environment is not that of rank 0; Open MPI's "
                         "mpirun -x LOCKSTEP_RANKS_SUMS gives all ranks the same one");
    const ls_ask all = {.owner = LS_ALL_RANKS};
    if (status != LS_OK && err) *err = own_error;
    return ls_rank_settle(&group.rank, &all, status, err);
}

static ls_status join(ls_rank_open *open, int (*stopped)(void), ls_error *err)
{
    ls_transport *t;
    LS_TRY(check_environment(err));
    LS_TRY(begin_mpi(&t, err));
    if (t->size == 1) {
        t->end(t);
        return ls_fail(err, LS_ERR_DEVICE,
                       "this was started as one of several processes, but MPI finds no others: "
                       "Lockstep was built with another MPI than the one that has started it");
    }
    const uint64_t limit = number_in("LOCKSTEP_RANKS_SECONDS");
    t->stopped = stopped;
    t->limit = limit ? (double)limit : usual_limit;
    ls_status status = ls_rank_start(t, open, &group.rank, err);
    t->lost = status != LS_OK; /* the others have begun the next exchange */
    if (status == LS_OK) status = check_build(t, err);
    if (status != LS_OK) {
        t->end(t);
        return status;
    }
    group.transport = t;
    return LS_OK;
}

ls_status ls_group_begin(ls_rank_open *open, int (*stopped)(void), int *rank, int *ranks,
                         ls_error *err)
{
    if (!group.transport && is_step_without_mpi())
        return ls_fail(err, LS_ERR_UNSUPPORTED,
                       "Slurm has started several processes without MPI: each would train by "
                       "itself. Use srun --mpi=pmix (srun --mpi=list shows what there is), or "
                       "mpirun");
    if (!group.transport && is_launched()) LS_TRY(join(open, stopped, err));
    *rank = group.transport ? group.transport->rank : 0;
    *ranks = group.transport ? group.transport->size : 1;
    return LS_OK;
}

static void end(void)
{
    ls_rank_free(&group.rank);
    group.transport->end(group.transport);
    group.transport = NULL;
}

ls_status ls_group_serve(ls_error *err)
{
    ls_status status = LS_OK;
    if (!group.transport || group.transport->rank == LS_LEADER)
        return ls_fail(err, LS_ERR_ARGUMENT, "rank 0 leads; only the others serve");
    for (bool last = false; !last && status == LS_OK;)
        status = ls_follow_one(&group.rank, &last, err);
    group.transport->lost = status != LS_OK;
    end();
    return status;
}

ls_rank *ls_group_leader(void)
{
    return group.transport && group.transport->rank == LS_LEADER ? &group.rank : NULL;
}

void ls_group_end(void)
{
    if (!ls_group_leader()) return;
    ls_ask last = {.kind = LS_ASK_END, .owner = LS_ALL_RANKS};
    (void)ls_ask_all(&group.rank, &last, NULL, NULL);
    end();
}
