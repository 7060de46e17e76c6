/* SPDX-License-Identifier: MIT */
#include "host/search/space.h"
#include "host/base/format.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "kernels/random.h"
#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Purpose of the random numbers of draws; kernels/random.h has the other purposes. */
#define LS_PURPOSE_SEARCH 33u

enum { GRID_POINTS = 5, MOST_POINTS = 1000 }; /* of a range */

/* ---- Objects --------------------------------------------------------------------------------- */

static void free_dimension(ls_dimension *d)
{
    for (size_t i = 0; d->piece && i < d->pieces; i++) {
        for (size_t k = 0; d->piece[i].point && k < d->piece[i].points; k++)
            free(d->piece[i].point[k]);
        free(d->piece[i].point);
    }
    free(d->piece);
    free(d->text);
}

ls_status ls_space_create(ls_space **out, ls_error *err)
{
    ls_space *space;
    LS_TRY(ls_alloc(&space, 1, sizeof *space, "the space", err));
    ls_status status = ls_options_create(&space->base, err);
    if (status == LS_OK) status = ls_options_create(&space->scratch, err);
    if (status == LS_OK)
        status = ls_alloc(&space->dimension, ls_option_count(), sizeof *space->dimension,
                          "the space", err);
    if (status == LS_OK)
        status = ls_alloc(&space->given, ls_option_count(), sizeof *space->given, "the space", err);
    if (status != LS_OK) ls_space_free(space);
    else *out = space;
    return status;
}

void ls_space_free(ls_space *space)
{
    if (!space) return;
    for (size_t i = 0; i < space->count; i++) free_dimension(&space->dimension[i]);
    free(space->dimension);
    free(space->given);
    ls_options_free(space->base);
    ls_options_free(space->scratch);
    free(space);
}

/* ---- Values ---------------------------------------------------------------------------------- */

static ls_status out_of_memory(const char *name, ls_error *err)
{
    return ls_fail(err, LS_ERR_MEMORY, "out of memory for --%s", name);
}

/* Checks a value with ls_options_set and returns it as ls_options_get does. */
static ls_status canonical(const ls_space *space, const char *name, const char *text, char **out,
                           ls_error *err)
{
    LS_TRY(ls_options_set(space->scratch, name, text, err));
    *out = ls_strdup(ls_options_get(space->scratch, name));
    return *out ? LS_OK : out_of_memory(name, err);
}

static ls_status number_value(const ls_space *space, const char *name, double number, char **out,
                              ls_error *err)
{
    ls_text text = {0};
    ls_text_add(&text, "%.12g", number);
    ls_status status = text.failed ? out_of_memory(name, err)
                                   : canonical(space, name, text.text, out, err);
    free(text.text);
    return status;
}

static void print_number(char *out, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    ls_format(out, size, format, arguments);
    va_end(arguments);
}

/* Rounds to four significant digits: enough for any option, and a difference in the last bit does
 * not show. It takes no memory, without which it would be another number. */
static double round_digits(double number)
{
    char text[32] = "";
    double rounded = number;
    print_number(text, sizeof text, "%.4g", number);
    ls_parse_double(text, &rounded);
    return rounded;
}

/* low·(high/low)^share by the project's own functions, the same on every machine; in two factors,
 * so that it cannot overflow. */
static double between_log(double low, double high, double share)
{
    double span = (double)ls_log((float)high) - (double)ls_log((float)low);
    double half = (double)ls_exp((float)(0.5 * share * span));
    return low * half * half;
}

static double between(const ls_piece *p, double high, double share)
{
    return p->log ? between_log(p->low, high, share) : p->low + share * (high - p->low);
}

static double clamp(const ls_piece *p, double number)
{
    return number < p->low ? p->low : number > p->high ? p->high : number;
}

/* ---- Reading a space ------------------------------------------------------------------------- */

static bool has_point(const ls_dimension *d, const char *text)
{
    for (size_t i = 0; i < d->pieces; i++)
        for (size_t k = 0; k < d->piece[i].points; k++)
            if (!strcmp(d->piece[i].point[k], text)) return true;
    return false;
}

/* The range's grid points, both ends included, without those that the option already has. */
static ls_status fill_points(const ls_space *space, const char *name, ls_dimension *d, ls_piece *p,
                             size_t wanted, ls_error *err)
{
    if (d->whole && (double)wanted > p->high - p->low + 1) wanted = (size_t)(p->high - p->low) + 1;
    LS_TRY(ls_alloc(&p->point, wanted, sizeof *p->point, "a range", err));
    for (size_t i = 0; i < wanted; i++) {
        double number = between(p, p->high, (double)i / (double)(wanted - 1));
        number = clamp(p, d->whole ? floor(number + 0.5) : round_digits(number));
        if (i == 0) number = p->low;
        if (i + 1 == wanted) number = p->high;
        char *text;
        LS_TRY(number_value(space, name, number, &text, err));
        if (has_point(d, text)) free(text);
        else p->point[p->points++] = text;
    }
    return LS_OK;
}

static ls_status no_range(const char *name, const char *text, ls_error *err)
{
    return ls_fail(
        err, LS_ERR_ARGUMENT,
        "--%s: '%.60s' is not a range; write low..high, low..high:log, or low..high:log:5 for 5 points in a grid",
        name, text);
}

/* The suffix after the second number: ":log", ":5" or ":log:5". */
static bool parse_suffix(char *suffix, bool *log, size_t *points)
{
    uint64_t count = GRID_POINTS;
    char *rest = suffix;
    if (rest && (!strcmp(rest, "log") || !strncmp(rest, "log:", 4))) {
        *log = true;
        rest = rest[3] ? rest + 4 : NULL;
    }
    if (rest && (!ls_parse_u64(rest, &count) || count < 2 || count > MOST_POINTS)) return false;
    *points = (size_t)count;
    return true;
}

static ls_status check_range(const char *name, const char *text, const ls_dimension *d,
                             const ls_piece *p, ls_error *err)
{
    if (p->low >= p->high)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--%s: the range '%.60s' is empty; write the smaller number first", name,
                       text);
    if (d->whole && p->high > 9e15)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--%s: '%.60s': whole numbers in a range go up to 9e15", name, text);
    if (p->log && !(p->low > 0))
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "--%s: '%.60s': a logarithmic range must start above 0; to include 0, write 0|1e-6..1e-2:log",
            name, text);
    if (p->log && (p->low < 1e-37 || p->high > 1e37))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--%s: '%.60s': a logarithmic range must lie within 1e-37 and 1e37", name,
                       text);
    return LS_OK;
}

/* text: "low..high" with an optional suffix; modified. given: an unmodified copy, for messages. */
static ls_status parse_range(const ls_space *space, const char *name, char *text, const char *given,
                             ls_dimension *d, ls_piece *p, ls_error *err)
{
    size_t points;
    if (!ls_option_numeric(d->option, &d->whole))
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "--%s: '%.60s': ranges are for options that take one number; list the values, as a|b|c",
            name, given);
    char *high = strstr(text, "..");
    *high = 0;
    high += 2;
    char *suffix = strchr(high, ':');
    if (suffix) *suffix++ = 0;
    if (!*text || !*high) return no_range(name, given, err);
    LS_TRY(ls_options_set(space->scratch, name, text, err));
    LS_TRY(ls_options_set(space->scratch, name, high, err));
    p->range = true;
    if (!ls_parse_double(text, &p->low) || !ls_parse_double(high, &p->high) ||
        !parse_suffix(suffix, &p->log, &points))
        return no_range(name, given, err);
    LS_TRY(check_range(name, given, d, p, err));
    return fill_points(space, name, d, p, points, err);
}

static ls_status parse_value(const ls_space *space, const char *name, const char *text,
                             ls_dimension *d, ls_piece *p, ls_error *err)
{
    char *value;
    LS_TRY(canonical(space, name, text, &value, err));
    bool twice = has_point(d, value);
    ls_status status = twice ? ls_fail(err, LS_ERR_ARGUMENT, "--%s: '%.60s' is given twice", name,
                                       text)
                             : ls_alloc(&p->point, 1, sizeof *p->point, "a value", err);
    if (status != LS_OK) {
        free(value);
        return status;
    }
    p->point[p->points++] = value;
    return LS_OK;
}

/* Alternatives, separated by '|'. */
static ls_status parse_pieces(const ls_space *space, const char *name, const char *text,
                              ls_dimension *d, ls_error *err)
{
    size_t n = 1;
    for (const char *c = text; *c; c++) n += *c == '|';
    char *copy = ls_strdup(text);
    if (!copy) return out_of_memory(name, err);
    ls_status status = ls_alloc(&d->piece, n, sizeof *d->piece, "the alternatives of an option",
                                err);
    for (char *piece = copy, *next; status == LS_OK && piece; piece = next) {
        next = strchr(piece, '|');
        if (next) *next++ = 0;
        ls_piece *p = &d->piece[d->pieces++];
        const char *given = text + (piece - copy);
        char whole[64];
        snprintf(whole, sizeof whole, "%.*s", (int)strcspn(given, "|"), given);
        if (n > 1 && !*piece)
            status = ls_fail(err, LS_ERR_ARGUMENT, "--%s: '%.60s': an alternative is empty", name,
                             text);
        else if (strstr(piece, "..")) status = parse_range(space, name, piece, whole, d, p, err);
        else status = parse_value(space, name, piece, d, p, err);
    }
    free(copy);
    return status;
}

/* Replaces the dimension of an option. With more than one value, the new dimension goes to its
 * place in the order of the option table; otherwise the option has no dimension any more. */
static void place(ls_space *space, ls_dimension *d, bool more_than_one)
{
    size_t at = 0;
    while (at < space->count && space->dimension[at].option < d->option) at++;
    bool known = at < space->count && space->dimension[at].option == d->option;
    if (known) free_dimension(&space->dimension[at]);
    ls_dimension *slot = &space->dimension[at];
    size_t after = space->count - at - known;
    if (more_than_one) {
        if (!known) memmove(slot + 1, slot, after * sizeof *slot);
        *slot = *d;
        space->count += !known;
    } else if (known) {
        memmove(slot, slot + 1, after * sizeof *slot);
        space->count--;
    }
}

ls_status ls_space_set(ls_space *space, const char *name, const char *text, ls_error *err)
{
    ls_dimension d = {.option = 0};
    while (d.option < ls_option_count() && strcmp(ls_option_at(d.option)->name, name)) d.option++;
    if (d.option == ls_option_count())
        return ls_options_set(space->scratch, name, text, err); /* fails and says what is wrong */
    d.text = ls_strdup(text);
    ls_status status = d.text ? parse_pieces(space, name, text, &d, err) : out_of_memory(name, err);
    bool many = status == LS_OK && (d.pieces > 1 || d.piece[0].range);
    if (status == LS_OK && !many)
        status = ls_options_set(space->base, name, d.piece[0].point[0], err);
    if (status == LS_OK) {
        place(space, &d, many);
        space->given[d.option] = true;
    }
    if (!many || status != LS_OK) free_dimension(&d);
    return status;
}

ls_status ls_space_default(ls_space *space, ls_error *err)
{
    static const char *const initial[][2] = {{"hidden", "16|32|64|32,32|64,64"},
                                             {"activation", "relu|tanh"},
                                             {"lr", "0.0003..0.03:log"}};
    if (space->count) return LS_OK;
    bool described = strcmp(ls_options_get(space->base, "net"), "none") != 0; /* has all layers */
    for (size_t i = described ? 2 : 0; i < sizeof initial / sizeof *initial; i++)
        for (size_t k = 0; k < ls_option_count(); k++)
            if (!space->given[k] && !strcmp(ls_option_at(k)->name, initial[i][0]))
                LS_TRY(ls_space_set(space, initial[i][0], initial[i][1], err));
    return LS_OK;
}

/* ---- Points ---------------------------------------------------------------------------------- */

static size_t grid_points(const ls_dimension *d)
{
    size_t n = 0;
    for (size_t i = 0; i < d->pieces; i++) n += d->piece[i].points;
    return n;
}

size_t ls_space_points(const ls_space *space)
{
    size_t n = 1;
    for (size_t i = 0; i < space->count; i++)
        if (!ls_mul_size(n, grid_points(&space->dimension[i]), &n)) return SIZE_MAX;
    return n;
}

bool ls_space_is_finite(const ls_space *space)
{
    for (size_t i = 0; i < space->count; i++)
        for (size_t k = 0; k < space->dimension[i].pieces; k++)
            if (space->dimension[i].piece[k].range) return false;
    return true;
}

static void free_values(char **value, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        free(value[i]);
        value[i] = NULL;
    }
}

static ls_status copy_point(const ls_dimension *d, const char *point, char **out, ls_error *err)
{
    *out = ls_strdup(point);
    return *out ? LS_OK : out_of_memory(ls_option_at(d->option)->name, err);
}

ls_status ls_space_grid(const ls_space *space, size_t i, char **value, ls_error *err)
{
    assert(i < ls_space_points(space));
    for (size_t k = space->count; k-- > 0;) {
        const ls_dimension *d = &space->dimension[k];
        size_t n = grid_points(d), piece = 0;
        assert(n > 0);
        size_t at = i % n;
        i /= n;
        while (at >= d->piece[piece].points) at -= d->piece[piece++].points;
        ls_status status = copy_point(d, d->piece[piece].point[at], &value[k], err);
        if (status != LS_OK) {
            free_values(value, k + 1, space->count);
            return status;
        }
    }
    return LS_OK;
}

static ls_status draw_value(const ls_space *space, const ls_dimension *d, ls_u32x4 random,
                            char **out, ls_error *err)
{
    const ls_piece *p = &d->piece[(size_t)(((uint64_t)random.z * d->pieces) >> 32)];
    if (!p->range) return copy_point(d, p->point[0], out, err);
    double share = (double)(((uint64_t)random.x << 21) | (random.y >> 11)) * 0x1p-53;
    /* whole numbers are drawn below high + 1 and rounded down, so that all are equally likely */
    double number = between(p, d->whole ? p->high + 1 : p->high, share);
    return number_value(space, ls_option_at(d->option)->name,
                        clamp(p, d->whole ? floor(number) : round_digits(number)), out, err);
}

ls_status ls_space_draw(const ls_space *space, uint64_t seed, size_t trial, size_t attempt,
                        char **value, ls_error *err)
{
    for (size_t k = 0; k < space->count; k++) {
        const ls_dimension *d = &space->dimension[k];
        ls_u32x4 random = ls_random_block(seed, LS_PURPOSE_SEARCH, (uint64_t)attempt << 32 | trial,
                                          (ls_u32)d->option);
        ls_status status = draw_value(space, d, random, &value[k], err);
        if (status != LS_OK) {
            free_values(value, 0, k);
            return status;
        }
    }
    return LS_OK;
}
