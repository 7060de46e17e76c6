/* SPDX-License-Identifier: MIT */
#include "host/ranks/segment.h"
#include "host/base/memory.h"
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

size_t ls_segment_most = SIZE_MAX;

/* The file is [ common | second common range | own ranges of rank 0 | of rank 1 | … ], and the
 * arena begins `before` bytes behind a page's start, so that its first range ends with a page. */
struct ls_segment {
    size_t ranks, before, bytes; /* of an arena, with what is before it */
    char **at;                   /* where each rank's is mapped */
};

/* What the others need to find the leader's file, and to know it. */
typedef struct {
    int able, file;
    int64_t process;
    uint64_t device, number;
} found_file;

static size_t bytes_of(size_t floats) { return floats * sizeof(float); }

/* In bytes, from the start of the mapping. */
typedef struct {
    size_t before, first, second, own, end, common, each, file;
} layout;

static bool lay_out(const ls_segment_shape *s, size_t ranks, layout *out)
{
    const size_t unit = bytes_of(LS_SEGMENT_UNIT), most = (size_t)PTRDIFF_MAX / 2;
    if (s->floats > most / sizeof(float) / (ranks + 1)) return false;
    layout l = {.before = (unit - bytes_of(s->first) % unit) % unit};
    l.first = l.before + bytes_of(s->first), l.second = l.before + bytes_of(s->second);
    l.own = l.before + bytes_of(s->own), l.end = l.before + bytes_of(s->floats);
    l.common = l.first + (l.own - l.second);
    l.each = (l.second - l.first) + (l.end - l.own);
    l.file = l.common + ranks * l.each;
    *out = l;
    return l.first % unit == 0 && l.second % unit == 0 && l.own % unit == 0 && l.end % unit == 0 &&
           l.file <= ls_segment_most && l.file / 2 <= ls_most_bytes();
}

/* ---- The file -------------------------------------------------------------------------------- */

/* The leader's: it is without a name, and other processes open it through this one. */
static int make_file(size_t bytes)
{
#if defined(MFD_CLOEXEC)
    const int file = memfd_create("lockstep", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, (off_t)bytes) == 0) return file;
    close(file);
#else
    (void)bytes;
#endif
    return -1;
}

static int open_file(const found_file *leader)
{
    char path[64];
    struct stat info;
    snprintf(path, sizeof path, "/proc/%lld/fd/%d", (long long)leader->process, leader->file);
    const int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return -1;
    /* a container may have other processes with these numbers */
    if (fstat(file, &info) == 0 && (uint64_t)info.st_dev == leader->device &&
        (uint64_t)info.st_ino == leader->number)
        return file;
    close(file);
    return -1;
}

/* ---- The mappings ---------------------------------------------------------------------------- */

static bool map_range(char *at, size_t bytes, int file, size_t from, bool writes)
{
    const int may = writes ? PROT_READ | PROT_WRITE : PROT_READ;
    return !bytes || mmap(at, bytes, may, MAP_SHARED | MAP_FIXED, file, (off_t)from) != MAP_FAILED;
}

/* All of a rank's arena as one range of addresses. */
static bool map_arena(ls_segment *w, const layout *l, size_t rank, int file, bool writes)
{
    const size_t own = l->common + rank * l->each;
    void *at = mmap(NULL, l->end, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) return false;
    w->at[rank] = at;
    return map_range(w->at[rank], l->first, file, 0, writes) &&
           map_range(w->at[rank] + l->first, l->second - l->first, file, own, writes) &&
           map_range(w->at[rank] + l->second, l->own - l->second, file, l->first, writes) &&
           map_range(w->at[rank] + l->own, l->end - l->own, file, own + l->second - l->first,
                     writes);
}

static ls_segment *map_all(const layout *l, size_t ranks, size_t me, int file)
{
    ls_segment *w;
    if (ls_alloc(&w, 1, sizeof *w, "a segment", NULL) != LS_OK) return NULL;
    *w = (ls_segment){.ranks = ranks, .before = l->before, .bytes = l->end};
    bool mapped = ls_alloc(&w->at, ranks, sizeof *w->at, "a segment", NULL) == LS_OK;
    for (size_t r = 0; mapped && r < ranks; r++) mapped = map_arena(w, l, r, file, r == me);
    if (mapped) return w;
    ls_segment_close(w);
    return NULL;
}

void ls_segment_close(ls_segment *w)
{
    if (!w) return;
    for (size_t r = 0; w->at && r < w->ranks; r++)
        if (w->at[r]) munmap(w->at[r], w->bytes);
    free(w->at);
    free(w);
}

float *ls_segment_arena(const ls_segment *w, size_t rank)
{
    return (float *)(void *)(w->at[rank] + w->before);
}

/* ---- Together -------------------------------------------------------------------------------- */

enum { RANKS = 256 };

/* Of each rank `bytes` bytes at its place in `all`. */
static ls_status tell(ls_transport *t, void *all, size_t bytes, ls_error *err)
{
    size_t offset[RANKS + 1];
    for (int r = 0; r <= t->size; r++) offset[r] = (size_t)r * bytes;
    return t->gather(t, all, offset, err);
}

/* Nothing is allocated before all have told each other: a rank that fails must not leave it out. */
static ls_status open_together(ls_transport *t, bool able, const layout *l, ls_segment **out,
                               ls_error *err)
{
    const size_t ranks = (size_t)t->size, me = (size_t)t->rank;
    found_file said[RANKS] = {{0}};
    int file = able && !me ? make_file(l->file) : -1;
    struct stat info;
    if (!me) able = file >= 0 && fstat(file, &info) == 0;
    said[me] = (found_file){.able = able, .file = file, .process = getpid()};
    if (!me && able) said->device = (uint64_t)info.st_dev, said->number = (uint64_t)info.st_ino;
    ls_status status = tell(t, said, sizeof *said, err);
    for (size_t r = 0; r < ranks; r++) able = able && said[r].able;
    if (me && status == LS_OK && able) file = open_file(said);
    ls_segment *w = status == LS_OK && able && file >= 0 ? map_all(l, ranks, me, file) : NULL;
    if (status == LS_OK) {
        /* the leader keeps its file open until all have opened it */
        said[me].able = w != NULL;
        status = tell(t, said, sizeof *said, err);
    }
    bool all = status == LS_OK;
    for (size_t r = 0; r < ranks; r++) all = all && said[r].able;
    if (file >= 0) close(file);
    if (all) *out = w;
    else ls_segment_close(w);
    return status;
}

ls_status ls_segment_open(ls_transport *t, bool able, const ls_segment_shape *shape,
                          ls_segment **out, ls_error *err)
{
    const size_t ranks = (size_t)t->size;
    layout l = {0};
    *out = NULL;
    if (t->node_size != t->size || ranks > RANKS) return LS_OK; /* so on all ranks */
    able = able && lay_out(shape, ranks, &l);
    return open_together(t, able, &l, out, err);
}

ls_status ls_segment_meet(ls_transport *t, ls_error *err)
{
    char here[RANKS] = {0};
    atomic_thread_fence(memory_order_seq_cst);
    LS_TRY(tell(t, here, 1, err));
    atomic_thread_fence(memory_order_seq_cst);
    return LS_OK;
}
