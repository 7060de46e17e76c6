/* SPDX-License-Identifier: MIT */
/* Runs a model forward over rows. */
#ifndef LS_INFER_H
#define LS_INFER_H

#include "host/model/model.h"

/* Checks that the rows have what the model predicts, with classes all known to the model, and the
 * model's number of features. Errors: LS_ERR_ARGUMENT, LS_ERR_DATA. */
ls_status ls_model_check_rows(const ls_model *model, const ls_data *data, ls_error *err);

/* The network's inputs, rows × inputs: encoded and standardised. Freed with free(). */
ls_status ls_model_encode(const ls_model *model, const ls_data *data, float **out, ls_error *err);

/* A model on a device, ready for rows: what does not depend on the rows is done once. Rows go
 * through in blocks whose number changes no bit. */
typedef struct ls_inference ls_inference;

/* device: NULL for the CPU path on one thread; nothing else may use it before ls_inference_close.
 * The model must outlive the inference and stay unchanged. rows: about how many will follow, at
 * least 1. */
ls_status ls_inference_open(const ls_model *model, ls_device *device, size_t rows,
                            ls_inference **out, ls_error *err);
void ls_inference_close(ls_inference *inference);
/* Rows of a block: a suitable number of rows to read at a time. */
size_t ls_inference_rows(const ls_inference *inference);
/* Outputs and losses of rows as from ls_model_infer. */
ls_status ls_inference_run(ls_inference *inference, const ls_data *raw, float *outputs,
                           float *losses, ls_error *err);

/* Checks that rows × outputs are finite. first: number of the rows before these, for the message.
 * Errors: LS_ERR_DATA. */
ls_status ls_model_check_outputs(const ls_model *model, const float *outputs, size_t rows,
                                 size_t first, ls_error *err);

/* Outputs of the network (rows × outputs; of numbers as it was trained on them) and losses (one per
 * row) of rows as read from the file, before encoding. Either may be NULL; losses need targets.
 * device: NULL for the CPU path. */
ls_status ls_model_infer(const ls_model *model, ls_device *device, const ls_data *raw,
                         float *outputs, float *losses, ls_error *err);

#endif
