/* SPDX-License-Identifier: MIT */
#include "host/cli/base/interrupt.h"
#include "host/cli/base/exit_status.h"
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t asked;
static const char *volatile remove_path;

/* Ctrl-C, the end asked for by another process, and the end of the terminal. A signal that is
 * ignored stays ignored: nohup, or trap '' in a shell, asked for that. */
static void catch_signals(void (*handler)(int), int flags)
{
    static const int list[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags}, before;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (sigaction(list[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(list[i], &action, NULL);
}

/* The second signal, whichever of them, ends the process once this handler returns. */
static void on_signal(int number)
{
    if (asked) {
        signal(number, SIG_DFL);
        raise(number);
    }
    asked = 1;
}

/* With SA_RESTART, a write to a slow pipe that the signal interrupts goes on. */
void interrupt_catch(void) { catch_signals(on_signal, SA_RESTART); }

int interrupted(void) { return asked; }

static void on_last_signal(int number)
{
    (void)number;
    if (remove_path) unlink(remove_path);
    _exit(EXIT_INTERRUPTED);
}

void interrupt_removes(const char *path)
{
    remove_path = path;
    catch_signals(on_last_signal, 0);
}
