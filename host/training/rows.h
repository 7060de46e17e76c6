/* SPDX-License-Identifier: MIT */
/* Rows as networks see them. A block is one view of a data set: split, standardised, with targets
 * and weights; networks that agree on these share it. A table is several blocks in one array, which
 * is what goes to the device. */
#ifndef LS_ROWS_H
#define LS_ROWS_H

#include "host/data/data.h"
#include "host/network/backend.h"
#include "host/network/network.h"

typedef struct ls_table ls_table;

typedef struct {
    /* what it is made from */
    const ls_data *data;
    double share; /* of the rows held out, and the seed that chooses them */
    uint64_t seed;
    bool standardize;
    ls_class_weights class_weights;
    double *class_weight;
    size_t classes, features, outputs;
    /* what it is: training rows, then those held out */
    size_t rows, held_out;
    float *x, *t, *weight; /* until a table takes them over; weight: NULL where all are 1 */
    double *mean, *scale;  /* of standardisation, or NULL */
    float *row_losses,
        *held_outputs; /* held_out, and as many rows of outputs, for whoever validates */
    ls_table *table;   /* where it lies in a table, and the row at which it starts */
    size_t origin;
    size_t members; /* who uses it; kept by the fleet */
} ls_block;

/* Whether there is something to learn in the data, and rows to watch where the options want that.
 */
ls_status ls_rows_check(const ls_settings *settings, const ls_data *data, ls_error *err);

/* The data must have been checked, and must outlive the block. */
ls_status ls_block_prepare(const ls_settings *settings, const ls_network *network,
                           const ls_data *data, ls_block **out, ls_error *err);
/* Whether ls_block_prepare would give this block. */
bool ls_block_serves(const ls_block *block, const ls_settings *settings, const ls_network *network,
                     const ls_data *data);
void ls_block_free(ls_block *block);
/* Bytes that its rows take. */
uint64_t ls_block_bytes(const ls_block *block);

struct ls_table {
    ls_rows rows;
    float *x, *t, *weight;
    uint64_t bytes;
    size_t blocks;           /* that lie in it */
    ls_workspace *workspace; /* open where members of it are on the device */
    size_t residents;        /* those members */
};

/* Takes over the rows of blocks of equal features and outputs. */
ls_status ls_table_build(ls_block *const *blocks, size_t count, ls_table **out, ls_error *err);
void ls_table_free(ls_table *table);

#endif
