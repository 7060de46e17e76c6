/* SPDX-License-Identifier: MIT */
/* NPY, the format of numpy.save. */
#ifndef LS_NPY_H
#define LS_NPY_H

#include "host/data/matrix.h"

/* Whether the first bytes of a file are those of this format. */
bool ls_is_npy(const char *bytes, size_t size);
/* Describes the matrix in such a file, whose bytes must outlive it. */
ls_status ls_open_npy(const char *path, const char *bytes, size_t size, ls_matrix *out,
                      ls_error *err);

#endif
