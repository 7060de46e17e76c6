/* SPDX-License-Identifier: MIT */
#include "host/base/memory.h"
#include "host/base/neighbours.h"
#include "host/base/text.h"
#include "host/cli/base/args.h"
#include "host/cli/cmd/commands.h"
#include "host/cli/cmd/model_command.h"
#include "host/cli/plot/gnuplot.h"
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
    ls_text_add(out, "\n"
                     "MODEL may be a run folder. SVG plots show values under the pointer.\n"
                     "\n"
                     "  lockstep plot boundary moons.safetensors moons -o moons.svg\n");
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

static ls_status draw(model_command *c, const model_plot *plot, ls_error *err)
{
    ls_text script = {0};
    analysis a = {.model = c->model, .device = c->device, .data = c->data, .data_label = "rows"};
    ls_status status = model_plot_check(plot, &a, err);
    if (status == LS_OK) status = plot->draw(&script, &a, err);
    if (status == LS_OK) status = plot_draw_file(&script, plot->name, c->path, err);
    free(script.text);
    analysis_free(&a);
    return status;
}

static ls_status work(model_command *c, ls_error *err)
{
    const model_plot *plot = model_plot_find(c->operand[0]);
    if (!plot) return unknown_plot(c->operand[0], err);
    bool reads = (plot->needs & PLOT_NEEDS_DATA) && c->operands > 2;
    if (c->operands > 2 && !reads)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "the plot %s is drawn from the model alone; leave '%.200s' out", plot->name,
                       c->operand[2]);
    LS_TRY(model_command_open(c, c->operand[1], reads ? c->operand[2] : NULL, err));
    return draw(c, plot, err);
}

int cmd_plot(int argc, const char **argv)
{
    ls_text intro = {0};
    add_intro(&intro);
    model_command_info info = {.name = "plot",
                               .usage = "PLOT MODEL [DATA] -o FILE",
                               .intro = intro.failed ? "" : intro.text,
                               .least = 2,
                               .most = 3,
                               .output = "plot",
                               .output_help = "write the plot to this file, .svg or .png",
                               .work = work};
    int status = model_command_run(&info, argc, argv);
    free(intro.text);
    return status;
}
