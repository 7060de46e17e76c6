/* SPDX-License-Identifier: MIT */
#include "host/search/state.h"
#include "host/base/memory.h"
#include "host/data/fingerprint.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* since version 2: macro F1 and the metrics after it; since version 3: numbers of parts, RMSE and
 * the metrics after it; since version 4: a checksum; since version 5: the score of each training */
static const char heading[] = "lockstep search state 5";

/* ---- The key --------------------------------------------------------------------------------- */

static void hash_space(ls_sha256 *sha, const ls_space *space)
{
    for (size_t i = 0; i < ls_option_count(); i++)
        ls_hash_text(sha, ls_options_get(space->base, ls_option_at(i)->name));
    for (size_t i = 0; i < space->count; i++) {
        const ls_dimension *d = &space->dimension[i];
        ls_hash_text(sha, ls_option_at(d->option)->name);
        for (size_t k = 0; k < d->pieces; k++) {
            const ls_piece *p = &d->piece[k];
            for (size_t j = 0; j < p->points; j++) ls_hash_text(sha, p->point[j]);
            ls_hash_number(sha, p->range ? p->log ? 2 : 1 : 0);
            ls_hash_real(sha, p->low);
            ls_hash_real(sha, p->high);
        }
    }
}

void ls_search_key(const ls_search *s, const char *arithmetic, char hex[65])
{
    ls_sha256 sha;
    ls_sha256_init(&sha);
    ls_hash_text(&sha, ls_version());
    ls_hash_text(&sha, arithmetic);
    (void)ls_hash_data(&sha, s->data, NULL); /* its cells are in memory */
    hash_space(&sha, s->space);
    const uint64_t how[] = {(uint64_t)s->how.strategy,
                            (uint64_t)s->how.metric,
                            s->trials,
                            s->how.seeds,
                            s->how.folds,
                            s->how.eta,
                            s->how.seed};
    for (size_t i = 0; i < sizeof how / sizeof *how; i++) ls_hash_number(&sha, how[i]);
    ls_hash_real(&sha, s->how.folds ? 0 : s->how.holdout);
    ls_sha256_final(&sha, hex);
}

/* ---- The state: one line per trial with a result, and a checksum ------------------------------
 */

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
        for (size_t k = 0; t->state == LS_TRIAL_SCORED && k < s->members; k++)
            add_real(out, t->score[k]);
        ls_text_add(out, " %s\n", t->reason ? t->reason : "");
    }
    char sum[65];
    if (!out->failed) ls_sha256_of(out->text, out->length, sum);
    ls_text_add(out, "end %s\n", out->failed ? "" : sum);
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

/* The scores of a trial's trainings, freed with free(); NULL if the line is damaged, or memory has
 * run out. */
static double *read_scores(const ls_search *s, char **line)
{
    double *score;
    if (ls_alloc(&score, s->members, sizeof *score, "", NULL) != LS_OK) return NULL;
    for (size_t k = 0; k < s->members; k++)
        if (!read_real(line, &score[k])) {
            free(score);
            return NULL;
        }
    return score;
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
    if (state == LS_TRIAL_SCORED && !(got.score = read_scores(s, &line))) return false;
    if (state != LS_TRIAL_SCORED && !(got.reason = ls_strdup(line))) return false;
    got.state = (ls_trial_state)state;
    got.rung = (size_t)rung;
    got.parameters = parameters;
    if (strcmp(weights, "-")) snprintf(got.weights, sizeof got.weights, "%s", weights);
    got.value = t->value;
    free(t->reason);
    free(t->score);
    *t = got;
    return true;
}

/* Whether the text ends with the checksum of what is before it. */
static bool is_whole(const char *text)
{
    char sum[65];
    size_t length = strlen(text);
    enum { LAST = 4 + 64 + 1 }; /* "end HASH\n" */
    if (length < LAST || strncmp(text + length - LAST, "end ", 4) || text[length - 1] != '\n')
        return false;
    ls_sha256_of(text, length - LAST, sum);
    return !strncmp(text + length - LAST + 4, sum, 64);
}

ls_status ls_search_read(ls_search *s, const char key[65], const char *name, char *text,
                         ls_error *err)
{
    if (!ls_search_is_state(text))
        return ls_fail(err, LS_ERR_DATA,
                       "%s is not the state of a search; name another file with --state", name);
    bool whole = false, sound = is_whole(text);
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
        if (number == 1 && !sound)
            return ls_fail(err, LS_ERR_DATA,
                           "%s does not match its checksum: it is cut short or was changed; start "
                           "over with --restart",
                           name);
        whole = !strncmp(line, "end ", 4);
        if (number > 1 && !whole && !read_trial(s, line)) break;
    }
    return whole ? LS_OK
                 : ls_fail(err, LS_ERR_DATA, "%s: line %zu is damaged; start over with --restart",
                           name, number);
}
