/* SPDX-License-Identifier: MIT */
/* A trained network together with everything needed to apply it to raw rows. */
#ifndef LS_MODEL_H
#define LS_MODEL_H

#include "host/data/data.h"
#include "host/data/encoder.h"
#include "host/model/split_record.h"
#include "host/network/network.h"

/* Several networks that predict together (host/model/ensemble.h). Their model has no network of its
 * own: `network` is then one without hidden layers and values, which says what goes in and comes
 * out. */
enum { LS_MOST_MEMBERS = 10000 };

typedef struct {
    size_t members;
    ls_model **member;  /* [members], of the same task, inputs and targets */
    uint64_t *times;    /* [members] how often each counts in the mean, at least 1 */
    double temperature; /* of classes: divides the logits of the mean probabilities; > 0 */
} ls_ensemble;

struct ls_model {
    ls_options *options;
    ls_network network;
    float *values;         /* parameters, then running averages; NULL for an ensemble */
    ls_ensemble *ensemble; /* NULL for one network (host/model/ensemble.h) */
    char **class_names;    /* network.classes */
    char **feature_names;  /* network.inputs */
    ls_encoder *encoder;   /* NULL if rows are plain numbers */
    ls_source source;      /* of the training rows */
    ls_task task;
    size_t targets;
    ls_target *target;       /* [targets] */
    double *mean, *scale;    /* inputs become (x - mean)·scale; NULL without standardisation */
    double clip;             /* of standardised numbers (ls_encode); 0: none */
    ls_quantiles *quantiles; /* normal scores in place of (x - mean)·scale, or NULL */
    double *target_mean;     /* [targets] of the training rows; NULL for classes */
    double *target_scale;    /* [targets] outputs become mean + output/scale; NULL: output */
    int32_t most_frequent;   /* class of the training rows; -1 if it is not known */
    ls_history_point *history;
    size_t history_count;
    ls_summary summary; /* all but `seconds` is saved in the file */
    char stopped[16];   /* storage for summary.stopped */
    ls_decision decision;
    ls_split_record
        *split; /* of the training data; NULL: it is not known, or nothing was held out */
};

/* Largest number of history points kept. */
enum { LS_HISTORY_POINTS = 1000 };

/* A model of this shape with room for `history` points, without names and values yet. Copies the
 * options. */
ls_status ls_model_create(const ls_options *options, size_t features, ls_shape shape,
                          size_t history, ls_model **out, ls_error *err);

/* The shape it was created with. */
ls_shape ls_model_shape(const ls_model *model);

/* Allocates the values. Separate from ls_model_create, so that the size of a model file can be
 * checked first. */
ls_status ls_model_alloc_values(ls_model *model, ls_error *err);

/* Takes the names of the data's features and classes, and a copy of the encoder that was fitted to
 * its training rows (NULL if rows are plain numbers). */
ls_status ls_model_name(ls_model *model, const ls_data *data, const ls_encoder *encoder,
                        ls_error *err);

/* Takes the names, the targets and the source of another model of the same shape, and a copy of the
 * encoder. */
ls_status ls_model_name_like(ls_model *model, const ls_model *other, const ls_encoder *encoder,
                             ls_error *err);

/* Rooms for members in a model without them. */
ls_status ls_ensemble_reserve(ls_model *model, size_t members, ls_error *err);

/* Network number `i` of a model, which is itself without members, and the number of them. */
size_t ls_model_networks(const ls_model *model);
const ls_model *ls_model_network(const ls_model *model, size_t i);

/* Takes the standardisation and the means of the targets of another model of the same shape. */
ls_status ls_model_prepare_like(ls_model *model, const ls_model *other, ls_error *err);

/* How its inputs are scaled. */
static inline ls_number_scaling ls_model_scaling(const ls_model *m)
{
    return (ls_number_scaling){m->mean, m->scale, m->clip, m->quantiles};
}

/* Number of floats in a tensor of the model. */
size_t ls_tensor_size(const ls_tensor *tensor);

/* A deep copy with room for `history` points. */
ls_status ls_model_copy(const ls_model *model, size_t history, ls_model **out, ls_error *err);

#endif
