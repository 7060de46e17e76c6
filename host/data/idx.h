/* SPDX-License-Identifier: MIT */
/* IDX, the format of MNIST. */
#ifndef LS_IDX_H
#define LS_IDX_H

#include "host/data/matrix.h"

/* Whether the first bytes of a file are those of this format. */
bool ls_is_idx(const char *bytes, size_t size);
/* Bytes of its header, given the first bytes (LS_STREAM_HEAD or all). */
size_t ls_idx_head(const char *bytes, size_t size);
/* Describes the matrix by the header, without its bytes. */
ls_status ls_describe_idx(const char *path, const char *bytes, size_t size, ls_matrix *out,
                          ls_error *err);

/* Path of the file that usually holds the classes of an IDX file of images:
 * "t10k-images-idx3-ubyte.gz" has "t10k-labels-idx1-ubyte.gz" beside it, compressed or not. It need
 * not exist. NULL if the name does not follow that custom or memory runs out; freed with free(). */
char *ls_idx_labels(const char *path);

#endif
