/* SPDX-License-Identifier: MIT */
#include "host/cli/base/interrupt.h"
#include "host/cli/base/exit_status.h"
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t asked;
static const char *volatile remove_path;

static void catch_signals(void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static void on_signal(int number)
{
    (void)number;
    asked = 1;
}

void interrupt_catch(void) { catch_signals(on_signal, (int)SA_RESETHAND); }

int interrupted(void) { return asked; }

static void on_last_signal(int number)
{
    (void)number;
    if (remove_path) unlink(remove_path);
    _exit(EXIT_INTERRUPTED);
}

void interrupt_removes(const char *path)
{
    struct sigaction before;
    remove_path = path;
    catch_signals(on_last_signal, 0);
    /* a shell's background command ignores SIGHUP if it was started with nohup */
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        signal(SIGHUP, on_last_signal);
}
