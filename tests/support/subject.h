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
void subject_close(subject *s);

#endif
