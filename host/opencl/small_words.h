/* SPDX-License-Identifier: MIT */
/* A plan as the words that the kernels of small networks read (kernels/small.h). */
#ifndef LS_SMALL_WORDS_H
#define LS_SMALL_WORDS_H

#include "host/network/plan.h"
#include "host/opencl/cl_api.h"
#include "kernels/small.h"

typedef struct {
    cl_uint *word;
    size_t words;
    bool grouped;  /* for small_group.cl, otherwise for small.cl */
    size_t common; /* grouped: floats of scratch for all parts of a group; then per part */
    size_t scratch;
    size_t width; /* columns of the widest operation */
} ls_small_words;

/* *out is NULL if the plan cannot run chunk-wise. Errors: LS_ERR_MEMORY. */
ls_status ls_small_words_build(const ls_plan *plan, bool grouped, ls_small_words **out,
                               ls_error *err);
void ls_small_words_free(ls_small_words *words);

#endif
