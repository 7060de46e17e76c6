/* SPDX-License-Identifier: MIT */
#include "host/network/net.h"
#include "host/base/memory.h"
#include "host/base/neighbours.h"
#include "host/network/pieces.h"
#include <stdlib.h>
#include <string.h>

enum { UNITS = 1, KERNEL = 2, WORDS = 4, RATE = 8, PIECES = 16 };
enum { MOST_ITEMS = 3000, MOST_UNITS = 1000000, MOST_WINDOW = 65536 };

#define LS_X(NAME, name, words) #name,
static const char *const item_names[] = {LS_NET_ITEMS(LS_X)};
#undef LS_X
#define LS_X(NAME, name, words) words,
static const int item_words[] = {LS_NET_ITEMS(LS_X)};
#undef LS_X
enum { NAMES = sizeof item_names / sizeof *item_names };

/* ---- Words ----------------------------------------------------------------------------------- */

/* What is left of the description. A word ends at a space, a comma or a bracket. */
typedef struct {
    const char *at;
    char word[48]; /* the next word, "" at the end of an item */
    size_t length; /* of the word in the text, with the spaces before it */
    ls_net_item *item;
    size_t count, blocks; /* blocks: that are open */
    size_t number;        /* of the item that is read, from 1; the ends of blocks have none */
    ls_error *err;
} parser;

static bool ends_word(char c) { return c == '\0' || strchr(" \t\n,()", c) != NULL; }

static void peek(parser *p)
{
    size_t spaces = strspn(p->at, " \t\n"), n = 0;
    while (!ends_word(p->at[spaces + n])) n++;
    size_t kept = n < sizeof p->word - 1 ? n : sizeof p->word - 1;
    memcpy(p->word, p->at + spaces, kept);
    p->word[kept] = '\0';
    if (kept < n) memcpy(p->word + kept - 3, "...", 3); /* is no number, either */
    p->length = spaces + n;
}

static void take(parser *p)
{
    p->at += p->length;
    peek(p);
}

static char next_mark(const parser *p) { return p->at[strspn(p->at, " \t\n")]; }

static void take_mark(parser *p)
{
    p->at += strspn(p->at, " \t\n") + 1;
    peek(p);
}

static ls_status refuse(const parser *p, const char *name, const char *needs)
{
    return ls_fail(p->err, LS_ERR_ARGUMENT, "--net: item %zu, '%s', needs %s%s%s%s", p->number,
                   name, needs, *p->word ? "; '" : "", p->word, *p->word ? "' is not" : "");
}

static bool read_u32(const char *text, uint64_t low, uint64_t high, uint32_t *out)
{
    uint64_t n;
    if (!ls_parse_u64(text, &n) || n < low || n > high) return false;
    *out = (uint32_t)n;
    return true;
}

/* "3x5", or "3": {alone, 3}. */
static bool read_pair(const char *text, uint64_t low, uint32_t pair[2], bool alone_means_both)
{
    char copy[48];
    snprintf(copy, sizeof copy, "%s", text);
    char *x = strchr(copy, 'x');
    if (x) *x = '\0';
    if (!read_u32(x ? x + 1 : copy, low, MOST_WINDOW, &pair[1])) return false;
    if (x) return read_u32(copy, low, MOST_WINDOW, &pair[0]);
    pair[0] = alone_means_both ? pair[1] : 0;
    return true;
}

/* ---- Items ----------------------------------------------------------------------------------- */

static ls_status read_units(parser *p, const char *name, ls_net_item *item)
{
    uint64_t n;
    bool optional = item->kind == LS_ITEM_DENSE;
    if (optional && !*p->word) return LS_OK;
    if (!ls_parse_u64(p->word, &n) || !n || n > MOST_UNITS)
        return refuse(p, name,
                      optional ? "a number of units, 1 to 1000000"
                               : "a number of output channels, 1 to 1000000");
    item->units = n;
    take(p);
    return LS_OK;
}

static ls_status read_kernel(parser *p, const char *name, ls_net_item *item)
{
    if (!read_pair(p->word, 1, item->kernel, false))
        return refuse(p, name, "the size of its window, such as 3 or 3x3");
    take(p);
    return LS_OK;
}

static ls_status read_word(parser *p, const char *name, ls_net_item *item)
{
    char word[48];
    snprintf(word, sizeof word, "%s", p->word);
    bool pool = item->kind == LS_ITEM_MAX_POOL || item->kind == LS_ITEM_AVG_POOL;
    if (!strcmp(word, "same") || !strcmp(word, "valid")) {
        item->padding = *word == 's' ? LS_PAD_SAME : LS_PAD_VALID;
        item->pad[0] = item->pad[1] = 0;
        take(p);
        return LS_OK;
    }
    bool stride = !strcmp(word, "stride"), dilation = !strcmp(word, "dilation") && !pool,
         pad = !strcmp(word, "pad"), groups = !strcmp(word, "groups") && item->kind == LS_ITEM_CONV;
    if (!stride && !dilation && !pad && !groups)
        return refuse(p, name,
                      pool ? "same, valid, pad N or stride N after its window"
                      : item->kind == LS_ITEM_CONV
                          ? "same, valid, pad N, stride N, dilation N or groups N after its window"
                          : "same, valid, pad N, stride N or dilation N after its window");
    take(p);
    bool right = groups ? read_u32(p->word, 1, MOST_UNITS, &item->groups)
                        : read_pair(p->word, pad ? 0 : 1,
                                    stride     ? item->stride
                                    : dilation ? item->dilation
                                               : item->pad,
                                    true);
    if (!right) {
        char needs[96];
        snprintf(needs, sizeof needs, "a number after %s, %d to %d", word, pad ? 0 : 1,
                 groups ? MOST_UNITS : MOST_WINDOW);
        return refuse(p, name, needs);
    }
    if (pad) item->padding = LS_PAD_GIVEN;
    take(p);
    return LS_OK;
}

static ls_status read_rate(parser *p, const char *name, ls_net_item *item)
{
    if (!ls_parse_double(p->word, &item->dropout) || item->dropout < 0 || item->dropout > 0.99)
        return refuse(p, name, "a probability, 0 to 0.99");
    take(p);
    return LS_OK;
}

static ls_status read_pieces(parser *p, const char *name, ls_net_item *item)
{
    uint32_t n;
    if (!read_u32(p->word, LS_LEAST_PIECES, LS_MOST_PIECES, &n))
        return refuse(p, name, "a number of pieces, 2 to 128");
    item->units = n;
    take(p);
    return LS_OK;
}

/* Behind "residual": [project] (. */
static ls_status open_block(parser *p, ls_net_item *item)
{
    if (!strcmp(p->word, "project")) {
        item->project = true;
        take(p);
    }
    if (*p->word || next_mark(p) != '(')
        return refuse(p, "residual", "its layers in brackets, residual(conv 16 3 same, relu, ...)");
    if (p->blocks)
        return ls_fail(p->err, LS_ERR_ARGUMENT,
                       "--net: item %zu: a residual block inside another one is not supported",
                       p->number);
    p->blocks++;
    take_mark(p);
    return LS_OK;
}

static ls_status find_item(const parser *p, ls_net_item *item)
{
    const char *names[NAMES + LS_ACT_COUNT];
    for (size_t i = 0; i < NAMES; i++) {
        names[i] = item_names[i];
        item->kind = (ls_item_kind)i;
        if (!strcmp(p->word, names[i])) return LS_OK;
    }
    for (int i = 0; i < LS_ACT_COUNT; i++) {
        names[NAMES + i] = ls_activations[i].name;
        item->kind = LS_ITEM_ACTIVATION;
        item->act = (ls_act)i;
        if (!strcmp(p->word, ls_activations[i].name)) return LS_OK;
    }
    const char *near = ls_value_hint("net", p->word, names, NAMES + LS_ACT_COUNT);
    if (near)
        return ls_fail(p->err, LS_ERR_ARGUMENT,
                       "--net: item %zu: there is no '%s'; did you mean '%s'?", p->number, p->word,
                       near);
    return ls_fail(
        p->err, LS_ERR_ARGUMENT,
        "--net: item %zu: '%s' is no layer; there are conv, depthwise, maxpool, avgpool, "
        "globalpool, flatten, dense, batchnorm, dropout, residual(...), piecewise" LS_ACT_NAMES,
        p->number, p->word);
}

static ls_status read_item(parser *p)
{
    ls_net_item *item = &p->item[p->count];
    *item = (ls_net_item){.dilation = {1, 1}, .groups = 1};
    p->number++;
    if (!*p->word)
        return ls_fail(p->err, LS_ERR_ARGUMENT, "--net: item %zu is missing: a layer must be %s",
                       p->number,
                       p->number == 1 ? "there" : "behind each comma and opening bracket");
    LS_TRY(find_item(p, item));
    char name[sizeof p->word];
    memcpy(name, p->word, sizeof name);
    take(p);
    if (item->kind == LS_ITEM_BLOCK) LS_TRY(open_block(p, item));
    int words = (int)item->kind < NAMES ? item_words[item->kind] : 0;
    if (words & UNITS) LS_TRY(read_units(p, name, item));
    if (words & KERNEL) LS_TRY(read_kernel(p, name, item));
    while (words & WORDS && *p->word) LS_TRY(read_word(p, name, item));
    if (words & RATE) LS_TRY(read_rate(p, name, item));
    if (words & PIECES) LS_TRY(read_pieces(p, name, item));
    if (*p->word && item->kind != LS_ITEM_BLOCK)
        return ls_fail(p->err, LS_ERR_ARGUMENT,
                       "--net: item %zu, '%s': '%s' does not belong to it; items are separated by "
                       "commas",
                       p->number, name, p->word);
    p->count++;
    return LS_OK;
}

/* What follows an item: brackets that close blocks, and a comma or the end. */
static ls_status read_end(parser *p, bool *more)
{
    while (next_mark(p) == ')') {
        if (!p->blocks)
            return ls_fail(p->err, LS_ERR_ARGUMENT, "--net: ')' after item %zu closes nothing",
                           p->number);
        p->blocks--;
        p->item[p->count++] = (ls_net_item){.kind = LS_ITEM_BLOCK_END};
        take_mark(p);
    }
    char mark = next_mark(p);
    *more = mark == ',';
    if (*more) take_mark(p);
    else if (mark)
        return ls_fail(p->err, LS_ERR_ARGUMENT, "--net: a comma is missing before '%.20s'",
                       p->at + strspn(p->at, " \t\n"));
    else if (p->blocks) return ls_fail(p->err, LS_ERR_ARGUMENT, "--net: ')' is missing at the end");
    return LS_OK;
}

static ls_status read_items(parser *p)
{
    for (bool more = true; more;) {
        if (p->count + 2 >= MOST_ITEMS)
            return ls_fail(p->err, LS_ERR_ARGUMENT, "--net: more than %d items", MOST_ITEMS - 2);
        LS_TRY(read_item(p));
        if (p->item[p->count - 1].kind != LS_ITEM_BLOCK) LS_TRY(read_end(p, &more));
    }
    return LS_OK;
}

ls_status ls_net_parse(const char *text, ls_net_item **out, size_t *count, ls_error *err)
{
    parser p = {.at = text, .err = err};
    size_t most = 2;
    for (const char *c = text; *c; c++) most += 2 * (size_t)(*c == ',' || *c == '(' || *c == ')');
    if (most < MOST_ITEMS) most += 2;
    LS_TRY(ls_alloc(&p.item, most < MOST_ITEMS ? most : MOST_ITEMS, sizeof *p.item, "--net", err));
    peek(&p);
    ls_status status = read_items(&p);
    if (status != LS_OK) {
        free(p.item);
        return status;
    }
    *out = p.item;
    *count = p.count;
    return LS_OK;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void write_pair(ls_text *text, const char *before, const uint32_t pair[2])
{
    if (pair[0] == pair[1]) ls_text_add(text, "%s%u", before, pair[1]);
    else ls_text_add(text, "%s%ux%u", before, pair[0], pair[1]);
}

/* "3" is a square, or on images of one row the columns; 3x3 is always a square. */
static void write_kernel(ls_text *text, const uint32_t kernel[2])
{
    if (kernel[0]) ls_text_add(text, " %ux%u", kernel[0], kernel[1]);
    else ls_text_add(text, " %u", kernel[1]);
}

void ls_net_write_item(const ls_net_item *i, ls_text *text)
{
    if (i->kind == LS_ITEM_BLOCK_END) return;
    int words = (int)i->kind < NAMES ? item_words[i->kind] : 0;
    ls_text_add(text, "%s",
                i->kind == LS_ITEM_ACTIVATION ? ls_activations[i->act].name : item_names[i->kind]);
    if (i->project) ls_text_add(text, " project");
    if (words & (UNITS | PIECES) && i->units)
        ls_text_add(text, " %llu", (unsigned long long)i->units);
    if (words & KERNEL) write_kernel(text, i->kernel);
    if (words & WORDS && i->padding == LS_PAD_SAME) ls_text_add(text, " same");
    if (words & WORDS && i->padding == LS_PAD_GIVEN) write_pair(text, " pad ", i->pad);
    if (words & WORDS && i->stride[0]) write_pair(text, " stride ", i->stride);
    if (words & WORDS && (i->dilation[0] > 1 || i->dilation[1] > 1))
        write_pair(text, " dilation ", i->dilation);
    if (words & WORDS && i->groups > 1) ls_text_add(text, " groups %u", i->groups);
    if (words & RATE) ls_text_add(text, " %.12g", i->dropout);
}

void ls_net_write(const ls_net_item *item, size_t count, ls_text *text)
{
    for (size_t i = 0; i < count; i++) {
        bool begins = i == 0 || item[i - 1].kind == LS_ITEM_BLOCK,
             ends = item[i].kind == LS_ITEM_BLOCK_END;
        if (!begins && !ends) ls_text_add(text, ", ");
        ls_net_write_item(&item[i], text);
        if (item[i].kind == LS_ITEM_BLOCK) ls_text_add(text, "(");
        if (ends) ls_text_add(text, ")");
    }
}

ls_status ls_image_parse(const char *text, ls_image *out, ls_error *err)
{
    char copy[64];
    uint32_t size[3];
    size_t n = 0;
    snprintf(copy, sizeof copy, "%s", text);
    bool right = strlen(text) < sizeof copy;
    uint64_t values = 1;
    for (char *at = copy; at && right; n++) {
        char *x = strchr(at, 'x');
        if (x) *x = '\0';
        right = n < 3 && read_u32(at, 1, MOST_WINDOW, &size[n]);
        if (right) values *= size[n];
        at = x ? x + 1 : NULL;
    }
    if (!right)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--shape: '%.60s' is not the size of an image: give CHANNELSxHEIGHTxWIDTH, "
                       "as in 1x28x28, HEIGHTxWIDTH, or the LENGTH of a signal",
                       text);
    if (values > SIZE_MAX >> 6)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--shape: an image of %.60s has more values than this machine can address",
                       text);
    *out = n == 3   ? (ls_image){size[1], size[2], size[0]}
           : n == 2 ? (ls_image){size[0], size[1], 1}
                    : (ls_image){1, size[0], 1};
    return LS_OK;
}
