/* SPDX-License-Identifier: MIT */
/* Networks as text: "conv 16 3x3 same, relu, maxpool 2, dense 10". docs/networks.md has the
 * language. */
#ifndef LS_NET_H
#define LS_NET_H

#include "host/base/error.h"
#include "host/base/text.h"
#include "host/network/activation.h"
#include "host/network/window.h"

/* The items of a description, one row each: NAME, name, and what follows the name:
 *   UNITS  a number of units or channels      KERNEL  the size of the window
 *   WORDS  stride, dilation, padding, groups  RATE    a probability
 *   PIECES a number of pieces
 * An activation's name is an item, too (ITEM_ACTIVATION). */
#define LS_NET_ITEMS(X)                                                                            \
    X(CONV, conv, UNITS | KERNEL | WORDS)                                                          \
    X(DEPTHWISE, depthwise, KERNEL | WORDS)                                                        \
    X(MAX_POOL, maxpool, KERNEL | WORDS)                                                           \
    X(AVG_POOL, avgpool, KERNEL | WORDS)                                                           \
    X(GLOBAL_POOL, globalpool, 0)                                                                  \
    X(FLATTEN, flatten, 0)                                                                         \
    X(DENSE, dense, UNITS)                                                                         \
    X(BATCH_NORM, batchnorm, 0)                                                                    \
    X(DROPOUT, dropout, RATE)                                                                      \
    X(BLOCK, residual, 0)                                                                          \
    X(PIECEWISE, piecewise, PIECES)

#define LS_X(NAME, name, words) LS_ITEM_##NAME,
typedef enum { LS_NET_ITEMS(LS_X) LS_ITEM_ACTIVATION, LS_ITEM_BLOCK_END } ls_item_kind;
#undef LS_X

typedef enum { LS_PAD_VALID, LS_PAD_SAME, LS_PAD_GIVEN } ls_padding;

typedef struct {
    ls_item_kind kind;
    ls_act act;     /* ACTIVATION */
    uint64_t units; /* CONV: output channels; DENSE: units, 0: as many as the data needs;
                       PIECEWISE: pieces */
    uint32_t kernel[2], stride[2], dilation[2], pad[2], groups; /* stride 0: not given */
    ls_padding padding;
    double dropout;
    bool project; /* BLOCK: its input goes through a 1×1 convolution, or a dense layer */
} ls_net_item;

/* Parses a description. *out is freed with free(). Errors: LS_ERR_ARGUMENT with the item that
 * cannot be read; LS_ERR_MEMORY. */
ls_status ls_net_parse(const char *text, ls_net_item **out, size_t *count, ls_error *err);

/* Appends the items as text that parses to the same items. */
void ls_net_write(const ls_net_item *item, size_t count, ls_text *text);
/* One item. */
void ls_net_write_item(const ls_net_item *item, ls_text *text);

/* Parses CHANNELSxHEIGHTxWIDTH, HEIGHTxWIDTH or LENGTH. Errors: LS_ERR_ARGUMENT. */
ls_status ls_image_parse(const char *text, ls_image *out, ls_error *err);

#endif
