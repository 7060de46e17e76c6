# SPDX-License-Identifier: MIT
# Writes the kernel sources, one after the other and without their #include lines, into a C array: an installed library
# needs no files. Called with -DOUT=file -DFILES=a;b;c.
set(all "")
foreach(file IN LISTS FILES)
  file(READ ${file} text)
  string(REGEX REPLACE "#include \"[^\"]*\"\n" "" text "${text}")
  string(REGEX REPLACE "[^\t\n -~]" "" text "${text}") # comments' ·, ² and the like: not every driver reads UTF-8
  string(APPEND all "#line 1 \"${file}\"\n${text}\n")
endforeach()
file(WRITE ${OUT}.txt "${all}")
file(READ ${OUT}.txt hex HEX)
file(REMOVE ${OUT}.txt)
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
file(WRITE ${OUT} "#include <stddef.h>\nextern const char ls_kernel_source[];\nextern const size_t ls_kernel_source_size;\nconst char ls_kernel_source[] = {\n${hex}0};\nconst size_t ls_kernel_source_size = sizeof ls_kernel_source - 1;\n")
