# SPDX-License-Identifier: MIT
# Writes kernel sources, one after the other and without their #include lines, into a C array: an installed library needs no
# files. Called with -DOUT=file -DNAME=symbol -DFILES=a;b;c.
set(all "")
foreach(file IN LISTS FILES)
  file(READ ${file} text)
  string(REGEX REPLACE "#include \"[^\"]*\"\n" "" text "${text}")
  string(REGEX REPLACE "[^\t\n -~]" "" text "${text}") # comments' signs beyond ASCII: not every driver reads UTF-8
  string(APPEND all "#line 1 \"${file}\"\n${text}\n")
endforeach()
file(WRITE ${OUT}.txt "${all}")
file(READ ${OUT}.txt hex HEX)
file(REMOVE ${OUT}.txt)
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
file(WRITE ${OUT} "#include <stddef.h>\nextern const char ${NAME}[];\nextern const size_t ${NAME}_size;\n"
  "const char ${NAME}[] = {\n${hex}0};\nconst size_t ${NAME}_size = sizeof ${NAME} - 1;\n")
