/* SPDX-License-Identifier: MIT */
#include "host/cli/report/filters.h"
#include "host/base/memory.h"
#include "host/cli/base/html.h"
#include "host/cli/plot/pixels.h"
#include "host/cli/plot/script.h"
#include "host/data/data.h"
#include "host/data/split.h"
#include "host/model/infer.h"
#include "host/model/inspect.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDE = 702, /* of a figure */
    LABEL = 14, /* height of a line of text */
    /* Shown at most: */
    FILTERS = 32,
    FILTERS_A_LINE = 16,
    CHANNELS = 4,
    FILTER_CELLS = 6000, /* of all filters */
    MAPS = 16,
    MAPS_A_LINE = 8,
    ROWS = 3,
    PAGE = 290000 /* bytes, with the maps; see draw_all_maps */
};

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* Height of the box of a matrix of that size: its shape, within limits. */
static double box_height(size_t high, size_t wide, double width)
{
    double height = width * (double)high / (double)wide;
    return fmin(fmax(height, width / 4), 2 * width);
}

static void svg_begin(ls_text *svg, double height, const char *title, const char *description)
{
    ls_text_add(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" role=\"img\" class=\"plot\" font-family=\"sans-serif\" font-size=\"11\" shape-rendering=\"crispEdges\" fill=\"none\" stroke=\"#888\">\n<title>",
        WIDE, height);
    html_add(svg, title);
    ls_text_add(svg, "</title>\n<desc>");
    html_add(svg, description);
    ls_text_add(svg, "</desc>\n");
}

static void add_label(ls_text *svg, double x, double y, const char *text)
{
    ls_text_add(svg,
                "<text x=\"%.1f\" y=\"%.1f\" fill=\"currentColor\" stroke=\"none\">%s</text>\n", x,
                y, text);
}

/* ---- Filters --------------------------------------------------------------------------------- */

typedef struct {
    const ls_layer *layer;
    const float *weight;    /* (kernel row, kernel column, channel) × filter */
    size_t channels;        /* that a filter reads */
    size_t filters, planes; /* filters and channels shown */
    double most;            /* largest magnitude of the weights shown */
} bank;

static bank bank_of(const ls_model *model, const ls_layer *l)
{
    size_t taps = ls_window_taps(&l->window);
    bank b = {.layer = l, .weight = model->values + l->weight, .channels = l->in / taps};
    b.planes = least(b.channels, CHANNELS);
    size_t cells = least(taps, PIXELS_MOST) * b.planes;
    b.filters = least(least(l->out, FILTERS), FILTER_CELLS / cells);
    for (size_t i = 0; i < l->in; i++)
        for (size_t f = 0; f < b.filters && i % b.channels < b.planes; f++)
            b.most = fmax(b.most, fabs((double)b.weight[i * l->out + f]));
    if (!(b.most > 0)) b.most = 1;
    return b;
}

static void draw_filter(const bank *b, size_t f, size_t channel, double x, double y, double width,
                        double height, ls_text *svg)
{
    const uint32_t *kernel = b->layer->window.kernel;
    const float *first = b->weight + channel * b->layer->out + f;
    char title[80];
    pixels p = pixels_begin(kernel[0], kernel[1]);
    pixels_shade(&p, kernel[0], kernel[1], first, b->channels * b->layer->out, -b->most, b->most,
                 PIXELS_LEVELS, 0x111);
    int n = snprintf(title, sizeof title, "filter %zu", f + 1);
    if (b->channels > 1)
        snprintf(title + n, sizeof title - (size_t)n, ", input channel %zu", channel + 1);
    pixels_draw(&p, x, y, width, height, title, svg);
}

static void draw_bank(const bank *b, const char *caption, ls_text *svg)
{
    enum { BOX = 38, STEP = 44 };
    const ls_window *w = &b->layer->window;
    double high = box_height(w->kernel[0], w->kernel[1], BOX),
           block = LABEL + (double)b->planes * (high + 4) + 6;
    size_t lines = (b->filters + FILTERS_A_LINE - 1) / FILTERS_A_LINE;
    svg_begin(
        svg, (double)lines * block, caption,
        "One picture per filter and input channel, whose cells are the weights of the window; "
        "the darker a cell, the lower its weight.");
    for (size_t f = 0; f < b->filters; f++) {
        double x = 1 + (double)(f % FILTERS_A_LINE) * STEP,
               y = (double)(f / FILTERS_A_LINE) * block;
        char text[24];
        snprintf(text, sizeof text, "%zu", f + 1);
        add_label(svg, x, y + LABEL - 4, text);
        for (size_t c = 0; c < b->planes; c++)
            draw_filter(b, f, c, x, y + LABEL + (double)c * (high + 4), BOX, high, svg);
    }
    ls_text_add(svg, "</svg>\n");
}

static ls_status add_bank(ls_text *page, const bank *b, ls_error *err)
{
    char caption[400], part[64] = "";
    ls_text svg = {0};
    if (b->filters < b->layer->out)
        snprintf(part, sizeof part, " (the first %zu of %zu)", b->filters, b->layer->out);
    int n = snprintf(caption, sizeof caption,
                     "Filters of the first layer%s. Black is a weight of −%.3g, white one of %.3g, "
                     "and the grey between them is 0.",
                     part, b->most, b->most);
    if (b->channels > 1)
        snprintf(caption + n, sizeof caption - (size_t)n,
                 " Below each other: the weights of the filter's %zu input channels%s.",
                 b->channels, b->planes < b->channels ? ", of which the first four are shown" : "");
    n = (int)strlen(caption);
    size_t factor = pixels_begin(b->layer->window.kernel[0], b->layer->window.kernel[1]).factor;
    if (factor > 1)
        snprintf(caption + n, sizeof caption - (size_t)n, " Cells are means of %zu×%zu weights.",
                 factor, factor);
    draw_bank(b, caption, &svg);
    if (!svg.failed) html_add_plot(page, svg.text, caption);
    bool lost = svg.failed;
    free(svg.text);
    return lost ? ls_fail(err, LS_ERR_MEMORY, "out of memory for the filters") : LS_OK;
}

/* ---- Maps ------------------------------------------------------------------------------------ */

typedef struct {
    const ls_model *model;
    const ls_layer *layer;
    const ls_data *rows; /* those shown */
    float *input, *map;  /* rows × inputs, rows × positions × maps */
    size_t maps;         /* shown */
} first_outputs;

/* The smallest and the largest of values that lie `step` apart, different from each other. */
static void range_of(const float *v, size_t count, size_t step, double *low, double *high)
{
    *low = HUGE_VAL, *high = -HUGE_VAL;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(v[i * step])) continue;
        *low = fmin(*low, (double)v[i * step]);
        *high = fmax(*high, (double)v[i * step]);
    }
    if (!(*high > *low)) *low = *low < HUGE_VAL ? *low : 0, *high = *low + 1;
}

/* The image that the layer reads: in colour if it has three channels, otherwise one picture for
 * each of the first four channels, below each other. Returns the height. */
static double draw_input(const first_outputs *o, size_t row, double y, double width,
                         unsigned levels, ls_text *svg)
{
    const ls_image image = o->layer->window.from;
    const float *v = o->input + row * ls_image_values(image);
    bool coloured = image.channels == 3;
    double high = box_height(image.height, image.width, width), top = y;
    pixels p = pixels_begin(image.height, image.width);
    for (size_t c = 0; c < least(image.channels, CHANNELS); c++) {
        double low, most;
        range_of(v + c, ls_image_positions(image), image.channels, &low, &most);
        pixels_shade(&p, image.height, image.width, v + c, image.channels, low, most,
                     coloured ? 6 : levels, coloured ? 0x100u >> (4 * c) : 0x111u);
        if (coloured && c < 2) continue;
        pixels_draw(&p, 1, top, width, high, "input", svg);
        p = pixels_begin(image.height, image.width);
        top += high + 6;
    }
    return top - y;
}

static void draw_map(const first_outputs *o, size_t row, size_t map, const double range[2],
                     unsigned levels, const double box[4], ls_text *svg)
{
    const ls_image to = o->layer->window.to;
    char title[40];
    pixels p = pixels_begin(to.height, to.width);
    snprintf(title, sizeof title, "map %zu", map + 1);
    pixels_shade(&p, to.height, to.width, o->map + row * ls_layer_width(o->layer) + map,
                 o->layer->out, range[0], range[1], levels, 0x111);
    pixels_draw(&p, box[0], box[1], box[2], box[3], title, svg);
}

/* −0.5 with the sign that the page's other texts have. */
static const char *number(double value, char out[32])
{
    snprintf(out, 32, "%s%.3g", value < 0 ? "−" : "", fabs(value));
    return out;
}

/* "Row 17 (class 7)". */
static void name_row(const first_outputs *o, size_t row, char *out, size_t size)
{
    char class[PLOT_NAME];
    int n = snprintf(out, size, "Row %zu", ls_data_row_number(o->rows, row) + 1);
    if (ls_model_task(o->model) != LS_TASK_CLASSIFICATION || !o->rows->y) return;
    plot_short_name(ls_model_class_name(o->model, (size_t)o->rows->y[row]), class);
    snprintf(out + n, size - (size_t)n, " (class %s)", class);
}

/* "Row 17 (class 7): the image and the first 16 of its 32 feature maps. Black is …" */
static void caption_row(const first_outputs *o, size_t row, const double range[2], char *out,
                        size_t size)
{
    char name[160], part[64] = "its", low[32], high[32];
    name_row(o, row, name, sizeof name);
    if (o->maps < o->layer->out)
        snprintf(part, sizeof part, "the first %zu of its %zu", o->maps, o->layer->out);
    snprintf(out, size,
             "%s: the image and %s feature maps. Black is an output of %s, white one of %s.", name,
             part, number(range[0], low), number(range[1], high));
}

static void draw_row(const first_outputs *o, size_t row, unsigned levels, ls_text *figure)
{
    enum { BOX = 72, STEP = 78 };
    const ls_image to = o->layer->window.to;
    char caption[400];
    double range[2], high = box_height(to.height, to.width, BOX), block = LABEL + high + 6;
    size_t lines = (o->maps + MAPS_A_LINE - 1) / MAPS_A_LINE;
    range_of(o->map + row * ls_layer_width(o->layer), ls_layer_width(o->layer), 1, &range[0],
             &range[1]);
    caption_row(o, row, range, caption, sizeof caption);
    ls_text body = {0}, svg = {0};
    double left = draw_input(o, row, LABEL, BOX, levels, &body);
    for (size_t m = 0; m < o->maps; m++) {
        double x = BOX + 7 + (double)(m % MAPS_A_LINE) * STEP,
               y = (double)(m / MAPS_A_LINE) * block;
        char text[24];
        snprintf(text, sizeof text, "%zu", m + 1);
        add_label(&body, x, y + LABEL - 4, text);
        draw_map(o, row, m, range, levels, (double[]){x, y + LABEL, BOX, high}, &body);
    }
    svg_begin(&svg, fmax((double)lines * block, LABEL + left), caption,
              "The image that the network sees, and one picture per filter of its outputs.");
    add_label(&svg, 1, LABEL - 4, "image");
    ls_text_add(&svg, "%s</svg>\n", body.text ? body.text : "");
    figure->failed |= body.failed || svg.failed;
    if (!figure->failed) html_add_plot(figure, svg.text, caption);
    free(body.text);
    free(svg.text);
}

/* Pictures of noise take several times the text of others. If the page gets too long, they get
 * fewer grey levels, and then there are fewer of them. */
static ls_status draw_all_maps(first_outputs *o, ls_text *page, ls_error *err)
{
    static const struct {
        size_t rows, maps;
        unsigned levels;
    } ways[] = {{ROWS, MAPS, PIXELS_LEVELS},
                {ROWS, MAPS, 8},
                {2, MAPS, 8},
                {1, MAPS, 8},
                {1, 8, 8},
                {1, 4, 4}};
    ls_text text = {0};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        free(text.text);
        text = (ls_text){0};
        o->maps = least(o->layer->out, ways[i].maps);
        for (size_t r = 0; r < least(o->rows->rows, ways[i].rows); r++)
            draw_row(o, r, ways[i].levels, &text);
        if (text.failed || page->length + text.length <= PAGE) break;
    }
    if (!text.failed) ls_text_add(page, "%s", text.text);
    bool lost = text.failed;
    free(text.text);
    return lost ? ls_fail(err, LS_ERR_MEMORY, "out of memory for the feature maps") : LS_OK;
}

/* The first row of each of the first classes, or rows evenly spaced. */
static ls_status choose_rows(const ls_model *model, const ls_data *data, ls_data **out,
                             ls_error *err)
{
    bool *marks;
    size_t taken = 0;
    LS_TRY(ls_alloc(&marks, data->rows, sizeof *marks, "the rows of a picture", err));
    bool classes = ls_model_task(model) == LS_TASK_CLASSIFICATION && data->y;
    for (int32_t k = 0; classes && taken < ROWS && (size_t)k < ls_model_classes(model); k++)
        for (size_t i = 0; i < data->rows; i++)
            if (data->y[i] == k) {
                marks[i] = true;
                taken++;
                break;
            }
    for (size_t i = 0; !classes && i < ROWS; i++) marks[i * data->rows / ROWS] = true;
    ls_status status = ls_data_pick(data, marks, true, out, err);
    free(marks);
    return status;
}

/* That pictures of a matrix of that size are averaged, if they are. */
static void add_factor(ls_text *page, const char *what, ls_image image)
{
    size_t factor = pixels_begin(image.height, image.width).factor;
    if (factor > 1)
        ls_text_add(page, " Cells of the pictures of %s are means of %zu×%zu positions.", what,
                    factor, factor);
}

static ls_status add_maps(ls_text *page, first_outputs *o, const char *data_label, ls_error *err)
{
    const ls_layer *l = o->layer;
    bool acts = l->act != LS_ACT_identity;
    html_add_element(page, "h3", "Feature maps");
    ls_text_add(page,
                "<p>The outputs of the first layer%s%s%s for some of the %s, numbered as the "
                "filters. All maps of a row have the same scale.",
                l->norm ? ", after batch normalisation" : "",
                !acts     ? ""
                : l->norm ? " and the activation"
                          : ", after the activation",
                l->norm || acts ? "," : "", data_label);
    if (l->window.from.channels > CHANNELS)
        ls_text_add(page, " Of the %u channels of an image the first %d are shown.",
                    l->window.from.channels, CHANNELS);
    add_factor(page, "images", l->window.from);
    add_factor(page, "maps", l->window.to);
    ls_text_add(page, "</p>\n");
    return draw_all_maps(o, page, err);
}

/* ---- The section ----------------------------------------------------------------------------- */

static ls_status add_rows(ls_text *page, const ls_model *model, const ls_layer *layer,
                          const ls_data *data, const char *data_label, ls_error *err)
{
    ls_data *rows;
    LS_TRY(choose_rows(model, data, &rows, err));
    first_outputs o = {.model = model, .layer = layer, .rows = rows};
    ls_status status = ls_model_encode(model, rows, &o.input, err);
    if (status == LS_OK) status = ls_model_maps(model, rows, &o.map, err);
    if (status == LS_OK) status = add_maps(page, &o, data_label, err);
    free(o.input);
    free(o.map);
    ls_data_free(rows);
    return status;
}

ls_status report_add_filters(ls_text *page, const ls_model *model, const ls_data *data,
                             const char *data_label, ls_error *err)
{
    const ls_layer *l = ls_model_first_convolution(model);
    ls_layer_shape shape = LS_INIT(ls_layer_shape);
    if (!l) return LS_OK;
    LS_TRY(ls_model_layer_shape(model, 0, &shape, err));
    bank b = bank_of(model, l);
    html_add_element(page, "h2", "Filters and feature maps");
    ls_text_add(page, "<p>The network begins with <code>");
    html_add(page, shape.text);
    ls_text_add(
        page,
        "</code>. Each filter is a pattern of %u×%u weights that slides over the image. It multiplies what it covers by its weights, cell by cell, and the sum is large where the image is like the pattern. The sums at all positions are the filter's feature map, which the next layer reads.</p>\n",
        l->window.kernel[0], l->window.kernel[1]);
    LS_TRY(add_bank(page, &b, err));
    return data ? add_rows(page, model, l, data, data_label, err) : LS_OK;
}
