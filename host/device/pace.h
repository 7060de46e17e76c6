/* SPDX-License-Identifier: MIT */
/* Samples of the pace (seconds per unit of cost) at which rounds are done. */
#ifndef LS_PACE_H
#define LS_PACE_H

#include <stddef.h>

enum { LS_PACE_SAMPLES = 64 };

typedef struct {
    double seconds, cost;         /* of rounds that are no sample yet */
    double pace[LS_PACE_SAMPLES]; /* of the latest samples, a ring */
    size_t samples;               /* ever noted */
} ls_paces;

/* Adds a round to the sample. Returns the sample's seconds if that completes it, otherwise 0. */
double ls_pace_add(ls_paces *paces, double seconds, double cost, double *pace);
/* Forgets the rounds since the last sample. */
void ls_pace_discard(ls_paces *paces);

/* Notes a sample. */
void ls_pace_note(ls_paces *paces, double pace);
/* The least of the latest samples noted, as disturbances only add time; 0 if there is none. */
double ls_pace_least(const ls_paces *paces);
/* Forgets all samples. */
void ls_pace_forget(ls_paces *paces);

#endif
