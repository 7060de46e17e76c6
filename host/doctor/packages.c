/* SPDX-License-Identifier: MIT */
#include "host/doctor/packages.h"

/* nvidia, amd, intel, loader, pocl */
static const char *const commands[LS_FAMILY_COUNT][LS_PACKAGE_COUNT] = {
    [LS_FAMILY_OTHER] = {"install NVIDIA's driver with its OpenCL part",
                         "install Mesa's rusticl or ROCm's OpenCL",
                         "install Intel's compute runtime (intel-compute-runtime)",
                         "install an OpenCL loader (ocl-icd)", "install PoCL"},
    [LS_FAMILY_DEBIAN] = {"sudo apt install nvidia-driver nvidia-opencl-icd (section non-free)",
                          "sudo apt install mesa-opencl-icd", "sudo apt install intel-opencl-icd",
                          "sudo apt install ocl-icd-libopencl1",
                          "sudo apt install pocl-opencl-icd"},
    [LS_FAMILY_UBUNTU] = {"sudo ubuntu-drivers install", "sudo apt install mesa-opencl-icd",
                          "sudo apt install intel-opencl-icd",
                          "sudo apt install ocl-icd-libopencl1",
                          "sudo apt install pocl-opencl-icd"},
    [LS_FAMILY_ARCH] = {"sudo pacman -S nvidia opencl-nvidia",
                        "sudo pacman -S rocm-opencl-runtime (or opencl-mesa)",
                        "sudo pacman -S intel-compute-runtime", "sudo pacman -S ocl-icd",
                        "sudo pacman -S pocl"},
    [LS_FAMILY_FEDORA] = {"sudo dnf install akmod-nvidia xorg-x11-drv-nvidia-cuda (RPM Fusion)",
                          "sudo dnf install rocm-opencl (or mesa-libOpenCL)",
                          "sudo dnf install intel-compute-runtime", "sudo dnf install ocl-icd",
                          "sudo dnf install pocl"},
    [LS_FAMILY_SUSE] = {"sudo zypper install nvidia-compute-G06 (NVIDIA's repository)",
                        "sudo zypper install Mesa-libRusticlOpenCL",
                        "sudo zypper install intel-opencl", "sudo zypper install libOpenCL1",
                        "sudo zypper install pocl"},
};

const char *ls_package_command(ls_family family, ls_package package)
{
    return commands[family][package];
}

const char *ls_package_owner_command(ls_family family)
{
    static const char *const owners[LS_FAMILY_COUNT] = {[LS_FAMILY_DEBIAN] = "dpkg -S",
                                                        [LS_FAMILY_UBUNTU] = "dpkg -S",
                                                        [LS_FAMILY_ARCH] = "pacman -Qo",
                                                        [LS_FAMILY_FEDORA] = "rpm -qf",
                                                        [LS_FAMILY_SUSE] = "rpm -qf"};
    return owners[family];
}
