/* SPDX-License-Identifier: MIT */
/* The plane on which decision boundaries are drawn. */
#ifndef LS_CLI_PLOT_PLANE_H
#define LS_CLI_PLOT_PLANE_H

#include "host/include/lockstep.h"
#include <stdbool.h>

/* A plane in the input space of a network: its two features if it has two, otherwise the plane
 * through the mean of the rows along their first two principal components. */
typedef struct {
    bool principal;         /* the axes are principal components */
    size_t inputs, rows;    /* rows: from which the components were computed */
    double *mean, *axis[2]; /* inputs values each; NULL if not principal */
    double share[2];        /* of the variance of the inputs, explained by each component */
    double box[4];          /* the rows' ranges of x and y, with some margin */
} plot_plane;

/* Errors: LS_ERR_ARGUMENT if the model has a single input. */
ls_status plot_plane_fit(const ls_model *model, const ls_data *points, plot_plane *out,
                         ls_error *err);
/* The coordinates of rows on the plane: xy[rows x 2]. */
ls_status plot_plane_project(const plot_plane *plane, const ls_model *model, const ls_data *rows,
                             float *xy, ls_error *err);
void plot_plane_free(plot_plane *plane);

#endif
