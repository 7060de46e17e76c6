/* SPDX-License-Identifier: MIT */
/* The numbers of pieces of an embedding as JSON. */
#ifndef LS_PIECES_JSON_H
#define LS_PIECES_JSON_H

#include "host/base/json.h"
#include "host/network/layer.h"

/* A list of those of each input. NULL if memory runs out. */
json_t *ls_pieces_json(const ls_network *network);

/* Reads them for this many inputs, to *out, which is freed with free(). *out is NULL without a
 * list. Errors: LS_ERR_DATA without a message if it is not such a list, LS_ERR_MEMORY. */
ls_status ls_pieces_of_json(const json_t *list, size_t inputs, unsigned char **out, ls_error *err);

#endif
