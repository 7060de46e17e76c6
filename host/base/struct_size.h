/* SPDX-License-Identifier: MIT */
/* Public structs that carry their size (lockstep.h, "Struct sizes"). A program may have been
 * compiled against an older or newer header than the library, so its structs may be shorter or
 * longer than the library's. */
#ifndef LS_STRUCT_SIZE_H
#define LS_STRUCT_SIZE_H

#include "host/base/error.h"
#include <stddef.h>

/* Type, last member in version 0.1, last member now. Members are only appended: the second column
 * never changes, the third is updated. */
#define LS_SIZED_STRUCTS(X)                                                                        \
    X(ls_option_info, help, help)                                                                  \
    X(ls_csv_options, features, features)                                                          \
    X(ls_generate_options, seed, seed)                                                             \
    X(ls_read_options, user, sample_seed)                                                          \
    X(ls_column_info, deviation, offset)                                                           \
    X(ls_device_info, memory, failed)                                                              \
    X(ls_check_progress, total, total)                                                             \
    X(ls_device_rates, fleet, fleet)                                                               \
    X(ls_device_timing, speed, estimated)                                                          \
    X(ls_tune_progress, total, total)                                                              \
    X(ls_train_control, notice, from)                                                              \
    X(ls_progress, learning_rate, rollbacks)                                                       \
    X(ls_metrics, class_support, target_explained_variance)                                        \
    X(ls_threshold_options, threshold, threshold)                                                  \
    X(ls_layer_info, dead, dead)                                                                   \
    X(ls_layer_shape, flop, flop)                                                                  \
    X(ls_summary, stopped, rollbacks)                                                              \
    X(ls_member_info, message, best_validation_loss)                                               \
    X(ls_auto_progress, left, left)                                                                \
    X(ls_auto_control, user, user)                                                                 \
    X(ls_fleet_progress, seconds, seconds)

#define LS_END_OF(type, member) (offsetof(type, member) + sizeof((type *)0)->member)
#define LS_FIRST_SIZE(type) type##_size_0_1

/* Bytes behind the last member would let an old program pass junk for a member that is added in
 * their place. */
#define LS_SIZED_STRUCT_(type, first, last)                                                        \
    enum { LS_FIRST_SIZE(type) = LS_END_OF(type, first) };                                         \
    _Static_assert(offsetof(type, struct_size) == 0, #type " begins with struct_size");            \
    _Static_assert(sizeof(((type *)0)->struct_size) == sizeof(size_t), #type ": a size_t");        \
    _Static_assert(sizeof(void *) != 8 || LS_END_OF(type, last) == sizeof(type),                   \
                   #type " has no padding after its last member");
LS_SIZED_STRUCTS(LS_SIZED_STRUCT_)
#undef LS_SIZED_STRUCT_

/* A struct's type as the functions below need it. */
typedef struct {
    const char *name;
    size_t first; /* size in version 0.1 */
    size_t size;  /* size in this version */
} ls_sized_type;

#define LS_SIZED_TYPE(type)                                                                        \
    (&(const ls_sized_type){.name = #type, .first = LS_FIRST_SIZE(type), .size = sizeof(type)})
/* Pointers are checked: the comparison does not compile if `pointer` does not point to `type`. */
#define LS_POINTER_TO(type, pointer) (1 ? (pointer) : (const type *)0)

/* Copies a struct that the caller passes into *out, which has all members; those that the caller's
 * struct lacks are zero. from: NULL gives zeros. Errors: LS_ERR_ARGUMENT for an invalid size. */
#define LS_READ_STRUCT(type, from, out, err)                                                       \
    ls_sized_read(LS_SIZED_TYPE(type), LS_POINTER_TO(type, from), (1 ? (out) : (type *)0), (err))
ls_status ls_sized_read(const ls_sized_type *type, const void *from, void *out, ls_error *err);

/* Checks a struct, or the first of an array, that the library is to fill. Errors: LS_ERR_ARGUMENT
 * for an invalid size. */
#define LS_CHECK_STRUCT(type, to, err)                                                             \
    ls_sized_check(LS_SIZED_TYPE(type), LS_POINTER_TO(type, to), (err))
ls_status ls_sized_check(const ls_sized_type *type, const void *to, ls_error *err);

/* Fills element i of the caller's array (0 for a single struct) after LS_CHECK_STRUCT: the members
 * that the caller's struct has. Its struct_size becomes that of the first element. */
#define LS_WRITE_STRUCT(type, array, i, own)                                                       \
    ls_sized_write(LS_SIZED_TYPE(type), (1 ? (array) : (type *)0), (i), LS_POINTER_TO(type, own))
void ls_sized_write(const ls_sized_type *type, void *array, size_t i, const void *own);

#endif
