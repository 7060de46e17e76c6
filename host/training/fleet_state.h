/* SPDX-License-Identifier: MIT */
/* The state of a fleet, which the fleet_*.c files share. */
#ifndef LS_FLEET_STATE_H
#define LS_FLEET_STATE_H

#include "host/device/choice.h"
#include "host/training/checkpoint.h"
#include "host/training/trainer.h"

/* A member's part of a round. */
typedef struct {
    ls_trainer *trainer;
    uint64_t count; /* steps */
    double cost;    /* estimated, of all of them */
} ls_slice;

struct ls_fleet {
    /* The device. */
    ls_device *own;            /* opened by the fleet, if the caller gave none; or NULL */
    ls_backend *backend;       /* in use */
    ls_choice *choice;         /* the device's, or NULL */
    size_t at;                 /* the candidate of the choice that is in use */
    bool keeps;                /* members keep copies in host memory: the candidate may fail */
    bool gpu;                  /* the backend is a GPU's */
    ls_witness_budget witness; /* where there is one */
    uint64_t memory;           /* bytes of the device that the caller allows; 0: by device */
    uint64_t limit;            /* bytes that may be taken on the device in use */
    uint64_t used;             /* bytes that tables and arenas take there */
    double pace;               /* seconds per unit of estimated cost, as measured last */
    ls_example example[LS_EXAMPLES]; /* the last workload's */
    const ls_plan *example_plan[LS_EXAMPLES];
    const ls_train_control *control; /* of ls_train_controlled, or NULL */
    ls_checkpoints *checkpoints;     /* of its only member, or NULL */
    ls_error failure; /* of the device, after which training cannot go on; or LS_OK */

    /* Members by number. */
    ls_trainer **member; /* NULL for those that were removed */
    size_t count, capacity;
    size_t residents; /* members on the device */
    bool whole;       /* slices are whole epochs: ls_train */

    /* Their rows: blocks that members share, and tables of blocks, as they go to the device. */
    ls_block **block;
    size_t blocks, block_capacity;
    ls_table **table;
    size_t tables, table_capacity;

    /* The round under way; arrays are kept from round to round. */
    ls_slice *slices;
    size_t slice_room;
    ls_run *runs; /* of one call to the backend, as are rates and losses */
    size_t run_room;
    ls_rates *rates;
    size_t rate_room;
    float *losses;
    size_t loss_room;
};

#endif
