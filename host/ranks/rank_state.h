/* SPDX-License-Identifier: MIT */
/* What a rank has: its device, and in workspaces the members that are on it. */
#ifndef LS_RANK_STATE_H
#define LS_RANK_STATE_H

#include "host/data/apart.h"
#include "host/network/backend.h"
#include "host/ranks/share.h"
#include "host/ranks/transport.h"

enum { LS_LEADER = 0, LS_ALL_RANKS = -1 };

typedef struct {
    const ls_plan *plan; /* NULL if this number is free */
    int owner;           /* its rank, or LS_ALL_RANKS */
    size_t origin;
    ls_share *share;     /* how ranks share its steps; NULL if it is placed */
    ls_segment *segment; /* with its arenas on all ranks, or NULL */
    size_t local;        /* number in this rank's workspace, if it is there */
    bool taken;          /* the plan was received: it is freed with the member */
} ls_rank_member;

typedef struct {
    ls_workspace *local; /* of this rank's device; NULL if this number is free */
    float
        *received[3]; /* x, t and weights, if they were received: those rows that this rank uses */
    size_t floats[3]; /* of these, in all */
    ls_rank_member *member;
    size_t count, room;
} ls_rank_workspace;

/* Opens the device of a rank, as the leader's was asked for. */
typedef ls_status ls_rank_open(const char *spec, unsigned threads, bool allow_approximate,
                               int node_rank, int node_size, ls_device_info *info, ls_backend **out,
                               ls_error *err);

typedef struct {
    ls_transport *transport;
    ls_rank_open *open;
    ls_backend *local; /* this rank's device, once it is open */
    ls_device_info info;
    ls_rank_workspace *list;
    size_t count, list_room;

    /* Cells of a file that were read by this rank, as they are in ls_data. */
    float *kept;
    size_t kept_first, kept_rows, kept_columns;
    bool serving; /* followers answer heads (host/ranks/deal.c), not requests */
    double told;  /* when they all last heard of the leader */

    /* Kept from step to step. */
    float *room; /* for sums of other ranks */
    size_t room_floats;
    float *buffer; /* for sums of this rank, and totals, if its device has memory of its own */
    size_t buffer_floats;
    size_t *chunks, *offset; /* of each rank: size; size + 1 */
    ls_chunk_place *places;  /* of each chunk of a turn, in a segment */
    size_t places_room;
    double computing, exchanging; /* seconds in shared steps: of the device, of sums */
    uint64_t steps, bytes;        /* shared steps, and bytes sent in them */
} ls_rank;

#endif
