/* SPDX-License-Identifier: MIT */
/* The program lockstep-device-helper, which the library starts (cl_helper.h). */
#include "host/base/host_mode.h"
#include "host/opencl/cl_serve.h"
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
    LS_HOST_MODE(mode);
    int type;
    socklen_t size = sizeof type;
    if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &type, &size) != 0) {
        fputs("lockstep-device-helper: started by lockstep to try a device's driver apart from "
              "itself; there is no use in starting it by hand\n",
              stderr);
        return 2;
    }
    return ls_cl_serve(NULL);
}
