/* SPDX-License-Identifier: MIT */
#include "host/base/memory.h"
#include "host/base/neighbours.h"
#include "host/base/text.h"
#include "host/cli/base/args.h"
#include "host/cli/cmd/commands.h"
#include "host/cli/cmd/model_command.h"
#include "host/cli/plot/gnuplot.h"
#include "host/cli/plot/history_plots.h"
#include "host/cli/plot/letters.h"
#include "host/cli/plot/model_plots.h"
#include <stdlib.h>
#include <string.h>

/* The introduction of the help, with one line per plot. */
static void add_intro(ls_text *out)
{
    ls_text_add(out, "Draws one plot of MODEL with gnuplot. PLOT is one of:\n\n");
    for (size_t i = 0; i < model_plot_count; i++) {
        ls_text_add(out, "  %-19s ", model_plots[i].name);
        for (const char *p = model_plots[i].help; *p; p++)
            if (*p == '\n') ls_text_add(out, "\n%22s", "");
            else ls_text_add(out, "%c", *p);
        ls_text_add(out, "%s\n", model_plots[i].needs & PLOT_NEEDS_DATA ? "" : "; needs no DATA");
    }
    ls_text_add(
        out,
        "\n"
        "MODEL may be a run folder. Several models (up to seven) give one picture of their losses or\n"
        "accuracies. SVG plots show values under the pointer.\n"
        "\n"
        "  lockstep plot boundary moons.safetensors moons -o moons.svg\n"
        "  lockstep plot loss a.safetensors runs/b runs/c -o losses.svg\n");
}

static ls_status unknown_plot(const char *name, ls_error *err)
{
    const char **names;
    ls_text list = {0};
    LS_TRY(ls_alloc(&names, model_plot_count, sizeof *names, "the names of the plots", err));
    for (size_t i = 0; i < model_plot_count; i++) {
        names[i] = model_plots[i].name;
        ls_text_add(&list, "%s%s",
                    i == 0                     ? ""
                    : i + 1 < model_plot_count ? ", "
                                               : " and ",
                    names[i]);
    }
    const char *near = ls_value_hint("plot", name, names, model_plot_count);
    ls_status status = near
                           ? ls_fail(err, LS_ERR_ARGUMENT,
                                     "unknown plot '%.40s'; did you mean '%s'?", name, near)
                           : ls_fail(err, LS_ERR_ARGUMENT, "unknown plot '%.40s'; the plots are %s",
                                     name, list.failed ? "" : list.text);
    free(list.text);
    free(names);
    return status;
}

static ls_status write_plot(const model_command *c, const model_plot *plot, const ls_text *script,
                            ls_error *err)
{
    ls_text description = {0};
    ls_text_add(&description, "%s %s", plot->description, plot->reading);
    ls_status status = plot_draw_file(script, plot->caption, description.text, c->path, err);
    free(description.text);
    if (status == LS_OK && c->model && !c->source.quiet && !c->source.json) letters_note(c->model);
    return status;
}

static ls_status draw(model_command *c, const model_plot *plot, ls_error *err)
{
    ls_text script = {0};
    analysis a = {.model = c->model, .device = c->device, .data = c->data, .data_label = "rows"};
    ls_status status = model_plot_check(plot, &a, err);
    if (status == LS_OK) status = plot->draw(&script, &a, err);
    if (status == LS_OK) status = write_plot(c, plot, &script, err);
    free(script.text);
    analysis_free(&a);
    return status;
}

/* ---- Several models ---------------------------------------------------------------------------
 */

typedef struct {
    plot_member run[PLOT_RUNS];
    ls_model *model[PLOT_RUNS];
    char *name[PLOT_RUNS];
    size_t count;
} several;

static void free_several(several *s)
{
    for (size_t i = 0; i < s->count; i++) {
        ls_model_free(s->model[i]);
        free(s->name[i]);
    }
}

/* "a" of runs/a/ and of models/a.safetensors. NULL if memory runs out. */
static char *short_name(const char *path)
{
    static const char ending[] = ".safetensors";
    char *name = ls_strdup(path), *from = name;
    size_t n = name ? strlen(name) : 0, end = sizeof ending - 1;
    while (n > 1 && name[n - 1] == '/') name[--n] = '\0';
    if (n > end && !strcmp(name + n - end, ending)) name[n - end] = '\0';
    if (name && strrchr(name, '/') && strrchr(name, '/')[1]) from = strrchr(name, '/') + 1;
    if (name) memmove(name, from, strlen(from) + 1);
    return name;
}

/* Names that would be equal are the paths. */
static ls_status name_several(several *s, const char *const *path, ls_error *err)
{
    bool twice = false;
    for (size_t i = 0; i < s->count; i++) {
        s->name[i] = short_name(path[i]);
        if (!s->name[i]) return ls_fail(err, LS_ERR_MEMORY, "out of memory for the legend");
        for (size_t k = 0; k < i; k++) twice |= !strcmp(s->name[i], s->name[k]);
    }
    for (size_t i = 0; i < s->count; i++)
        s->run[i] = (plot_member){s->model[i], twice ? path[i] : s->name[i]};
    return LS_OK;
}

static ls_status draw_several(model_command *c, const model_plot *plot, several *s, ls_error *err)
{
    bool accuracy = !strcmp(plot->name, "accuracy");
    ls_text script = {0};
    ls_error why;
    for (int i = 1; i < c->operands; i++) {
        const char *path = c->operand[i];
        ls_status opened = source_model(path, &s->model[s->count], &why);
        if (opened != LS_OK && i > 1)
            return ls_fail(err, LS_ERR_ARGUMENT,
                           "the plot %s is drawn from models alone, and '%.200s' is none (%s)",
                           plot->name, path, why.message);
        LS_TRY(opened == LS_OK ? LS_OK : ls_fail(err, opened, "%s", why.message));
        s->count++;
    }
    LS_TRY(name_several(s, c->operand + 1, err));
    LS_TRY(plot_runs_check(s->run, s->count, accuracy, err));
    plot_runs(&script, s->run, s->count, accuracy);
    ls_status status = write_plot(c, plot, &script, err);
    free(script.text);
    return status;
}

/* ---- Command ----------------------------------------------------------------------------------
 */

static ls_status work(model_command *c, ls_error *err)
{
    const model_plot *plot = model_plot_find(c->operand[0]);
    several s = {.count = 0};
    if (!plot) return unknown_plot(c->operand[0], err);
    bool reads = (plot->needs & PLOT_NEEDS_DATA) != 0;
    if (reads && c->operands > 3)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "the plot %s is of one model, and '%.200s' is one thing too many; loss and "
                       "accuracy compare several models",
                       plot->name, c->operand[3]);
    if (!reads && c->operands > 2) {
        LS_TRY(model_command_check(c, err));
        ls_status status = draw_several(c, plot, &s, err);
        free_several(&s);
        return status;
    }
    LS_TRY(model_command_open(c, c->operand[1], c->operands > 2 ? c->operand[2] : NULL, err));
    return draw(c, plot, err);
}

int cmd_plot(int argc, const char **argv)
{
    ls_text intro = {0};
    add_intro(&intro);
    model_command_info info = {.name = "plot",
                               .usage = "PLOT MODEL [DATA | MODEL...] -o FILE",
                               .intro = intro.failed ? "" : intro.text,
                               .least = 2,
                               .most = 1 + PLOT_RUNS,
                               .output = "plot",
                               .output_help = "write the plot to this file, .svg or .png",
                               .work = work};
    int status = model_command_run(&info, argc, argv);
    free(intro.text);
    return status;
}
