/* SPDX-License-Identifier: MIT */
/* Search spaces: the values that each option may take. */
#ifndef LS_SPACE_H
#define LS_SPACE_H

#include "host/network/settings.h"

/* One alternative of an option: a value, or a range of numbers. */
typedef struct {
    char **point; /* `points` texts: the value, or the range's grid points */
    size_t points;
    bool range, log;
    double low, high; /* of a range, both included */
} ls_piece;

/* An option with more than one possible value. */
typedef struct {
    size_t option; /* index for ls_option_at */
    char *text;    /* as given */
    bool whole;    /* takes whole numbers */
    ls_piece *piece;
    size_t pieces;
} ls_dimension;

typedef struct {
    ls_options *base;        /* the options that all trials share */
    ls_dimension *dimension; /* in the order of the option table */
    size_t count;
    bool *given;         /* ls_option_count(): set by ls_space_set */
    ls_options *scratch; /* for checking values */
} ls_space;

/* A space of one point: all options at their defaults. */
ls_status ls_space_create(ls_space **out, ls_error *err);
void ls_space_free(ls_space *space);

/* Sets an option to a value ("relu"), alternatives ("relu|tanh"), or a range ("1e-4..1e-1:log",
 * "1..9", "0..1:5" for 5 grid points); an alternative may be a range. Errors: LS_ERR_ARGUMENT as
 * from ls_options_set, and for malformed ranges. */
ls_status ls_space_set(ls_space *space, const char *name, const char *text, ls_error *err);

/* If no option has alternatives, gives default alternatives to those of hidden, lr and activation
 * that were not set. */
ls_status ls_space_default(ls_space *space, ls_error *err);

/* Number of grid points, or SIZE_MAX if there are more. */
size_t ls_space_points(const ls_space *space);

/* Whether the grid holds every point of the space, i.e. there are no ranges. */
bool ls_space_is_finite(const ls_space *space);

/* Values of grid point i, the last option varying fastest. value: `count` texts, each freed with
 * free(); on failure none is left allocated. */
ls_status ls_space_grid(const ls_space *space, size_t i, char **value, ls_error *err);

/* Values of a random point, as ls_space_grid returns them. A draw is a function of the arguments,
 * and each option's value also of that option's own index. */
ls_status ls_space_draw(const ls_space *space, uint64_t seed, size_t trial, size_t attempt,
                        char **value, ls_error *err);

#endif
