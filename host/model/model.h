/* SPDX-License-Identifier: MIT */
/* A trained network with all that is needed to use it on raw rows. */
#ifndef LS_MODEL_H
#define LS_MODEL_H

#include "host/data/data.h"
#include "host/data/encoder.h"
#include "host/network/backend.h"
#include "host/network/network.h"

struct ls_model {
    ls_options *options;
    ls_network network;
    float *values;        /* parameters, then running averages */
    char **class_names;   /* network.classes */
    char **feature_names; /* network.inputs */
    ls_encoder *encoder;  /* NULL: rows are plain numbers */
    double *mean, *scale; /* inputs become (x - mean)·scale; NULL where they are not standardised */
    ls_history_point *history;
    size_t history_count;
    ls_summary summary; /* seconds stays out of the file */
    char stopped[16];   /* what summary.stopped points to */
    ls_decision decision;
};

/* Largest number of history points kept. */
enum { LS_HISTORY_POINTS = 1000 };

/* A model of that shape with room for so many points of history, without names and values yet;
 * takes a copy of the options. */
ls_status ls_model_create(const ls_options *options, size_t features, size_t classes,
                          size_t history, ls_model **out, ls_error *err);

/* The names of the data's features and classes, and how its rows are encoded: learnt from those
 * that the options do not hold out. */
ls_status ls_model_name(ls_model *model, const ls_data *data, ls_error *err);
/* A copy of all of it; with that room for history. */
ls_status ls_model_copy(const ls_model *model, size_t history, ls_model **out, ls_error *err);

/* Memory for the values; apart, so that a model file's size can be checked first. */
ls_status ls_model_alloc_values(ls_model *model, ls_error *err);

/* Outputs and row losses (either may be NULL; losses only where there are classes) of rows as they
 * were read. device: NULL for the CPU path. */
ls_status ls_model_infer(const ls_model *model, ls_device *device, const ls_data *raw,
                         float *outputs, float *losses, ls_error *err);

/* Whether ls_model_set_threshold will be able to do what is asked, before hours of training. Errors
 * as it has them. */
ls_status ls_threshold_check(const ls_threshold_options *threshold, const ls_options *options,
                             const ls_data *data, ls_error *err);

/* t[rows × outputs] = targets of classes y. */
void ls_network_targets(const ls_network *network, const int32_t *y, size_t rows, float *t);

/* Whether rows have classes, and those and the width that the model knows. */
ls_status ls_model_check_rows(const ls_model *model, const ls_data *data, ls_error *err);

/* What the network sees of rows, rows × inputs, freed by the caller. */
ls_status ls_model_encode(const ls_model *model, const ls_data *data, float **out, ls_error *err);

/* A model from the bytes of its file; path is for messages. */
ls_status ls_model_parse(const char *path, const char *bytes, size_t size, ls_model **out,
                         ls_error *err);

/* The model file as bytes; freed with free(). */
ls_status ls_model_serialize(const ls_model *model, char **bytes, size_t *size, ls_error *err);

#endif
