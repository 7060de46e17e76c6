/* SPDX-License-Identifier: MIT */
/* The ranks that were started together with this process, by mpirun or srun. There is one group in
 * a process, as MPI is begun once. */
#ifndef LS_GROUP_H
#define LS_GROUP_H

#include "host/ranks/rank.h"

/* Joins the group. open: for the device of each rank. stopped: whether the user wants to stop, or
 * NULL. *rank, *ranks: 0 and 1 without a group. Errors: LS_ERR_UNSUPPORTED if this process was
 * started as one of several, but there is no module for MPI; LS_ERR_DEVICE if MPI fails, or if the
 * processes are not of one build. */
ls_status ls_group_begin(ls_rank_open *open, int (*stopped)(void), int *rank, int *ranks,
                         ls_error *err);
/* A follower's work until the leader ends. */
ls_status ls_group_serve(ls_error *err);
/* The leader: ends the followers. */
void ls_group_end(void);
/* This process as the leader of several ranks, or NULL. */
ls_rank *ls_group_leader(void);

#endif
