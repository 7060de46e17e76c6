/* SPDX-License-Identifier: MIT */
/* NPZ, the archives of numpy.savez and savez_compressed: one array of rows, or one and its targets.
 */
#ifndef LS_NPZ_H
#define LS_NPZ_H

#include "host/data/request.h"
#include "host/data/stream.h"

/* Whether the first bytes of a file are those of this format. */
bool ls_is_npz(const char *bytes, size_t size);

ls_status ls_read_npz(const char *path, ls_stream *stream, const ls_read_request *request,
                      ls_data **out, ls_error *err);

/* The array of rows as an NPY file in new bytes. */
ls_status ls_npz_rows(const char *path, ls_stream *stream, char **bytes, size_t *size,
                      ls_error *err);

#endif
