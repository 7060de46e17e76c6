/* SPDX-License-Identifier: MIT */
#include "host/model/pieces_json.h"
#include "host/base/memory.h"
#include "host/network/pieces.h"
#include <stdlib.h>

json_t *ls_pieces_json(const ls_network *n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n->inputs; i++)
        ls_json_append(&list, json_integer((json_int_t)n->pieces[i]));
    return list;
}

ls_status ls_pieces_of_json(const json_t *list, size_t inputs, unsigned char **out, ls_error *err)
{
    *out = NULL;
    if (!list) return LS_OK;
    if (json_array_size(list) != inputs) return LS_ERR_DATA;
    LS_TRY(ls_alloc(out, inputs, 1, "the pieces of the inputs", err));
    for (size_t i = 0; i < inputs; i++) {
        json_int_t count = json_integer_value(json_array_get(list, i));
        if (count < 1 || count > LS_MOST_PIECES) {
            free(*out);
            *out = NULL;
            return LS_ERR_DATA;
        }
        (*out)[i] = (unsigned char)count;
    }
    return LS_OK;
}
