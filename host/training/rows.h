/* SPDX-License-Identifier: MIT */
/* Rows as networks see them. A block is one view of a data set: split, encoded, standardised, with
 * targets and weights; networks that agree on these share it. A table is several blocks in one
 * array, which is what goes to the device. */
#ifndef LS_ROWS_H
#define LS_ROWS_H

#include "host/data/data.h"
#include "host/data/encoder.h"
#include "host/network/backend.h"
#include "host/network/network.h"
#include "host/training/start.h"

typedef struct ls_table ls_table;

typedef struct {
    /* What it is made from. */
    const ls_data *data;
    double share;  /* of the rows, for validation */
    uint64_t seed; /* chooses the validation rows; 0 without them */
    ls_fold fold;  /* of validation rows, in place of the share */
    bool standardize;
    ls_scaling scaling;
    bool standardize_target; /* of regression */
    ls_class_weights class_weights;
    double *class_weight;     /* `classes` values, if they are given */
    size_t classes;           /* number of given class weights */
    size_t features, outputs; /* of a row, as the network sees it */
    ls_image image;           /* that its inputs are arranged and standardised for, or channels 0 */
    ls_task task;
    bool weighted; /* its rows have weights */
    ls_start start;

    /* What it is: training rows, then validation rows. */
    size_t rows, held_out; /* training rows, validation rows */
    /* Fitted to the training rows, or those of the model that training starts from. */
    ls_encoder *encoder;     /* NULL for plain numbers */
    double *mean, *scale;    /* NULL without standardisation */
    double clip;             /* of standardised numbers; 0: none */
    ls_quantiles *quantiles; /* or NULL */
    double *target_mean;     /* [outputs]; NULL for classes */
    double *target_scale;    /* [outputs] of numbers; NULL without standardisation */
    int32_t most_frequent;   /* class of the training rows; -1 for numbers and labels */
    float *x, *t, *weight;   /* inputs, targets, row weights (NULL if all are 1); NULL once a table
                                has taken them over */
    float *row_losses;       /* held_out: workspace of validation */
    float *held_outputs;     /* held_out × outputs: workspace of validation */
    ls_table *table;         /* the table that it lies in, or NULL */
    size_t origin;           /* row of the table at which it starts */
    size_t members;          /* that use it; counted by the fleet */
    /* Of data whose cells are not in memory: x and t stay NULL, and rows are made of these parts
     * when they are needed (part[1] may be NULL), for this network. */
    bool apart;
    const ls_data *part[2];
    ls_data *owned[2]; /* those that were split off, or NULL */
    const ls_network *network;
    float **pieces; /* [LS_MOST_PIECES + 1]: fitted tables of embeddings, by the most pieces of
                       an input; NULL, as those that are not there (host/training/knots.h) */
} ls_block;

/* Checks that the data can be trained on: it has targets, which are not the same in all rows, and
 * validation rows if the settings watch these. */
ls_status ls_rows_check(const ls_settings *settings, const ls_data *data, ls_error *err);

/* Splits, encodes and standardises the data. It must have been checked (ls_start_check, too), and
 * must outlive the block, as must the model that training starts from. */
ls_status ls_block_prepare(const ls_settings *settings, const ls_network *network,
                           const ls_start *start, const ls_data *data, ls_block **out,
                           ls_error *err);
/* Whether ls_block_prepare would make this block. */
bool ls_block_serves(const ls_block *block, const ls_settings *settings, const ls_network *network,
                     const ls_start *start, const ls_data *data);
void ls_block_free(ls_block *block);
/* *to = a copy of `count` numbers of the preprocessing; nothing without them. */
ls_status ls_preprocessing_copy(const double *from, size_t count, double **to, ls_error *err);
/* Bytes of its rows on a device. */
uint64_t ls_block_bytes(const ls_block *block);

struct ls_table {
    ls_row_source source;    /* `make` is NULL if its rows are in arrays */
    float *x, *t, *weight;   /* what source.rows points to */
    const ls_block *apart;   /* of a source: its only block, */
    size_t reserved;         /* and floats that t was reserved for, if it was */
    uint64_t bytes;          /* on a device */
    size_t blocks;           /* that lie in it */
    ls_workspace *workspace; /* open while members of it are on the device, otherwise NULL */
    size_t residents;        /* those members */
};

/* Takes over the rows of blocks of equal features and outputs. A block whose cells are not in
 * memory is alone in a table: a source, of which only the validation rows' targets are in memory,
 * if the device deals rows out, otherwise arrays. */
ls_status ls_table_build(ls_block *const *blocks, size_t count, bool deals, ls_table **out,
                         ls_error *err);
void ls_table_free(ls_table *table);

#endif
