/* SPDX-License-Identifier: MIT */
/* Random networks, data and settings: a function of the number of the case. */
#ifndef LS_SUPPORT_SUBJECT_H
#define LS_SUPPORT_SUBJECT_H

#include "host/network/network.h"
#include "tests/support/devices.h"
#include "tests/support/runs.h"

/* Network, data and steps of a case. */
typedef struct {
    char text[512];
    size_t features, rows, origin;
    ls_shape shape;
    bool weighted;
    uint64_t first;
    size_t steps;
    ls_options *options;
    ls_network net;
    ls_plan *plan;
    ls_rows data;          /* rows [origin, origin + rows) are the plan's */
    float *values, *start; /* the data's arrays in one piece; the state before the first step */
    ls_rates *rates;
} subject;

/* Draws a case; norm: with batch normalisation in some of its hidden layers, if it has any. */
void subject_open(subject *s, uint32_t number, bool norm);
/* The same with that many rows and, but for gd, rows of a batch (a number or "full"), and some
 * cases with smoothed labels. */
void subject_open_sized(subject *s, uint32_t number, bool norm, size_t rows, const char *batch);
/* A given network on images of `shape`; words of `net` are separated by tabs. more: other options,
 * one at least. Data, weights of rows and the first step are those of the case. */
void subject_open_images(subject *s, uint32_t number, const char *net, const char *shape,
                         size_t features, size_t rows, const char *more);
void subject_close(subject *s);

#endif
