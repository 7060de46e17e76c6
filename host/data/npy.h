/* SPDX-License-Identifier: MIT */
/* NPY, the format of numpy.save. */
#ifndef LS_NPY_H
#define LS_NPY_H

#include "host/data/matrix.h"

/* Whether the first bytes of a file are those of this format. */
bool ls_is_npy(const char *bytes, size_t size);
/* Bytes of its header, given the first bytes (LS_STREAM_HEAD or all). */
size_t ls_npy_head(const char *bytes, size_t size);
/* Describes the matrix by the header, without its bytes. */
ls_status ls_describe_npy(const char *path, const char *bytes, size_t size, ls_matrix *out,
                          ls_error *err);

#endif
