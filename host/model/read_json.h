/* SPDX-License-Identifier: MIT */
/* Parts of a model file's metadata, and what reading them has in common. */
#ifndef LS_READ_JSON_H
#define LS_READ_JSON_H

#include "host/model/model.h"
#include <jansson.h>

/* The error of a file of which this is wrong. */
ls_status ls_damaged(const char *path, const char *what, ls_error *err);
/* Replaces the names by those of a JSON list of the same length. */
ls_status ls_read_names(const json_t *list, char **names, const char *path, ls_error *err);
/* Reads a JSON list of finite numbers; null leaves *out as it is. */
ls_status ls_read_numbers(const json_t *list, size_t count, double **out, const char *path,
                          ls_error *err);
/* Whether two of the names are equal. */
ls_status ls_find_twice(char *const *names, size_t count, bool *twice, ls_error *err);
/* Reads "columns" into the model's encoder. */
ls_status ls_read_encoder(const json_t *object, ls_model *model, const char *path, ls_error *err);

/* Checks the format number against the optional parts of the metadata. */
ls_status ls_check_format(const json_t *meta, const char *path, ls_error *err);
/* A model with everything but its values, of one network, whose format is checked already. */
ls_status ls_read_one(const json_t *meta, const char *path, ls_model **out, ls_error *err);
/* Reads the members of an ensemble into a model without them. root: all of the metadata. */
ls_status ls_read_ensemble(const json_t *root, const char *path, ls_model *model, ls_error *err);

#endif
