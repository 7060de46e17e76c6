/* SPDX-License-Identifier: MIT */
#include "host/data/csv_separator.h"
#include "host/data/names.h"
#include "host/data/value.h"

#include <string.h>

static const char candidates[] = ",;\t| ";

enum {
    MOST_AHEAD = 256 << 20, /* bytes read ahead for the sake of long records */
    NEARLY = 10 /* One record of so many may be odd. A choice, as are the rows of the sample. */
};

/* The first records under a separator. */
typedef struct {
    char separator;
    ls_csv_sample sample;
    size_t columns; /* most frequent number of fields */
    size_t same;    /* records that have it */
    size_t unclean; /* fields that contain another candidate */
    bool fits;      /* two or more fields, the same number in all records */
    bool expected;  /* as many fields as are expected */
} candidate;

/* ---- Clean fields ---------------------------------------------------------------------------- */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Whether the commas of a text are those of one number: 1,5 or 1,234,567. */
static bool has_number_commas(const char *text)
{
    size_t commas = 0;
    bool groups = true;
    for (const char *at = strchr(text, ','); at; at = strchr(at + 1, ',')) {
        size_t digits = strspn(at + 1, "0123456789");
        if (at == text || !is_digit(at[-1]) || digits == 0) return false;
        groups &= digits == 3;
        commas++;
    }
    return commas == 1 || groups;
}

/* Whether white space rather than another separator splits the text: it has a tab, or two blanks in
 * a row, or consists of numbers and blanks. 1 234 567 is one number. */
static bool has_blank_columns(const char *text)
{
    size_t words = 0, numbers = 0, groups = 0;
    char word[32];
    if (strchr(text, '\t') || strstr(text, "  ")) return true;
    for (; *text; text += strspn(text, " ")) {
        size_t length = strcspn(text, " ");
        double value;
        words++;
        memcpy(word, text, length < sizeof word ? length : 0);
        word[length < sizeof word ? length : 0] = '\0';
        numbers += ls_parse_number(word, &value);
        groups += words == 1 ? length <= 3 : length == 3;
        text += length;
    }
    return words > 1 && numbers == words && groups < words;
}

static bool is_clean(const ls_csv_field *field, char separator)
{
    if (field->quoted) return true;
    for (const char *c = candidates; *c; c++) {
        if (*c == separator || *c == ' ' || *c == '\t' || !strchr(field->text, *c)) continue;
        if (*c != ',' || !has_number_commas(field->text)) return false;
    }
    return separator == ' ' || !has_blank_columns(field->text);
}

/* ---- Candidates ------------------------------------------------------------------------------ */

static size_t rows_with(const ls_csv_sample *sample, size_t columns)
{
    size_t rows = 0;
    for (size_t i = 0; i < sample->rows; i++) rows += ls_csv_sample_count(sample, i) == columns;
    return rows;
}

/* Whether a file for these expected rows may have so many columns. */
static bool is_expected(const ls_expected_rows *e, size_t columns)
{
    size_t width = ls_expected_width(e), targets = e->targets ? e->targets : 1;
    return e->features && (columns == e->features || columns == e->features + targets ||
                           columns == width || columns + targets == width);
}

static ls_status try_separator(const ls_csv_reader *reader, const ls_read_request *request,
                               char separator, candidate *out, ls_error *err)
{
    ls_csv_sample *sample = &out->sample;
    *out = (candidate){.separator = separator};
    LS_TRY(ls_csv_sample_take(reader, separator, sample, err));
    if (sample->rows == 0) return LS_OK;
    out->columns = sample->columns;
    out->same = rows_with(sample, out->columns);
    size_t other = ls_csv_sample_count(sample, sample->rows / 2), rows = rows_with(sample, other);
    if (rows > out->same) {
        out->columns = other;
        out->same = rows;
    }
    for (size_t i = 0; i < sample->first[sample->rows]; i++)
        out->unclean += !is_clean(&sample->field[i], separator);
    out->fits = sample->equal && sample->columns >= 2 && !sample->broken;
    out->expected = is_expected(&request->expected, sample->columns);
    return LS_OK;
}

/* Compares the shares of unclean fields: less than, equal to, or greater than 0. */
static int compare_unclean(const candidate *a, const candidate *b)
{
    uint64_t left = (uint64_t)a->unclean * b->sample.first[b->sample.rows];
    uint64_t right = (uint64_t)b->unclean * a->sample.first[a->sample.rows];
    return (left > right) - (left < right);
}

/* Whether single tabs separate fields without runs of blanks in them or blanks around them. Where
 * columns are aligned by white space, some field has those. */
static bool is_tabbed(const ls_csv_sample *sample)
{
    for (size_t i = 0; i < sample->rows; i++)
        for (size_t j = sample->first[i]; j < sample->first[i + 1]; j++) {
            const ls_csv_field *field = &sample->field[j], *next = field + 1;
            if (!field->quoted && strstr(field->text, "  ")) return false;
            if (j + 1 < sample->first[i + 1] &&
                next->text - next->quoted != field->end + field->quoted + 1)
                return false;
        }
    return true;
}

/* Greater than 0 if a is to be preferred to b; both fit. */
static int compare_fitting(const candidate *a, const candidate *b)
{
    if (a->expected != b->expected) return a->expected ? 1 : -1;
    if (a->separator == ' ' && b->separator == '\t' && is_tabbed(&b->sample)) return -1;
    if (a->separator == '\t' && b->separator == ' ' && is_tabbed(&a->sample)) return 1;
    int unclean = compare_unclean(a, b);
    if (unclean) return -unclean;
    if (a->columns != b->columns) return a->columns > b->columns ? 1 : -1;
    /* a comment above the records that has as many fields is split like them */
    return (a->sample.comment_fields == a->columns) - (b->sample.comment_fields == b->columns);
}

/* Whether white space could separate the fields as well as tabs, which are preferred. */
static bool is_blank_rival(const candidate *tabs, const candidate *blanks)
{
    return tabs->fits && blanks->fits && tabs->expected == blanks->expected &&
           compare_unclean(tabs, blanks) > 0;
}

/* Greater than 0 if a explains the records better than b, which both do not fit. */
static int compare_others(const candidate *a, const candidate *b)
{
    bool one = a->columns >= 2, two = b->columns >= 2;
    if (one != two) return one ? 1 : -1;
    uint64_t left = (uint64_t)a->same * b->sample.rows, right = (uint64_t)b->same * a->sample.rows;
    if (left != right) return left > right ? 1 : -1;
    int unclean = compare_unclean(a, b);
    if (unclean) return -unclean;
    return (a->columns > b->columns) - (a->columns < b->columns);
}

/* Whether only few records are odd. */
static bool nearly_fits(const candidate *c)
{
    size_t odd = c->sample.rows - c->same + c->sample.broken;
    return c->columns >= 2 && odd <= 1 + c->sample.rows / NEARLY && c->same > odd;
}

/* Whether a mistake in few records is the more likely explanation than the separator of b: without
 * them there are more and cleaner fields. */
static bool fits_but_for_mistakes(const candidate *a, const candidate *b)
{
    return nearly_fits(a) && a->columns > b->columns && compare_unclean(a, b) < 0;
}

static int compare(const candidate *a, const candidate *b)
{
    if (a->fits && b->fits) return compare_fitting(a, b);
    if (a->fits != b->fits) {
        const candidate *odd = a->fits ? b : a, *fitting = a->fits ? a : b;
        bool mistakes = odd->separator != ' ' && fits_but_for_mistakes(odd, fitting);
        return (a == fitting) == mistakes ? -1 : 1;
    }
    if ((a->separator == ' ') == (b->separator == ' ')) return compare_others(a, b);
    /* Texts that contain blanks are rather one column. */
    const candidate *space = a->separator == ' ' ? a : b, *other = a->separator == ' ' ? b : a;
    bool spaced = other->columns < 2 && !other->expected && nearly_fits(space);
    return (a == space) == spaced ? 1 : -1;
}

/* ---- One column ------------------------------------------------------------------------------ */

static bool is_known(const ls_column *column, const char *text)
{
    for (size_t k = 0; k < column->categories; k++)
        if (column->category[k] && ls_is_one_name(column->category[k], text)) return true;
    return false;
}

/* Whether a known category is the first word, a blank, and the second. */
static bool is_known_pair(const ls_column *column, const char *first, const char *second)
{
    size_t length = strlen(first);
    for (size_t k = 0; k < column->categories; k++) {
        const char *text = column->category[k] ? column->category[k] : "";
        if (!strncmp(text, first, length) && text[length] == ' ' &&
            !strcmp(text + length + 1, second))
            return true;
    }
    return false;
}

/* Whether records of two words are one category each: a pair of words is known, or a category
 * contains a blank and no word is one or marks a missing value. */
static bool are_pairs(const ls_expected_rows *e, const ls_csv_sample *s)
{
    const ls_column *column = e->column;
    bool words = false, blanks = false;
    size_t place = ls_expected_targets_before(e, ls_expected_place(e, 0)) > 0;
    if (!column->categorical) return false;
    for (size_t i = 0; i < s->rows; i++) {
        const ls_csv_field *field = s->field + s->first[i];
        if (is_known_pair(column, field[0].text, field[1].text)) return true;
        words |= is_known(column, field[place].text) || ls_is_missing_text(field[place].text);
    }
    for (size_t k = 0; k < column->categories; k++)
        blanks |= column->category[k] && strpbrk(column->category[k], " \t");
    return blanks && !words;
}

/* Whether records of two fields are decimals with a comma. */
static bool are_decimals(const ls_expected_rows *e, const ls_csv_sample *s)
{
    if (e->column->format.decimal != ',') return false;
    for (size_t i = 0; i < s->rows; i++)
        if (!is_digit(*s->field[s->first[i] + 1].text)) return false;
    return true;
}

/* Whether the file has one column although a separator splits all records in two: one feature is
 * expected, and its texts contain that separator. */
static bool is_one_column(const ls_expected_rows *e, const candidate *found)
{
    const ls_csv_sample *s = &found->sample;
    if (e->features != 1 || !e->column || !found->fits || found->columns != 2) return false;
    for (size_t i = 0; i < s->first[s->rows]; i++)
        if (s->field[i].quoted) return false;
    return (found->separator == ' ' && are_pairs(e, s)) ||
           (found->separator == ',' && are_decimals(e, s));
}

/* ---- Finding --------------------------------------------------------------------------------- */

/* Whether more of the file could show more records. */
static bool is_long(const ls_csv_reader *reader, const candidate *c)
{
    return c->sample.rows < 2 && !c->sample.broken && !reader->ahead_ended &&
           reader->ahead_count < MOST_AHEAD;
}

/* Whether a separator occurs in what was read ahead; without it there is one column. */
static bool occurs(const ls_csv_reader *reader, char separator)
{
    const char *from = reader->ahead + reader->ahead_at;
    size_t size = reader->ahead_count - reader->ahead_at;
    if (separator == ' ' && (memchr(from, '\t', size) || memchr(from, '\xc2', size))) return true;
    return memchr(from, separator, size) != NULL;
}

/* The best of the candidates. *longer: there may be a better one if more is read ahead. */
static ls_status find_best(const ls_csv_reader *reader, const ls_read_request *request,
                           candidate *best, char *rival, bool *longer, ls_error *err)
{
    const ls_source *source = request->expected.source;
    bool more = false;
    *rival = 0;
    LS_TRY(try_separator(reader, request, candidates[0], best, err));
    more |= is_long(reader, best);
    for (const char *c = candidates + 1; *c; c++) {
        candidate other;
        if (!occurs(reader, *c)) continue;
        ls_status status = try_separator(reader, request, *c, &other, err);
        bool tabs = best->separator == '\t' && *c == ' '; /* of equal numbers: the same fields */
        int order = status == LS_OK ? compare(&other, best) : 0;
        /* a header behind # shows that they are blanks */
        if (order == 0 && tabs && status == LS_OK && other.fits &&
            other.sample.comment_fields == other.columns &&
            best->sample.comment_fields != best->columns)
            order = 1;
        /* of two that fit, that of the training file */
        if (status == LS_OK && source && best->fits && other.fits &&
            best->expected == other.expected) {
            int known = (other.separator == source->found) - (best->separator == source->found);
            order = known ? known : order;
        }
        more |= status == LS_OK && *c != ' ' && is_long(reader, &other);
        if (order > 0) *rival = 0;
        if (order == 0 && status == LS_OK && best->fits && other.fits && !tabs) *rival = *c;
        if (order < 0 && tabs && is_blank_rival(best, &other)) *rival = *c;
        if (order > 0) {
            ls_csv_sample_free(&best->sample);
            *best = other;
        } else {
            ls_csv_sample_free(&other.sample);
        }
        LS_TRY(status);
    }
    *longer = more && !(best->fits && best->sample.rows >= 2);
    return LS_OK;
}

static ls_status find(ls_csv_reader *reader, const ls_read_request *request, candidate *best,
                      char *rival, ls_error *err)
{
    char known = request->separator ? request->separator : reader->declared;
    for (bool longer = true;;) {
        if (known) {
            LS_TRY(try_separator(reader, request, known, best, err));
            longer = is_long(reader, best);
        } else {
            LS_TRY(find_best(reader, request, best, rival, &longer, err));
        }
        if (!longer) break;
        ls_csv_sample_free(&best->sample);
        LS_TRY(ls_csv_look(reader, 2 * reader->ahead_count, err));
    }
    if (known || !is_one_column(&request->expected, best)) return LS_OK;
    char none = best->separator == ' ' ? ',' : ';';
    *rival = best->separator == ',' ? ',' : 0;
    ls_csv_sample_free(&best->sample);
    return try_separator(reader, request, none, best, err);
}

ls_status ls_csv_find_separator(ls_csv_reader *reader, const ls_read_request *request,
                                ls_csv_sample *sample, char *rival, ls_error *err)
{
    candidate best = {0};
    *rival = 0;
    ls_status status = find(reader, request, &best, rival, err);
    *sample = best.sample;
    reader->separator = best.separator;
    return status;
}

ls_separator_name ls_csv_separator_name(char separator)
{
    static const char *const names[] = {"commas", "semicolons", "tabs", "|", "white space"};
    ls_separator_name name = {{separator, '\0'}};
    const char *found = strchr(candidates, separator);
    if (found && *found) snprintf(name.text, sizeof name.text, "%s", names[found - candidates]);
    return name;
}
