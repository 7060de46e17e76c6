/* SPDX-License-Identifier: MIT */
/* What tests of the program share: command lines and what they print, the folders of runs, and
 * waits for a state of a running program. */
#ifndef SUPPORT_PROGRAM_H
#define SUPPORT_PROGRAM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "tests/support/runs.h"

/* Rows with a number, categories and missing values; the last column is the class. */
extern const char program_mixed_csv[];

/* ---- Command lines --------------------------------------------------------------------------- */

/* Runs a command line that must exit with 0. */
void program_do(const char *line);

/* The same for a training; the hash is the one in the last line of its output. */
void program_train(const char *line, char hex[65]);

/* A command line that is wrong: its exit status, and the words of the one line on stderr. Nothing
 * is printed to stdout. */
typedef struct {
    const char *line;
    int status;
    const char *words; /* separated by blanks; all of them must be in the message */
} program_mistake;

void program_check_mistakes(const program_mistake *list, size_t count);

/* Expects every word of `words` (separated by blanks) in a text that a command line printed. */
void program_expect_words(const char *line, const char *text, const char *words);

/* ---- Texts and files ------------------------------------------------------------------------- */

size_t program_count_lines(const char *text);

/* Removes the last newline and returns the last line. */
const char *program_last_line(char *text);

/* Parses a text that must be one JSON object and nothing else. name: for the message. */
json_t *program_parse(const char *text, const char *name);
json_t *program_read_json(const char *path);

/* Compares two run folders, all files but timing.jsonl, byte by byte. */
extern const char *const program_compared[4];
void program_assert_same_run(const char *a, const char *b);

/* ---- Waits ----------------------------------------------------------------------------------- */

/* Starts the program with the words of a line; runs_wait takes the process id. */
int program_start(const char *line);

/* The waits below end with an event and never with a duration; the test's timeout ends those whose
 * event does not come. They return false if the process has ended first. */

bool program_is_running(int pid);

/* Waits until the process handles the signal itself, so that it can be interrupted. */
bool program_wait_for_handler(int pid, int signal);

/* Waits until there is a file at the path, of at least `size` bytes. */
bool program_wait_for_file(int pid, const char *path, size_t size);

/* A file as it is now, and a wait until it is created or replaced. */
typedef struct {
    unsigned long long inode;
    long long seconds, nanoseconds;
} program_version;
program_version program_file_version(const char *path);
bool program_wait_for_change(int pid, const char *path, program_version before);

#endif
