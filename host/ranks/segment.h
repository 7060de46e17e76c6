/* SPDX-License-Identifier: MIT */
/* Memory that the ranks of one machine share: an arena for each of them, of which two ranges are
 * the same memory for all. A rank writes its own arena and reads all. It has no name in the file
 * system and ends with the last process that has it. */
#ifndef LS_SEGMENT_H
#define LS_SEGMENT_H

#include "host/base/error.h"
#include "host/ranks/transport.h"
#include <stddef.h>

/* An arena of `floats`, of which all ranks have [0, first) and [second, own) in common. The other
 * ranges, [first, second) and [own, floats), are each rank's own. All but `first`, a multiple of
 * 16, are first + a multiple of LS_SEGMENT_UNIT. */
typedef struct {
    size_t first, second, own, floats;
} ls_segment_shape;

/* Floats: a multiple of what any machine's pages have. */
enum { LS_SEGMENT_UNIT = 1 << 14 };
static inline size_t ls_segment_whole(size_t floats)
{
    return (floats + LS_SEGMENT_UNIT - 1) / LS_SEGMENT_UNIT * LS_SEGMENT_UNIT;
}

typedef struct ls_segment ls_segment;

/* Bytes of a segment at most, for tests. */
extern size_t ls_segment_most;

/* All ranks call it together. able: whether this rank can use the segment; shape: the same on all
 * ranks that can. *out: zeros, or NULL on all ranks if one of them cannot have it. Fails only where
 * the exchange does. */
ls_status ls_segment_open(ls_transport *t, bool able, const ls_segment_shape *shape,
                          ls_segment **out, ls_error *err);
void ls_segment_close(ls_segment *w);

/* The arena of a rank: this one's to read and write, others' to read. */
float *ls_segment_arena(const ls_segment *w, size_t rank);

/* Waits until all ranks have called it: what each has written before, all read after. */
ls_status ls_segment_meet(ls_transport *t, ls_error *err);

#endif
