/* SPDX-License-Identifier: MIT */
/* The cells of a data set that are not kept in memory: they are read again, in the order of the
 * file, whenever they are needed (host/data/walk.h). A data set and its parts share them. */
#ifndef LS_APART_H
#define LS_APART_H

#include "host/data/columns.h"

typedef struct ls_apart ls_apart;

/* Takes rows [first, first + rows) of the file: rows × columns cells, as ls_data has them. */
typedef ls_status ls_apart_take(void *user, size_t first, size_t rows, const float *x,
                                ls_error *err);

/* Parts of the rows begin at multiples of so many. */
enum { LS_APART_BLOCK = 1024 };

struct ls_apart {
    size_t uses;          /* data sets that refer to it */
    size_t rows, columns; /* of the file, and of a row */
    ls_column *column; /* [columns], or NULL for plain numbers: the categories that cells count */
    /* Reads rows [first, first + rows) once more; all of them, or if `ranged` those from a multiple
     * of LS_APART_BLOCK on. */
    ls_status (*pass)(const ls_apart *apart, size_t first, size_t rows, ls_apart_take *take,
                      void *user, ls_error *err);
    bool ranged;
    void (*free_context)(void *context);
    void *context; /* of `pass` */
    /* Gets all rows from those who hold them, instead of `pass`; or NULL. */
    ls_status (*fetch)(const ls_apart *apart, ls_apart_take *take, void *user, ls_error *err);
    void *holder; /* of `fetch` */
};

ls_apart *ls_apart_share(ls_apart *apart);
/* Ends one use; the last one frees it. NULL is allowed. */
void ls_apart_free(ls_apart *apart);

#endif
