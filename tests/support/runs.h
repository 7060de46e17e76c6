/* SPDX-License-Identifier: MIT */
/* What tests of whole runs share: options from one line of text, the devices that must agree, runs
 * with all that they report, files in a temporary folder, and child processes. */
#ifndef SUPPORT_RUNS_H
#define SUPPORT_RUNS_H

#include <stdbool.h>
#include <stddef.h>

#include "host/include/lockstep.h"

#define RUNS_COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- Devices --------------------------------------------------------------------------------- */

typedef struct {
    char label[192]; /* "CPU path, 2 threads" */
    ls_device *device;
} runs_device;

enum { RUNS_DEVICES = 16 };

/* Opens the CPU path with each of the thread counts (0 ends the list), then every exact OpenCL
 * device. Where there is none of the latter, the test fails if LOCKSTEP_REQUIRE_OPENCL=1, and
 * otherwise a line says that it looked at less. */
size_t runs_devices_open(runs_device list[RUNS_DEVICES], const unsigned *threads);
void runs_devices_close(runs_device *list, size_t count);

/* ---- Runs ------------------------------------------------------------------------------------ */

/* Options from "name value name value"; later ones win. Fails the test where one is refused. */
ls_options *runs_options(const char *text);
/* The same, of which all others are at their defaults, as `lockstep train` takes them; those of
 * runs_options are those of a plain training. */
ls_options *runs_defaults(const char *text);

/* A generated data set; rows 0 for the generator's default. "numbers:2" and "labels:3" give that
 * many targets that depend on four features; "numbers:2:weighted" also weighs rows. */
ls_data *runs_data(const char *name, size_t rows);

/* A file of the source tree's datasets folder. */
ls_data *runs_data_file(const char *name);

/* A run and all that it reported. */
typedef struct {
    ls_model *model;
    ls_progress *progress; /* one an epoch, as the callback got them */
    size_t epochs;
    char *bytes; /* the model file */
    size_t size;
    char weights[65]; /* hash of the tensors alone */
} runs_run;

/* Trains; stop_at: the epoch at which the callback asks to stop, 0 for never. Fails the test where
 * training fails. */
void runs_train(ls_device *device, const char *options, const ls_data *data, size_t stop_at,
                runs_run *out);
void runs_free(runs_run *run);

/* The same run on both devices, bit for bit: model file, losses, and figures and outputs of the
 * model on the data. */
void runs_assert_equal(const runs_run *a, const runs_device *on_a, const runs_run *b,
                       const runs_device *on_b, const ls_data *data, const char *what);

/* Trains on all devices and holds each against the first. weights: NULL, or receives the hash they
 * agree on. */
void runs_agree(const runs_device *list, size_t count, const char *options, const ls_data *data,
                const char *what, char weights[65]);

/* ---- Files ----------------------------------------------------------------------------------- */

/* Makes a temporary folder, and goes there; leave removes it with all in it. */
void runs_folder_enter(char path[64]);
void runs_folder_leave(const char *path);
void runs_file_write(const char *path, const void *bytes, size_t size);
/* The bytes of a file with a NUL behind them; NULL where there is none. size may be NULL. */
char *runs_file_read(const char *path, size_t *size);
/* Number of entries in a folder. */
size_t runs_folder_count(const char *path);
void runs_file_sha256(const char *path, char hex[65]);

/* ---- Child processes ------------------------------------------------------------------------- */

typedef struct {
    int status;      /* exit status, or 128 + the signal that ended it */
    char *out, *err; /* what it wrote */
} runs_child;

/* Runs a program in the current folder and waits. arguments end with NULL; the first is the
 * program. */
void runs_spawn(const char *const *arguments, runs_child *out);
/* Starts it and returns its process id; runs_wait takes it from there. */
int runs_start(const char *const *arguments);
void runs_wait(int pid, runs_child *out);
void runs_child_free(runs_child *child);

/* Runs the program with the words of a line, as "train moons --epochs 2"; '' is an empty word. */
runs_child runs_program(const char *line);
/* The same; expects that exit status and returns what was printed to stdout, freed by the caller.
 */
char *runs_program_expect(const char *line, int status);

#endif
