/* SPDX-License-Identifier: MIT */
/* Inside a fleet: the device it is on, and which of its members are there (fleet_device.c). */
#ifndef LS_FLEET_DEVICE_H
#define LS_FLEET_DEVICE_H

#include "host/device/choice.h"
#include "host/training/trainer.h"

/* A member's part of a round. */
typedef struct {
    ls_trainer *trainer;
    uint64_t count;
    double cost;
} ls_slice;

struct ls_fleet {
    ls_device *own; /* where the caller gave none */
    ls_backend *backend;
    ls_choice *choice; /* of the device, or NULL */
    size_t at;         /* the candidate whose backend it is */
    bool unproven; /* the device is being measured and may fail: members keep copies in host memory
                    */
    uint64_t memory;      /* as asked for */
    uint64_t limit, used; /* bytes of the device: at most, and taken by tables and arenas */
    ls_trainer **member;  /* NULL: removed */
    size_t count, capacity;
    ls_block **block;
    size_t blocks, block_capacity;
    ls_table **table;
    size_t tables, table_capacity;
    size_t residents; /* members on the device */
    bool gpu;
    bool whole;       /* slices are of whole epochs: ls_train */
    double pace;      /* seconds that a unit of estimated cost was measured to take */
    ls_slice *slices; /* of the round, and their runs */
    ls_run *runs;
    size_t slice_room, run_room;
    ls_rates *rates;
    float *losses;
    size_t rate_room, loss_room;
    ls_error failure; /* of the device, after which nothing can go on */
};

/* Bytes of the device that the fleet may take where it may take so much of any. */
uint64_t ls_fleet_limit(uint64_t memory, const ls_device_info *info);
uint64_t ls_arena_bytes(const ls_trainer *trainer);

/* Takes a member off the device; its state there is lost. */
void ls_fleet_leave(ls_fleet *fleet, ls_trainer *trainer);
/* Members with something to do come onto the device, as far as there is room. */
ls_status ls_fleet_admit(ls_fleet *fleet, ls_error *err);

/* Moves to another candidate: members are parked, and admitted there by the next ls_fleet_admit. */
ls_status ls_fleet_move(ls_fleet *fleet, size_t to, ls_error *err);
/* The device was measured and is the best: copies are no longer needed. */
void ls_fleet_settle(ls_fleet *fleet);
/* The candidate that was measured has failed: its members go on, from their copies, on candidate
 * `to`. */
ls_status ls_fleet_rescue(ls_fleet *fleet, size_t to, ls_error *err);

#endif
