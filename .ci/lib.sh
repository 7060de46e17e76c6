# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Shared by ./demo and ./check: installs missing packages and describes the machine to PoCL.

# need PACKAGE COMMAND...: marks a Debian package as missing if the command fails.
missing=""
need() {
    package=$1; shift
    case " $missing " in *" $package "*) return ;; esac
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}
has_header() { printf '#include <%s>\n' "$1" | cc -E - >/dev/null 2>&1; }
has_library() { ldconfig -p 2>/dev/null | grep -q "$1" || ls /usr/lib*/"$1"* /usr/lib/*/"$1"* >/dev/null 2>&1; }
has_icd() { ls /etc/OpenCL/vendors/*.icd >/dev/null 2>&1; }

need_compiler() {
    need gcc sh -c 'command -v cc && printf "int main(void){return 0;}" | cc -x c - -o /dev/null'
    need libc6-dev has_header stdio.h
    need cmake command -v cmake
    need make sh -c 'command -v make || command -v ninja'
    need pkg-config command -v pkg-config
    need opencl-headers has_header CL/cl.h
    need libjansson-dev has_header jansson.h
    need libpopt-dev has_header popt.h
    need zlib1g-dev has_header zlib.h
}

need_build_tools() {
    need_compiler
    need ocl-icd-libopencl1 has_library libOpenCL.so.1
    need pocl-opencl-icd has_icd
}

# Installs the missing packages with apt. Without apt or the right to use it, lists them and goes on.
install_missing() {
    [ -n "$missing" ] || return 0
    if command -v apt-get >/dev/null 2>&1; then
        sudo=""
        [ "$(id -u)" = 0 ] || sudo="sudo"
        if [ -z "$sudo" ] || command -v sudo >/dev/null 2>&1; then
            echo "Installing:$missing"
            export DEBIAN_FRONTEND=noninteractive
            $sudo apt-get update -qq >/dev/null 2>&1
            # shellcheck disable=SC2086
            if $sudo apt-get install -y -qq --no-install-recommends $missing >/tmp/lockstep-install.$$ 2>&1; then
                rm -f /tmp/lockstep-install.$$
                return 0
            fi
            tail -n 5 /tmp/lockstep-install.$$
            rm -f /tmp/lockstep-install.$$
            echo "The installation failed; continuing without these packages."
            return 0
        fi
    fi
    echo "Missing packages (Debian's names):$missing"
    echo "Install them with your package manager (Arch: ocl-icd opencl-headers jansson popt zlib cmake gcc;"
    echo "Fedora: ocl-icd opencl-headers jansson-devel popt-devel zlib-devel cmake gcc). Continuing without them."
}

cores() { nproc 2>/dev/null || echo 2; }

# In a chroot without /sys, PoCL finds no memory and aborts. This writes the topology of the machine to a
# file, from /proc, and points hwloc (which PoCL uses) to it.
describe_machine() {
    [ -d /sys/devices/system/cpu ] && return 0
    [ -r /proc/meminfo ] || return 0
    mkdir -p build
    topology=$PWD/build/topology.xml
    bytes=$(($(sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo) * 1024))
    {
        echo '<?xml version="1.0" encoding="UTF-8"?>'
        echo '<!DOCTYPE topology SYSTEM "hwloc2.dtd">'
        echo '<topology version="2.0">'
        last=$(($(cores) - 1))
        all=$(printf '0x%08x' $(((1 << (last + 1)) - 1)))
        sets="cpuset=\"$all\" complete_cpuset=\"$all\" nodeset=\"0x1\" complete_nodeset=\"0x1\""
        echo "<object type=\"Machine\" os_index=\"0\" $sets allowed_cpuset=\"$all\" allowed_nodeset=\"0x1\" gp_index=\"1\">"
        echo "<object type=\"NUMANode\" os_index=\"0\" $sets gp_index=\"2\" local_memory=\"$bytes\"/>"
        for i in $(seq 0 "$last"); do
            one=$(printf '0x%08x' $((1 << i)))
            echo "<object type=\"PU\" os_index=\"$i\" cpuset=\"$one\" complete_cpuset=\"$one\" nodeset=\"0x1\" complete_nodeset=\"0x1\" gp_index=\"$((i + 3))\"/>"
        done
        echo '</object>'
        echo '</topology>'
    } >"$topology"
    export HWLOC_XMLFILE="$topology" HWLOC_THISSYSTEM=1
}
