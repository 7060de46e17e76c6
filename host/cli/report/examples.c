/* SPDX-License-Identifier: MIT */
#include "host/cli/report/examples.h"
#include "host/cli/base/html.h"
#include "host/cli/base/png.h"
#include "host/cli/plot/script.h"
#include "host/data/data.h"
#include "host/network/net.h"
#include <math.h>
#include <string.h>

enum {
    MOST_WRONG = 12,
    MOST_RIGHT = 6,
    MOST_BYTES = 40000 /* of all pictures, so that a page stays small */
};

/* How a row is an image, and how it is drawn. */
typedef struct {
    size_t channels, height, width;
    size_t shown;     /* channels shown: 3 as colours, or the first one */
    size_t factor;    /* pixels are means over factor × factor */
    double low, high; /* black and white */
} look;

/* The shape of the images that the rows hold; false if they are none, or a signal. */
static bool find_shape(const outcome *o, look *out)
{
    const size_t *image = o->data->source.image;
    ls_image own = {0};
    const char *text = ls_model_option(o->model, "shape");
    if (image[0]) *out = (look){image[0], image[1], image[2], .factor = 1};
    else if (text && strcmp(text, "auto") && ls_image_parse(text, &own, NULL) == LS_OK)
        *out = (look){own.channels, own.height, own.width, .factor = 1};
    else return false;
    size_t values = out->channels * out->height * out->width;
    return out->height > 1 && out->width > 1 && values == o->data->columns &&
           o->data->columns == o->data->features;
}

/* The value of a pixel: the mean of the positions that it stands for. */
static double value_of(const look *l, const float *row, size_t channel, size_t y, size_t x)
{
    double sum = 0;
    size_t n = 0;
    for (size_t i = y * l->factor; i < (y + 1) * l->factor && i < l->height; i++)
        for (size_t j = x * l->factor; j < (x + 1) * l->factor && j < l->width; j++, n++)
            sum += (double)row[(channel * l->height + i) * l->width + j];
    return sum / (double)n;
}

static size_t over(size_t a, size_t b) { return (a + b - 1) / b; }

static void add_picture(ls_text *page, const look *l, const float *row)
{
    unsigned char pixel[PNG_MOST];
    size_t high = over(l->height, l->factor), wide = over(l->width, l->factor), n = 0;
    for (size_t y = 0; y < high; y++)
        for (size_t x = 0; x < wide; x++)
            for (size_t c = 0; c < l->shown; c++) {
                double share = (value_of(l, row, c, y, x) - l->low) / (l->high - l->low);
                pixel[n++] = (unsigned char)(share > 0 ? 255 * fmin(share, 1) + 0.5 : 0);
            }
    png_add_uri(page, pixel, high, wide, l->shown);
}

/* "Row 17: 8, predicted 3 (0.94)". */
static void name_example(const outcome *o, size_t row, char *out, size_t size)
{
    char truth[PLOT_NAME], wrong[PLOT_NAME];
    size_t predicted = outcome_predicted(o, row), class = (size_t)ls_data_y(o->data)[row];
    plot_short_name(ls_model_class_name(o->model, class), truth);
    plot_short_name(ls_model_class_name(o->model, predicted), wrong);
    int n = snprintf(out, size, "Row %zu: %s", ls_data_row_number(o->data, row) + 1, truth);
    if (class != predicted) n += snprintf(out + n, size - (size_t)n, ", predicted %s", wrong);
    if (o->probabilities)
        snprintf(out + n, size - (size_t)n, " (%.2f)", outcome_score(o, row, predicted));
}

static void add_examples(ls_text *page, const outcome *o, const look *l, const size_t *list,
                         size_t count)
{
    ls_text_add(page, "<div class=\"examples\">\n");
    for (size_t i = 0; i < count; i++) {
        char name[300];
        name_example(o, list[i], name, sizeof name);
        ls_text_add(page, "<figure><img src=\"");
        add_picture(page, l, ls_data_x(o->data) + list[i] * o->data->columns);
        ls_text_add(page, "\" alt=\"");
        html_add(page, name);
        ls_text_add(page, "\"/><figcaption>");
        html_add(page, name);
        ls_text_add(page, "</figcaption></figure>\n");
    }
    ls_text_add(page, "</div>\n");
}

/* The first row of each of the first classes that is predicted right. */
static size_t find_right(const outcome *o, size_t *list)
{
    size_t n = 0;
    for (size_t class = 0; class < o->classes && n < MOST_RIGHT; class ++)
        for (size_t i = 0; i < o->rows; i++)
            if ((size_t)ls_data_y(o->data)[i] == class && outcome_predicted(o, i) == class) {
                list[n++] = i;
                break;
            }
    return n;
}

/* Black and white are the least and the greatest value of the rows shown. */
static void find_range(look *l, const outcome *o, const size_t *list, size_t count)
{
    l->low = HUGE_VAL, l->high = -HUGE_VAL;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < o->data->columns; k++) {
            double v = (double)ls_data_x(o->data)[list[i] * o->data->columns + k];
            l->low = fmin(l->low, v), l->high = fmax(l->high, v);
        }
    if (!(l->high > l->low)) l->high = l->low + 1;
}

void report_add_examples(ls_text *page, const outcome *o)
{
    look l;
    size_t wrong[MOST_WRONG], right[MOST_RIGHT], all[MOST_WRONG + MOST_RIGHT];
    if (o->task != LS_TASK_CLASSIFICATION || !find_shape(o, &l)) return;
    l.shown = l.channels >= 3 ? 3 : 1;
    while (over(l.height, l.factor) * over(l.width, l.factor) * l.shown > PNG_MOST) l.factor++;
    size_t bytes = over(l.height, l.factor) * (over(l.width, l.factor) * l.shown + 1) * 4 / 3 + 120,
           most = MOST_BYTES / bytes, rights = find_right(o, right);
    if (rights > most / 2) rights = most / 2;
    size_t wrongs = outcome_worst(o, wrong,
                                  most - rights < MOST_WRONG ? most - rights : MOST_WRONG);
    memcpy(all, wrong, wrongs * sizeof *all);
    memcpy(all + wrongs, right, rights * sizeof *all);
    find_range(&l, o, all, wrongs + rights);
    html_add_element(page, "h3", "Images");
    if (wrongs)
        ls_text_add(page, "<p>The mistakes of which the model is surest: can you tell why? Images "
                          "that you cannot tell apart either, or whose class looks wrong, are "
                          "faults of the data and not of the network.</p>\n");
    if (wrongs) add_examples(page, o, &l, wrong, wrongs);
    if (rights) ls_text_add(page, "<p>Some that are predicted right.</p>\n");
    if (rights) add_examples(page, o, &l, right, rights);
    if (l.factor > 1)
        ls_text_add(page, "<p class=\"soft\">Pixels are means of %zu×%zu values.</p>\n", l.factor,
                    l.factor);
}
