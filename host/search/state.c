/* SPDX-License-Identifier: MIT */
#include "host/search/state.h"
#include "host/base/sha256.h"
#include "host/data/data.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* since version 2: macro F1 and the metrics after it; since version 3: numbers of parts, RMSE and
 * the metrics after it */
static const char heading[] = "lockstep search state 3";

/* ---- The key --------------------------------------------------------------------------------- */

static void hash_text(ls_sha256 *sha, const char *text)
{
    ls_sha256_update(sha, text, strlen(text) + 1);
}

static void hash_number(ls_sha256 *sha, uint64_t number)
{
    unsigned char bytes[8];
    for (unsigned i = 0; i < 8; i++) bytes[i] = (unsigned char)(number >> (8 * i));
    ls_sha256_update(sha, bytes, sizeof bytes);
}

static void hash_real(ls_sha256 *sha, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    hash_number(sha, bits);
}

static void hash_data(ls_sha256 *sha, const ls_data *d)
{
    hash_number(sha, d->rows);
    hash_number(sha, d->features);
    hash_number(sha, d->classes);
    ls_sha256_numbers(sha, d->x, d->rows * d->columns, sizeof *d->x);
    hash_number(sha, d->task);
    hash_number(sha, d->targets);
    if (d->y) ls_sha256_numbers(sha, d->y, d->rows, sizeof *d->y);
    if (d->value) ls_sha256_numbers(sha, d->value, d->rows * d->targets, sizeof *d->value);
    hash_number(sha, (d->weight ? 1 : 0) + (d->group ? 2 : 0));
    if (d->weight) ls_sha256_numbers(sha, d->weight, d->rows, sizeof *d->weight);
    if (d->group) ls_sha256_numbers(sha, d->group, d->rows, sizeof *d->group);
    for (size_t i = 0; i < d->features; i++) hash_text(sha, d->feature_names[i]);
    for (size_t i = 0; i < d->classes; i++) hash_text(sha, d->class_names[i]);
    if (d->column) hash_number(sha, d->missing);
}

static void hash_space(ls_sha256 *sha, const ls_space *space)
{
    for (size_t i = 0; i < ls_option_count(); i++)
        hash_text(sha, ls_options_get(space->base, ls_option_at(i)->name));
    for (size_t i = 0; i < space->count; i++) {
        const ls_dimension *d = &space->dimension[i];
        hash_text(sha, ls_option_at(d->option)->name);
        for (size_t k = 0; k < d->pieces; k++) {
            const ls_piece *p = &d->piece[k];
            for (size_t j = 0; j < p->points; j++) hash_text(sha, p->point[j]);
            hash_number(sha, p->range ? p->log ? 2 : 1 : 0);
            hash_real(sha, p->low);
            hash_real(sha, p->high);
        }
    }
}

void ls_search_key(const ls_search *s, const char *arithmetic, char hex[65])
{
    ls_sha256 sha;
    ls_sha256_init(&sha);
    hash_text(&sha, ls_version());
    hash_text(&sha, arithmetic);
    hash_data(&sha, s->data);
    hash_space(&sha, s->space);
    const uint64_t how[] = {(uint64_t)s->how.strategy,
                            (uint64_t)s->how.metric,
                            s->trials,
                            s->how.seeds,
                            s->how.folds,
                            s->how.eta,
                            s->how.seed};
    for (size_t i = 0; i < sizeof how / sizeof *how; i++) hash_number(&sha, how[i]);
    hash_real(&sha, s->how.folds ? 0 : s->how.holdout);
    ls_sha256_final(&sha, hex);
}

/* ---- The state: one line per trial with a result --------------------------------------------- */

/* Enough digits to read the same double back; "-" for NaN. */
static void add_real(ls_text *out, double number)
{
    if (isnan(number)) ls_text_add(out, " -");
    else ls_text_add(out, " %.17g", number);
}

void ls_search_write(const ls_search *s, const char key[65], ls_text *out)
{
    ls_text_add(out, "%s %s\n", heading, key);
    for (size_t i = 0; i < s->trials; i++) {
        const ls_trial *t = &s->trial[i];
        if (!t->rung) continue;
        ls_text_add(out, "%zu %d %zu %llu %s", i + 1, (int)t->state, t->rung,
                    (unsigned long long)t->parameters, *t->weights ? t->weights : "-");
        add_real(out, t->epochs);
        add_real(out, t->steps);
        add_real(out, t->seconds);
        for (size_t k = 0; k < LS_SCORES; k++) {
            add_real(out, t->mean[k]);
            add_real(out, t->sd[k]);
            ls_text_add(out, " %zu", t->parts[k]);
        }
        ls_text_add(out, " %s\n", t->reason ? t->reason : "");
    }
    ls_text_add(out, "end\n");
}

bool ls_search_is_state(const char *text)
{
    return !strncmp(text, heading, sizeof heading - 2); /* without the version */
}

/* The next word of a line, or NULL at its end. */
static char *word(char **rest)
{
    char *start = *rest, *blank = strchr(start, ' ');
    if (!*start) return NULL;
    if (blank) *blank = 0;
    *rest = blank ? blank + 1 : start + strlen(start);
    return start;
}

static bool read_count(char **rest, uint64_t most, uint64_t *out)
{
    const char *text = word(rest);
    return text && ls_parse_u64(text, out) && *out <= most;
}

static bool read_real(char **rest, double *out)
{
    const char *text = word(rest);
    if (!text) return false;
    if (!strcmp(text, "-")) *out = (double)NAN;
    else if (!strcmp(text, "inf") || !strcmp(text, "-inf"))
        *out = *text == '-' ? -(double)INFINITY : (double)INFINITY;
    else return ls_parse_double(text, out);
    return true;
}

/* Reads one line; false if it is damaged. */
static bool read_trial(ls_search *s, char *line)
{
    uint64_t number, state, rung, parameters;
    if (!read_count(&line, s->trials, &number) || !number) return false;
    ls_trial *t = &s->trial[number - 1], got = {0};
    if (!read_count(&line, LS_TRIAL_REFUSED, &state) || !state ||
        !read_count(&line, s->rungs, &rung) || !rung || t->rung ||
        !read_count(&line, UINT64_MAX, &parameters))
        return false;
    const char *weights = word(&line);
    if (!weights || strlen(weights) > 64 || !read_real(&line, &got.epochs) ||
        !read_real(&line, &got.steps) || !read_real(&line, &got.seconds))
        return false;
    for (size_t k = 0; k < LS_SCORES; k++) {
        uint64_t parts;
        if (!read_real(&line, &got.mean[k]) || !read_real(&line, &got.sd[k]) ||
            !read_count(&line, s->members, &parts))
            return false;
        got.parts[k] = (size_t)parts;
    }
    if (state != LS_TRIAL_SCORED && !(got.reason = ls_strdup(line))) return false;
    got.state = (ls_trial_state)state;
    got.rung = (size_t)rung;
    got.parameters = parameters;
    if (strcmp(weights, "-")) snprintf(got.weights, sizeof got.weights, "%s", weights);
    got.value = t->value;
    free(t->reason);
    *t = got;
    return true;
}

ls_status ls_search_read(ls_search *s, const char key[65], const char *name, char *text,
                         ls_error *err)
{
    if (!ls_search_is_state(text))
        return ls_fail(err, LS_ERR_DATA,
                       "%s is not the state of a search; name another file with --state", name);
    bool whole = false;
    size_t number = 1;
    for (char *line = text, *next; line && *line && !whole; line = next, number++) {
        next = strchr(line, '\n');
        if (next) *next++ = 0;
        if (number == 1 &&
            (strlen(line) < sizeof heading || strncmp(line, heading, sizeof heading - 1) ||
             strcmp(line + sizeof heading, key)))
            return ls_fail(
                err, LS_ERR_ARGUMENT,
                "%s is of another search: data, options, settings or the program's version differ; start over with --restart, or "
                "name another file with --state",
                name);
        whole = !strcmp(line, "end");
        if (number > 1 && !whole && !read_trial(s, line)) break;
    }
    return whole ? LS_OK
                 : ls_fail(err, LS_ERR_DATA, "%s: line %zu is damaged; start over with --restart",
                           name, number);
}
